"""NUnit: version 3's `test-run`, and version 2's `test-results`.

# spec: docs.nunit.org, Test Result XML Format, of both versions.
"""

from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.dialects.base import Attributes, Reader, add_ids, tell
from hookyard.features.testruns.limits import Limits
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import seconds

_RESULTS = {
    "passed": Outcome.PASSED,
    "success": Outcome.PASSED,
    "warning": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "failure": Outcome.FAILED,
    "error": Outcome.ERROR,
    "cancelled": Outcome.ERROR,
    "notrunnable": Outcome.ERROR,
    "invalid": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "ignored": Outcome.SKIPPED,
    "explicit": Outcome.SKIPPED,
    # why: an inconclusive test neither proved nor disproved anything.
    "inconclusive": Outcome.SKIPPED,
}


class NUnit3(Reader):
    """Reads `test-case`; `label` tells errors from failures."""

    dialect = "nunit3"

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        super().__init__(parser, limits)
        self._suites: list[str] = []
        self._case: Case | None = None
        self._heard = ""
        self._message = ""

    def opened(self, tag: str, attrs: Attributes) -> None:
        """Suites, cases, and why a case failed or was skipped."""
        if tag == "test-suite":
            self._suites.append(attrs.get("fullname") or attrs.get("name") or "")
        elif tag == "test-case" and self._case is None:
            self._case = self.case(attrs)
        elif self._case is not None and tag in ("message", "stack-trace"):
            self._heard = tag
            self.words.listen()
        elif self._case is not None and tag == "property":
            add_ids(self._case, attrs.get("name", ""), attrs.get("value", ""))
        elif self._case is not None and tag == "category":
            add_ids(self._case, "category", attrs.get("name", ""))

    def closed(self, tag: str) -> None:
        """The ends of those."""
        if tag == "test-suite" and self._suites:
            self._suites.pop()
        elif self._case is None:
            return
        elif tag == "test-case":
            self.add(self._case)
            self._case, self._message = None, ""
        elif tag == self._heard:
            self._heard = ""
            text = self.words.stop()
            if tag == "message":
                self._message = text
                tell(self._case, text)
            else:
                tell(self._case, self._message, text)

    def finish(self, *, cut: bool) -> None:
        """Attributes say it all, so a failed case that was cut off counts."""
        case = self._case
        if cut and case is not None and case.outcome in (Outcome.FAILED, Outcome.ERROR):
            self.add(case)
        self._case = None

    def suite(self) -> str:
        """The name of the innermost suite."""
        return self._suites[-1] if self._suites else ""

    def case(self, attrs: Attributes) -> Case:
        """A case of its attributes."""
        label = _RESULTS.get(attrs.get("label", "").lower())
        outcome = _RESULTS.get(attrs.get("result", "").lower(), Outcome.ERROR)
        if outcome is Outcome.FAILED and label is Outcome.ERROR:
            outcome = label
        return Case(
            attrs.get("name") or attrs.get("methodname") or attrs.get("fullname", ""),
            attrs.get("classname", ""),
            self.suite(),
            outcome,
            seconds(attrs.get("duration") or attrs.get("time")),
        )


class NUnit2(NUnit3):
    """Version 2: full names only, `executed` and `success` where `result` is missing."""

    dialect = "nunit2"

    def case(self, attrs: Attributes) -> Case:
        """A case of its attributes; the class is what stands before the method's name."""
        full = attrs.get("name", "")
        plain = full.partition("(")[0]
        classname, dot, method = plain.rpartition(".")
        name = method + full[len(plain) :] if dot else full
        result = attrs.get("result") or (
            "skipped"
            if attrs.get("executed", "").lower() == "false"
            else "success"
            if attrs.get("success", "").lower() == "true"
            else "failure"
        )
        outcome = _RESULTS.get(result.lower(), Outcome.ERROR)
        return Case(name, classname, self.suite(), outcome, seconds(attrs.get("time")))
