"""Dart's and Flutter's JSON reporter: one event in a line.

# spec: pub.dev/packages/test, doc/json_reporter.md, protocol 0.1.
"""

from collections.abc import Iterable, Iterator

from hookyard.features.testruns.dialects.base import too_many
from hookyard.features.testruns.jsonlines import as_event, lines
from hookyard.features.testruns.limits import MAX_TEXT, Limits, Malformed
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import milliseconds
from hookyard.kit.json import JsonObject, as_int, as_object, as_text

_RESULTS = {"success": Outcome.PASSED, "failure": Outcome.FAILED, "error": Outcome.ERROR}
_BATCH = 1000


class Dart:
    """Reads the events. A report without a `done` event was cut off."""

    dialect = "dart"

    def __init__(self, limits: Limits) -> None:
        self.warnings: list[str] = []
        self._limits = limits
        self._suites: dict[int, str] = {}
        self._groups: dict[int, str] = {}
        self._open: dict[int, tuple[Case, int]] = {}
        self._count = 0

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[Case]]:
        """Cases as they end; Malformed when the report is cut off."""
        cases: list[Case] = []
        is_done = False
        for line in lines(chunks, self._limits):
            event = as_event(line)
            if event is None:
                continue
            kind = as_text(event.get("type"))
            is_done = is_done or kind == "done"
            case = self._event(kind, event)
            if case is not None:
                cases.append(case)
            if len(cases) >= _BATCH:
                yield self._counted(cases)
                cases = []
        yield self._counted(cases)
        if not is_done:
            raise Malformed("the report has no `done` event: it was cut off")

    def rest(self) -> list[Case]:
        """What began and never ended."""
        cases = []
        for case, _ in self._open.values():
            case.outcome = Outcome.ERROR
            case.message = case.message or "it began and never ended"
            cases.append(case)
        self._open = {}
        return cases

    def _counted(self, cases: list[Case]) -> list[Case]:
        self._count += len(cases)
        if self._count + len(self._open) > self._limits.cases:
            raise too_many(self._limits)
        return cases

    def _event(self, kind: str, event: JsonObject) -> Case | None:
        if kind == "suite":
            suite = as_object(event.get("suite"))
            self._suites[as_int(suite.get("id")) or 0] = as_text(suite.get("path"))
        elif kind == "group":
            group = as_object(event.get("group"))
            self._groups[as_int(group.get("id")) or 0] = as_text(group.get("name"))
        elif kind == "testStart":
            self._start(event)
        elif kind == "error":
            self._error(event)
        elif kind == "testDone":
            return self._done(event)
        if len(self._suites) + len(self._groups) > self._limits.cases:
            raise too_many(self._limits)
        return None

    def _start(self, event: JsonObject) -> None:
        test = as_object(event.get("test"))
        path = self._suites.get(as_int(test.get("suiteID")) or 0, "")
        group_ids = test.get("groupIDs")
        group = ""
        for one in group_ids if isinstance(group_ids, list) else ():
            group = self._groups.get(as_int(one) or 0, "") or group
        full = as_text(test.get("name"))
        name = full.removeprefix(f"{group} ") if group else full
        # why: `root_line` is where the test itself stands when a helper made it.
        line = as_int(test.get("root_line")) or as_int(test.get("line"))
        case = Case(name, group, path, Outcome.PASSED, None, path, line)
        self._open[as_int(test.get("id")) or 0] = (case, as_int(event.get("time")) or 0)

    def _error(self, event: JsonObject) -> None:
        found = self._open.get(as_int(event.get("testID")) or 0)
        if found is not None:
            case = found[0]
            text = as_text(event.get("error"))[:MAX_TEXT]
            case.message = case.message or text.partition("\n")[0]
            case.text = case.text or f"{text}\n{as_text(event.get('stackTrace'))}"[:MAX_TEXT]

    def _done(self, event: JsonObject) -> Case | None:
        case, began = self._open.pop(as_int(event.get("testID")) or 0, (None, 0))
        if case is None:
            return None
        outcome = _RESULTS.get(as_text(event.get("result")), Outcome.ERROR)
        # why: hidden ones are the runner's own, such as "loading test.dart", unless they fail.
        if event.get("hidden") is True and outcome is Outcome.PASSED:
            return None
        is_skipped = event.get("skipped") is True and outcome is Outcome.PASSED
        case.outcome = Outcome.SKIPPED if is_skipped else outcome
        case.time_s = milliseconds((as_int(event.get("time")) or 0) - began)
        return case
