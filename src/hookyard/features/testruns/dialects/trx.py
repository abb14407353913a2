"""TRX, of Visual Studio and `dotnet test`: results first, then what they were of.

# spec: the schema vstst.xsd of Visual Studio, namespace TeamTest/2010; its type TestOutcome.
"""

from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.dialects.base import Attributes, Reader, add_ids, tell
from hookyard.features.testruns.limits import Limits, Refused
from hookyard.features.testruns.model import Case, Outcome, Problem
from hookyard.features.testruns.numbers import clock_seconds

_RESULTS = {
    "passed": Outcome.PASSED,
    "passedbutrunaborted": Outcome.PASSED,
    "completed": Outcome.PASSED,
    "warning": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "notexecuted": Outcome.SKIPPED,
    "inconclusive": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
}
_ENDS = frozenset({"UnitTestResult", "GenericTestResult", "ManualTestResult", "TestResult"})
_HEARD = frozenset({"Message", "StackTrace"})


class Trx(Reader):
    """Reads `UnitTestResult`, and joins it with its `UnitTest` by id.

    A result with inner ones (data rows, ordered tests) only sums them up, so those count instead.
    """

    dialect = "trx"

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        super().__init__(parser, limits)
        self._open: list[_Result] = []
        self._held: list[_Result] = []
        self._classes: dict[str, _Definition] = {}
        self._defined: _Definition | None = None
        self._heard = ""
        self._message = ""

    def opened(self, tag: str, attrs: Attributes) -> None:
        """Results, definitions, and what is inside of them."""
        if tag in _ENDS:
            if self._open:
                self._open[-1].has_inner = True
            self._open.append(_Result(attrs))
        elif tag == "UnitTest":
            self._defined = self._classes.setdefault(attrs.get("id", "").lower(), _Definition())
        elif tag == "TestMethod" and self._defined is not None:
            # why: older files have the assembly's full name behind the class, after a comma.
            self._defined.classname = attrs.get("className", "").partition(",")[0]
        elif tag == "TestCategoryItem" and self._defined is not None:
            self._defined.tags.append(attrs.get("TestCategory", "")[:100])
        elif self._open and tag in _HEARD:
            self._heard = tag
            self.words.listen()

    def closed(self, tag: str) -> None:
        """The ends of those."""
        if tag in _ENDS and self._open:
            result = self._open.pop()
            if not result.has_inner:
                self._hold(result)
        elif tag == "UnitTest":
            self._defined = None
        elif tag == self._heard and self._open:
            self._heard = ""
            text = self.words.stop()
            case = self._open[-1].case
            if tag == "Message":
                self._message = text
                tell(case, text)
            else:
                tell(case, self._message, text)
                self._message = ""

    def finish(self, *, cut: bool) -> None:
        """Join and hand over. A failed result that was cut off counts."""
        for result in self._open if cut else ():
            if result.case.outcome is not Outcome.PASSED and not result.has_inner:
                self._held.append(result)
        for result in self._held:
            known = self._classes.get(result.test_id)
            if known is not None:
                result.case.classname = known.classname
                for tag in known.tags[:50]:
                    add_ids(result.case, "category", tag)
            result.case.name = result.case.name.removeprefix(f"{result.case.classname}.")
            self.add(result.case)
        self._held, self._open = [], []

    def _hold(self, result: "_Result") -> None:
        if len(self._held) >= self.limits.held_cases:
            raise Refused(Problem.LIMIT, f"more than {self.limits.held_cases} results of TRX")
        self._held.append(result)


class _Result:
    """A result, open or waiting for its definition."""

    __slots__ = ("case", "has_inner", "test_id")

    def __init__(self, attrs: Attributes) -> None:
        self.test_id = attrs.get("testId", "").lower()
        self.has_inner = False
        outcome = _RESULTS.get(attrs.get("outcome", "").lower(), Outcome.ERROR)
        name, took = attrs.get("testName", ""), clock_seconds(attrs.get("duration"))
        self.case = Case(name, "", "", outcome, took)


class _Definition:
    """What a test is: its class and categories."""

    __slots__ = ("classname", "tags")

    def __init__(self) -> None:
        self.classname = ""
        self.tags: list[str] = []
