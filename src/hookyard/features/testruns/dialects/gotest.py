"""`go test -json`: one event in a line.

# spec: `go doc test2json`. A package that fails without a failing test did not build, or crashed.
"""

from collections.abc import Iterable, Iterator

from hookyard.features.testruns.dialects.base import too_many
from hookyard.features.testruns.jsonlines import as_event, lines
from hookyard.features.testruns.limits import MAX_TEXT, Limits, Malformed
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import milliseconds
from hookyard.kit.json import Json, JsonObject, as_text

_ENDS = {"pass": Outcome.PASSED, "fail": Outcome.FAILED, "skip": Outcome.SKIPPED}
_BATCH = 1000
_NOISE = ("=== RUN", "=== PAUSE", "=== CONT", "=== NAME")


class GoTest:
    """Reads the events; `cut` says that the last line was none."""

    dialect = "go"

    def __init__(self, limits: Limits) -> None:
        self.warnings: list[str] = []
        self._limits = limits
        self._running: dict[tuple[str, str], list[str]] = {}
        self._failed: set[str] = set()
        self._words: dict[str, list[str]] = {}
        self._strange = 0
        self._count = 0

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[Case]]:
        """Cases as they end; Malformed when the report ends in the middle of a line."""
        cases: list[Case] = []
        broken = False
        for line in lines(chunks, self._limits):
            event = as_event(line)
            broken = event is None and line.startswith(b"{")
            if event is None or "Action" not in event:
                self._strange += 1
                continue
            case = self._event(event)
            if case is not None:
                cases.append(case)
            if len(cases) >= _BATCH:
                yield self._counted(cases)
                cases = []
        cases.extend(self._unended())
        yield self._counted(cases)
        if self._strange:
            self.warnings.append(f"{self._strange} lines are no events of a test")
        if broken:
            raise Malformed("the last line breaks off")

    def rest(self) -> list[Case]:
        """Nothing is held back when a line breaks off."""
        return []

    def _counted(self, cases: list[Case]) -> list[Case]:
        self._count += len(cases)
        if self._count > self._limits.cases:
            raise too_many(self._limits)
        return cases

    def _event(self, event: JsonObject) -> Case | None:
        action, package = as_text(event.get("Action")), as_text(event.get("Package"))
        test = as_text(event.get("Test"))
        if action in ("output", "build-output"):
            self._said(package or as_text(event.get("ImportPath")), test, event.get("Output"))
        elif not test:
            return self._package(action, package, event)
        elif action == "run":
            self._running[package, test] = []
        elif action in _ENDS:
            return self._test(_ENDS[action], package, test, event)
        return None

    def _said(self, package: str, test: str, output: Json) -> None:
        words = self._running.get((package, test))
        if words is None and not test and len(self._words) < _BATCH:
            words = self._words.setdefault(package.partition(" ")[0], [])
        text = as_text(output)
        if words is not None and len(words) < _BATCH and not text.startswith(_NOISE):
            words.append(text[:MAX_TEXT])

    def _test(self, outcome: Outcome, package: str, test: str, event: JsonObject) -> Case:
        words = self._running.pop((package, test), [])
        case = Case(test, package, package, outcome, _elapsed(event))
        if outcome is Outcome.FAILED:
            self._failed.add(package)
        if outcome is not Outcome.PASSED:
            case.text = "".join(words)[:MAX_TEXT].strip()
            case.message = case.text.partition("\n")[0]
        return case

    def _package(self, action: str, package: str, event: JsonObject) -> Case | None:
        words = self._words.pop(package, []) if action in _ENDS else []
        if action != "fail" or package in self._failed:
            return None
        # why: then nothing tested failed: it did not build, or crashed between tests.
        text = "".join(words)[:MAX_TEXT].strip()
        said = text.partition("\n")[0] or "the package failed outside of any test"
        case = Case("(package)", package, package, Outcome.ERROR, _elapsed(event))
        case.message, case.text = said, text
        return case

    def _unended(self) -> Iterator[Case]:
        for (package, test), words in self._running.items():
            text = "".join(words)[:MAX_TEXT].strip()
            case = Case(test, package, package, Outcome.ERROR)
            case.message, case.text = "it began and never ended", text
            yield case
        self._running = {}


def _elapsed(event: JsonObject) -> float | None:
    value = event.get("Elapsed")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return milliseconds(value * 1000)
