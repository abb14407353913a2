"""CTest's dashboard XML: `Site`, `Testing`, `Test`.

# spec: cmake.org, ctest(1), dashboard client: Test.xml; `Completion Status` tells why a test was
not run. Output may be gzip in base64 and is then left alone.
"""

from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.dialects.base import Attributes, Reader, add_ids, tell
from hookyard.features.testruns.limits import Limits
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import seconds

_SKIPPED = ("disabled", "skip_", "skipped")


class CTest(Reader):
    """Reads `Test` elements that have a status; those of the list of names have none."""

    dialect = "ctest"

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        super().__init__(parser, limits)
        self._suite = ""
        self._case: Case | None = None
        self._status = ""
        self._measured: str | None = None
        self._values: dict[str, str] = {}
        self._heard = ""
        self._packed = False

    def opened(self, tag: str, attrs: Attributes) -> None:
        """A test, and its name, values and labels."""
        if tag == "Site":
            self._suite = attrs.get("BuildName", "")
        elif tag == "Test" and "Status" in attrs:
            self._case = Case("", "", self._suite)
            self._status, self._values = attrs["Status"].lower(), {}
        elif self._case is None:
            return
        elif tag == "NamedMeasurement":
            self._measured = attrs.get("name", "")
        elif tag == "Measurement":
            self._measured = "output"
        elif tag in ("Name", "Value", "Label"):
            self._packed = "compression" in attrs or "encoding" in attrs
            self._heard = tag
            self.words.listen()

    def closed(self, tag: str) -> None:
        """The ends of those."""
        case = self._case
        if case is None:
            return
        if tag == "Test":
            self._end(case)
            self._case = None
        elif tag in ("NamedMeasurement", "Measurement"):
            self._measured = None
        elif tag == self._heard:
            self._heard = ""
            text = self.words.stop()
            if tag == "Name":
                case.name = case.name or text
            elif tag == "Label":
                add_ids(case, "label", text)
            elif self._measured is not None and not self._packed and len(self._values) < 50:
                self._values[self._measured] = text

    def _end(self, case: Case) -> None:
        why = self._values.get("Completion Status", "")
        if self._status == "passed":
            case.outcome = Outcome.PASSED
        elif self._status == "failed":
            case.outcome = Outcome.FAILED
        elif why.lower().startswith(_SKIPPED):
            case.outcome = Outcome.SKIPPED
        else:
            # why: a test whose program is missing is "notrun", and must not look harmless.
            case.outcome = Outcome.ERROR
        case.time_s = seconds(self._values.get("Execution Time"))
        if case.outcome is not Outcome.PASSED:
            reason = self._values.get("Exit Code") or ""
            tell(case, reason or why, self._values.get("output", ""))
        self.add(case)
