"""coverage.py's JSON report as input: executed and missing lines, branches, which test ran what.

# spec: coverage.py, `coverage json --show-contexts`: files.{path}.executed_lines, missing_lines,
missing_branches [[from, to]], contexts {line: [context]}; pytest-cov's contexts are
`tests/test_x.py::test_y|run`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object

MAX_BYTES = 64 * 1024 * 1024
MAX_TESTS_PER_LINE = 200


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """One file: lines that ran and that did not, lines a branch of which was not taken."""

    executed: frozenset[int]
    missing: frozenset[int]
    partial: frozenset[int]
    contexts: Mapping[int, tuple[str, ...]]


Coverage = Mapping[str, FileCoverage]


def read(raw: bytes) -> Coverage:
    """The report by path; Invalid when it is not one."""
    if len(raw) > MAX_BYTES:
        raise Invalid(f"the coverage report is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        data: Json = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("the coverage report is not JSON") from None
    files = as_object(as_object(data).get("files"))
    if not files:
        raise Invalid("this is not a report of coverage.py: it has no files")
    return {_slashes(path): _file(as_object(entry)) for path, entry in files.items()}


def _slashes(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _file(entry: JsonObject) -> FileCoverage:
    contexts = {}
    for line, tests in as_object(entry.get("contexts")).items():
        named = {_test_of(t) for t in as_list(tests)[:MAX_TESTS_PER_LINE] if isinstance(t, str)}
        if line.isdigit() and len(line) < 9 and named - {""}:
            contexts[int(line)] = tuple(sorted(named - {""}))
    return FileCoverage(
        executed=_lines(entry.get("executed_lines")),
        missing=_lines(entry.get("missing_lines")),
        partial=frozenset(
            line
            for pair in as_list(entry.get("missing_branches"))
            for line in [as_int(next(iter(as_list(pair)), None))]
            if line is not None
        ),
        contexts=contexts,
    )


def _lines(value: Json) -> frozenset[int]:
    return frozenset(n for n in map(as_int, as_list(value)) if n is not None)


def _test_of(context: str) -> str:
    """The test's own id: without the phase that pytest-cov puts behind it."""
    return (
        context.rpartition("|")[0]
        if context.endswith(("|run", "|setup", "|teardown"))
        else (context)
    )


def for_path(coverage: Coverage, path: str) -> FileCoverage | None:
    """The file's entry: under its own path, or the only one that ends in it or that it ends in."""
    found = coverage.get(path)
    if found is not None:
        return found
    like = [
        entry
        for other, entry in coverage.items()
        if other.endswith(f"/{path}") or path.endswith(f"/{other}")
    ]
    return like[0] if len(like) == 1 else None
