"""What is said of each case of a report beyond its own element: ids, occurrence, totals."""

from hookyard.features.testruns.ids import from_names
from hookyard.features.testruns.limits import MAX_NAME
from hookyard.features.testruns.model import Case, Outcome, Totals


class Mapper:
    """Completes the cases of one report, in order, and counts them."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._again: dict[int, int] = {}
        self._tests = 0
        self._by_outcome = dict.fromkeys(Outcome, 0)
        self._flaky = 0
        self._duration_s = 0.0

    def map(self, cases: list[Case]) -> None:
        """Ids and occurrences of the next cases; overlong names are cut."""
        seen, passed, by_outcome = self._seen, Outcome.PASSED, self._by_outcome
        duration = self._duration_s
        self._tests += len(cases)
        for case in cases:
            name, classname = case.name, case.classname
            if len(name) > MAX_NAME or len(classname) > MAX_NAME or len(case.suite) > MAX_NAME:
                _cut(case)
                name, classname = case.name, case.classname
            # why: a hash of 64 bits, keyed by the process, stands in for three texts.
            key = hash((case.suite, classname, name))
            if key in seen:
                case.occurrence = self._again[key] = self._again.get(key, 0) + 1
            else:
                seen.add(key)
            found = from_names(name, classname)
            if found:
                case.ids = tuple(dict.fromkeys((*case.ids, *found))) if case.ids else found
            if case.time_s is not None:
                duration += case.time_s
            if case.outcome is not passed:
                by_outcome[case.outcome] += 1
            if case.flaky:
                self._flaky += 1
        self._duration_s = duration

    def totals(self) -> Totals:
        """The counts so far."""
        by = self._by_outcome
        failed, errors, skipped = by[Outcome.FAILED], by[Outcome.ERROR], by[Outcome.SKIPPED]
        passed = self._tests - failed - errors - skipped
        duration = round(self._duration_s, 6)
        return Totals(self._tests, passed, failed, errors, skipped, self._flaky, duration)


def _cut(case: Case) -> None:
    case.name = case.name[:MAX_NAME]
    case.classname = case.classname[:MAX_NAME]
    case.suite = case.suite[:MAX_NAME]
