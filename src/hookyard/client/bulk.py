"""Many records in and out as lines of JSON: how they are sent, and what became of them. Pure.

An import goes as requests of some lines each, under keys that follow from the first: whoever was
cut off sends the same lines under the same key again, and what was written is not written twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.client.calls import Call, How, path_of
from hookyard.client.transport import KEY, Answer, Problem, Request, Values, as_json

MAX_LINES = 1_000
MAX_BYTES = 4 * 1024 * 1024
PROBLEMS_TOLD = 1_000
_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why a line was refused; the first line is 1, `pointer` is the place in it."""

    line: int
    code: str
    detail: str
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an import. `replayed` lines were written by an earlier try; of the problems
    a thousand are kept at most."""

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    replayed: int = 0
    problems: Sequence[LineProblem] = ()

    def and_then(self, other: "Report") -> "Report":
        """Both together."""
        return Report(
            self.lines + other.lines, self.created + other.created, self.updated + other.updated,
            self.unchanged + other.unchanged, self.failed + other.failed,
            self.replayed + other.replayed,
            [*self.problems, *other.problems][:PROBLEMS_TOLD],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that go in one request; `first` is the number of the first of them."""

    first: int
    body: bytes = field(repr=False)


class Batches:
    """Cuts records into batches. Where one ends depends on the records alone."""

    def __init__(self) -> None:
        self._first = self._next = 1
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, record: Values) -> Batch | None:
        """The batch that this record completes."""
        line = as_json(record)
        self._lines.append(line)
        self._size += len(line) + 1
        self._next += 1
        is_full = len(self._lines) >= MAX_LINES or self._size >= MAX_BYTES
        return self.rest() if is_full else None

    def rest(self) -> Batch | None:
        """What is left when there are no more records."""
        if not self._lines:
            return None
        found = Batch(self._first, b"\n".join([*self._lines, b""]))
        self._first, self._lines, self._size = self._next, [], 0
        return found


def load(entity: str, batch: Batch, mode: str, key: str, how: How) -> Call[Report]:
    """One batch of an import; `mode` is `create` or `upsert`, `key` is that of the whole."""
    headers = {"content-type": _LINES}
    if key:
        headers[KEY] = f"{key}.{batch.first}"
    params = {"mode": mode}
    if how.dry_run:
        params["dry_run"] = "true"
    request = Request("POST", f"{path_of(entity)}/_import", params, headers, batch.body)
    return Call(request, lambda answer: _report(answer, batch.first - 1))


def moved(problem: Problem, batch: Batch) -> Problem:
    """A refusal of a whole batch, with the line of the whole import that it begins with."""
    line = problem.facts.get("line")
    if isinstance(line, int):
        problem.facts = {**problem.facts, "line": line + batch.first - 1}
    return problem


def export(entity: str, where: Values | None, select: Sequence[str] | None) -> Request:
    """Every record as a line."""
    params: dict[str, str] = {}
    if where is not None:
        params["where"] = as_json(where).decode()
    if select is not None:
        params["select"] = as_json(list(select)).decode()
    return Request("GET", f"{path_of(entity)}/_export", params)


def _report(answer: Answer, before: int) -> Report:
    said = answer.values()
    problems = said["problems"]
    assert isinstance(problems, list)  # noqa: S101
    return Report(
        lines=_count(said, "lines"),
        created=_count(said, "created"),
        updated=_count(said, "updated"),
        unchanged=_count(said, "unchanged"),
        failed=_count(said, "failed"),
        replayed=_count(said, "replayed"),
        problems=[
            LineProblem(one["line"] + before, one["code"], one["detail"], one.get("pointer", ""))
            for one in problems
        ],
    )


def _count(said: Mapping[str, object], name: str) -> int:
    found = said[name]
    assert isinstance(found, int)  # noqa: S101
    return found
