"""Mocha's JSON reporter: one document with the tests, and lists of those that passed or not.

# spec: mochajs.org, reporters, JSON. A pending test is one that was skipped.
"""

from collections.abc import Iterable, Iterator

import msgspec

from hookyard.features.testruns.dialects.base import too_many
from hookyard.features.testruns.limits import MAX_TEXT, Limits, Malformed, Refused
from hookyard.features.testruns.model import Case, Outcome, Problem
from hookyard.features.testruns.numbers import count, milliseconds


class _Err(msgspec.Struct, gc=False):
    message: object = None
    stack: object = None


class _Test(msgspec.Struct, rename="camel"):
    title: str = ""
    full_title: str = ""
    file: str | None = None
    duration: float | None = None
    current_retry: int = 0
    err: _Err | None = None


class _Stats(msgspec.Struct):
    tests: float | None = None
    failures: float | None = None


class _Document(msgspec.Struct):
    stats: _Stats | None = None
    tests: list[_Test] = []
    passes: list[_Test] = []
    failures: list[_Test] = []
    pending: list[_Test] = []


_DECODER = msgspec.json.Decoder(_Document)


class Mocha:
    """Reads the whole document at once, which is bounded."""

    dialect = "mocha"

    def __init__(self, limits: Limits) -> None:
        self.warnings: list[str] = []
        self._limits = limits

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[Case]]:
        """All cases; Malformed when the document is broken, as nothing of it can be trusted."""
        try:
            document = _DECODER.decode(whole(chunks, self._limits))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"the JSON breaks off or is wrong: {error}"[:200]) from None
        cases = list(_cases(document))
        if len(cases) > self._limits.cases:
            raise too_many(self._limits)
        stats = document.stats
        if stats is not None and stats.tests is not None and count(str(stats.tests)) != len(cases):
            self.warnings.append(f"stats say tests={stats.tests:g}, and {len(cases)} were found")
        yield cases

    def rest(self) -> list[Case]:
        """Nothing is held back."""
        return []


def whole(chunks: Iterable[bytes], limits: Limits) -> bytes:
    """The document in one piece; Refused when it is too large for that."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > limits.held_bytes:
            raise Refused(Problem.TOO_LARGE, f"JSON of more than {limits.held_bytes} bytes")
    return bytes(held)


def _cases(document: _Document) -> Iterator[Case]:
    lists = (
        (document.passes, Outcome.PASSED),
        (document.failures, Outcome.FAILED),
        (document.pending, Outcome.SKIPPED),
    )
    if any(tests for tests, _ in lists):
        for tests, outcome in lists:
            yield from (_case(test, outcome) for test in tests)
        return
    for test in document.tests:
        has_failed = test.err is not None and (test.err.message or test.err.stack)
        is_pending = test.duration is None and not has_failed
        outcome = Outcome.FAILED if has_failed else Outcome.PASSED
        yield _case(test, Outcome.SKIPPED if is_pending else outcome)


def _case(test: _Test, outcome: Outcome) -> Case:
    parent = test.full_title.removesuffix(test.title).strip()
    took = milliseconds(test.duration)
    case = Case(test.title, parent, "", outcome, took, test.file or "")
    case.reruns = max(0, test.current_retry)
    case.flaky = case.reruns > 0 and outcome is Outcome.PASSED
    if test.err is not None and outcome is not Outcome.PASSED:
        message, stack = test.err.message, test.err.stack
        case.message = message[:MAX_TEXT] if isinstance(message, str) else ""
        case.text = stack[:MAX_TEXT] if isinstance(stack, str) else ""
    return case
