"""Every sample report comes to what was written down by hand for it."""

import json
from pathlib import Path

import pytest

from hookyard.features.testruns.parse import Keep, parse
from hookyard.kit.json import Json, JsonObject, as_list, as_object

SAMPLES = Path(__file__).parents[3] / "samples" / "results"
NAMES = sorted(path.name for path in SAMPLES.iterdir())
COUNTS = ("tests", "passed", "failed", "errors", "skipped", "flaky", "duration_s")
# Sizes of the pieces a report may come in: a byte at a time, awkward ones, whole.
PIECES = (1, 7, 1 << 20)


def read(name: str, piece: int) -> JsonObject:
    """What a sample comes to, as plain data."""
    (path,) = [one for one in (SAMPLES / name).iterdir() if one.stem == "report"]
    data = path.read_bytes()
    parsed, sink = parse(lambda: (data[at : at + piece] for at in range(0, len(data), piece)), Keep)
    cases: list[Json] = [
        {
            "name": case.name,
            "classname": case.classname,
            "suite": case.suite,
            "outcome": case.outcome.value,
            "ids": list(case.ids),
            "file": case.file,
            "line": case.line,
            "flaky": case.flaky,
            "reruns": case.reruns,
            "time_s": case.time_s,
            "occurrence": case.occurrence,
            "message": case.message,
        }
        for case in (sink.cases if isinstance(sink, Keep) else [])
    ]
    return {
        "dialect": parsed.dialect,
        **{count: getattr(parsed.totals, count) for count in COUNTS},
        "truncated": parsed.truncated,
        "problem": None if parsed.problem is None else parsed.problem.value,
        "warnings": list(parsed.warnings),
        "cases": cases,
    }


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_comes_to_what_is_expected(name: str, piece: int) -> None:
    expected: JsonObject = json.loads((SAMPLES / name / "expected.json").read_bytes())
    found = read(name, piece)
    cases = as_list(found["cases"])
    for wanted, case in zip(as_list(expected["cases"]), cases, strict=True):
        facts = as_object(case)
        assert {key: facts[key] for key in as_object(wanted)} == wanted
    if "warning_has" in expected:
        text = " ".join(str(line) for line in as_list(found["warnings"]))
        assert str(expected["warning_has"]) in text
    plain = {key: value for key, value in expected.items() if key not in ("cases", "warning_has")}
    assert {key: found[key] for key in plain} == plain
    assert found["problem"] == expected.get("problem")


def test_every_dialect_has_a_sample() -> None:
    dialects = {read(name, 1 << 20)["dialect"] for name in NAMES} - {""}
    assert dialects == {
        "junit", "phpunit", "nunit2", "nunit3", "xunit1", "xunit2", "xunit3", "trx", "ctest",
        "mocha", "dart", "go",
    }  # fmt: skip
