"""xUnit.net of versions 1 to 3: `assemblies`, `assembly`, `class` or `collection`, `test`.

# spec: xunit.net, "XML format", v2 and v3; v1 has `class` in place of `collection`.
"""

from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.dialects.base import Attributes, Reader, add_ids, tell
from hookyard.features.testruns.limits import Limits
from hookyard.features.testruns.model import Case, Outcome
from hookyard.features.testruns.numbers import line_number, seconds

_RESULTS = {
    "pass": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "skip": Outcome.SKIPPED,
    "notrun": Outcome.SKIPPED,
}


class XUnit(Reader):
    """Reads `test`, and `error`: what went wrong outside of any test."""

    dialect = "xunit2"

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        super().__init__(parser, limits)
        self._assembly = ""
        self._case: Case | None = None
        self._heard = ""
        self._message = ""

    def opened(self, tag: str, attrs: Attributes) -> None:
        """Assemblies, tests, and what is inside of them."""
        if tag == "assemblies" and "schema-version" in attrs:
            self.dialect = "xunit3"
        elif tag == "assembly":
            self._assembly = _base(attrs.get("name", ""))
        elif tag == "class":
            self.dialect = "xunit1"
        elif tag in ("test", "error") and self._case is None:
            self._case = self._made(tag, attrs)
        elif self._case is not None and tag in ("message", "stack-trace", "reason"):
            self._heard = tag
            self.words.listen()
        elif self._case is not None and tag == "trait":
            add_ids(self._case, attrs.get("name", ""), attrs.get("value", ""))

    def closed(self, tag: str) -> None:
        """The ends of those."""
        if self._case is None:
            return
        if tag in ("test", "error"):
            self.add(self._case)
            self._case, self._message = None, ""
        elif tag == self._heard:
            self._heard = ""
            text = self.words.stop()
            if tag == "stack-trace":
                tell(self._case, self._message, text)
            else:
                self._message = text
                tell(self._case, text)

    def finish(self, *, cut: bool) -> None:
        """Attributes say it all, so a failed test that was cut off counts."""
        case = self._case
        if cut and case is not None and case.outcome in (Outcome.FAILED, Outcome.ERROR):
            self.add(case)
        self._case = None

    def _made(self, tag: str, attrs: Attributes) -> Case:
        name = attrs.get("name", "")
        if tag == "error":
            title = f"[{attrs.get('type', 'error')}] {name}".strip()
            return Case(title, "", self._assembly, Outcome.ERROR)
        classname = attrs.get("type", "")
        method = name.removeprefix(f"{classname}.") if classname else name
        return Case(
            method or attrs.get("method", ""),
            classname,
            self._assembly,
            _RESULTS.get(attrs.get("result", "").lower(), Outcome.ERROR),
            seconds(attrs.get("time")),
            attrs.get("source-file", ""),
            line_number(attrs.get("source-line")),
        )


def _base(path: str) -> str:
    """The file's name without its folder, of either kind of machine."""
    return path.replace("\\", "/").rpartition("/")[2]
