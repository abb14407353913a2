"""JUnit XML in its many dialects: cases at any depth, reruns, flaky marks, attributes as claims.

# spec: there is no standard. Shapes are those of pytest, jest-junit, Gradle, Maven Surefire,
# PHPUnit, Bazel, GoogleTest and the Jenkins schema.
"""

from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.dialects.base import (
    Attributes,
    EndTag,
    Reader,
    StartTag,
    add_ids,
    check,
    tell,
    worsen,
)
from hookyard.features.testruns.limits import Limits
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import LONGEST_S, count, line_number, seconds

_OUTCOMES = {
    "failure": Outcome.FAILED,
    "error": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "skip": Outcome.SKIPPED,
    "disabled": Outcome.SKIPPED,
}
_FLAKY = frozenset({"flakyFailure", "flakyError", "flaky"})
_KEPT_FAILING = {"rerunFailure": Outcome.FAILED, "rerunError": Outcome.ERROR}
# spec: GoogleTest writes `status="notrun"` and `result="suppressed"` or `"skipped"`.
_NOT_RUN = frozenset({"notrun", "disabled", "skipped", "suppressed", "ignored", "pending"})
_SAID = {"failed": Outcome.FAILED, "failure": Outcome.FAILED, "error": Outcome.ERROR}


class JUnit(Reader):
    """Reads `testsuites`, `testsuite` and `testcase`."""

    dialect = "junit"

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        super().__init__(parser, limits)
        self._suites: list[_Suite] = []
        self._suite = ""
        self._case: Case | None = None
        self._inner = 0
        self._odd = False
        self._failed = 0
        self._errors = 0
        self._reruns = 0
        self._heard = ""
        self._named = ""
        self.start, self.end = self._handlers()  # type: ignore[method-assign, assignment]

    def _handlers(self) -> tuple[StartTag, EndTag]:
        """The hot way: nearly every element is a case with nothing inside.

        Depth and number of elements are counted on the slow way only, which all others take;
        `_case` and `_odd` are set there, too.
        """
        passed, longest, append = Outcome.PASSED, LONGEST_S, self.cases.append
        case: Case | None = None

        def start(tag: str, attrs: dict[str, str]) -> None:
            nonlocal case
            if case is not None or tag != "testcase":
                self._case, self._odd = case, case is not None
                self.slow_start(tag, attrs)
                return
            try:
                time_s = float(attrs["time"])
                case = Case(
                    attrs["name"],
                    attrs["classname"],
                    self._suite,
                    passed,
                    time_s if 0 <= time_s < longest else None,
                )
            except (KeyError, ValueError):
                get = attrs.get
                time_s_or_none = seconds(get("time"))
                case = Case(
                    get("name", ""), get("classname", ""), self._suite, passed, time_s_or_none
                )
            if len(attrs) > 3:
                self._more(case, attrs)

        def end(tag: str) -> None:
            nonlocal case
            if case is None or self._inner:
                self.slow_end(tag)
                return
            if self._odd:
                self._settle(case)
            append(case)
            case = None

        return start, end

    def opened(self, tag: str, attrs: Attributes) -> None:
        """Everything but a case at its usual place."""
        if self._case is not None:
            self._inner += 1
            self._inside(self._case, tag, attrs)
        elif tag == "testsuite":
            self._suites.append(_Suite(self._suite, attrs, self._marks()))
            self._suite = attrs.get("name") or self._suite

    def closed(self, tag: str) -> None:
        """The end of a suite, or of something inside a case."""
        if self._case is not None:
            self._inner = max(0, self._inner - 1)
            if tag == self._heard:
                self._read(self._case, tag)
        elif tag == "testsuite" and self._suites:
            suite = self._suites.pop()
            self._suite = suite.outer
            if not self._suites:
                self._compare(suite)

    def finish(self, *, cut: bool) -> None:
        """A case that was cut off counts only when it had failed by then."""
        case = self._case
        if cut and case is not None and case.outcome in (Outcome.FAILED, Outcome.ERROR):
            self._settle(case)
            self.cases.append(case)

    def _more(self, case: Case, attrs: Attributes) -> None:
        check(self._depth, len(attrs), 0, self.limits)
        self._case, self._odd = case, True
        get = attrs.get
        case.file = get("file") or get("filepath") or ""
        case.line = line_number(get("line") or get("lineno"))
        if not case.classname:
            case.classname = get("class") or ""
        said = (get("status") or "").lower()
        if said in _NOT_RUN or (get("result") or "").lower() in _NOT_RUN:
            case.outcome = Outcome.SKIPPED
        elif said in _SAID:
            case.outcome = _SAID[said]
        if "assertions" in attrs and "class" in attrs:
            self.dialect = "phpunit"

    def _inside(self, case: Case, tag: str, attrs: Attributes) -> None:
        if tag == "property":
            self._property(case, attrs)
        elif self._inner > 1:
            return
        elif tag in _OUTCOMES:
            worsen(case, _OUTCOMES[tag])
            tell(case, attrs.get("message", ""))
            self._listen(tag)
        elif tag in _FLAKY:
            case.reruns += 1
            case.flaky = True
        elif tag in _KEPT_FAILING:
            case.reruns += 1
            worsen(case, _KEPT_FAILING[tag])
            tell(case, attrs.get("message", ""))
        elif tag == "rerun":
            case.reruns += 1

    def _property(self, case: Case, attrs: Attributes) -> None:
        self._named, value = attrs.get("name", ""), attrs.get("value")
        if value is not None:
            add_ids(case, self._named, value)
        else:
            self._listen("property")

    def _listen(self, tag: str) -> None:
        self._heard = tag
        self.words.listen()

    def _read(self, case: Case, tag: str) -> None:
        self._heard = ""
        text = self.words.stop()
        if tag == "property":
            add_ids(case, self._named, text)
        else:
            tell(case, "", text)

    def _settle(self, case: Case) -> None:
        self._case, self._odd = None, False
        case.flaky = case.outcome is Outcome.PASSED and case.reruns > 0
        self._failed += case.outcome is Outcome.FAILED
        self._errors += case.outcome is Outcome.ERROR
        self._reruns += case.reruns

    def _marks(self) -> tuple[int, int, int, int]:
        return self.given + len(self.cases), self._failed, self._errors, self._reruns

    def _compare(self, suite: "_Suite") -> None:
        """# why: suites that tell of reruns count them as tests and failures in addition."""
        found = [now - then for now, then in zip(self._marks(), suite.marks, strict=True)]
        for name, counted in zip(("tests", "failures", "errors"), found, strict=False):
            said = count(suite.attrs.get(name))
            if said is not None and not counted <= said <= counted + found[3]:
                title = suite.attrs.get("name", "")[:100]
                self.warn(f"the suite {title!r} says {name}={said}, and {counted} were found")


class _Suite:
    """An open suite: the name of the one around it, its claims, and the counts before it."""

    __slots__ = ("attrs", "marks", "outer")

    def __init__(self, outer: str, attrs: Attributes, marks: tuple[int, int, int, int]) -> None:
        self.outer = outer
        self.attrs = attrs
        self.marks = marks
