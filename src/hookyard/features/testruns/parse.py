"""Reads a test report of any dialect: by its shape, in bounded memory, once strictly, once mended.

What the name of the file says is never asked. XML that breaks is read a second time with its
characters mended (`mend`); where that breaks too, what came before counts and the report is
`truncated`. A report that is refused (`Refused`) counts nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.features.testruns.dialects.dart import Dart
from hookyard.features.testruns.dialects.gotest import GoTest
from hookyard.features.testruns.dialects.mocha import Mocha
from hookyard.features.testruns.jsonlines import as_event
from hookyard.features.testruns.limits import DEFAULT, KIB, Limits, Malformed, Refused
from hookyard.features.testruns.mapping import Mapper
from hookyard.features.testruns.mend import mended
from hookyard.features.testruns.model import Case, Problem, Totals
from hookyard.features.testruns.xmlstream import XmlStream

Open = Callable[[], Iterable[bytes]]
_PEEKED = 64 * KIB


class Sink(Protocol):
    """Takes cases as they come, with ids and occurrences."""

    def take(self, cases: list[Case]) -> None:
        """Some more cases."""
        ...


class Keep:
    """A sink that keeps them all."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def take(self, cases: list[Case]) -> None:
        """Some more cases."""
        self.cases.extend(cases)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a report came to. With a `problem` other than `truncated` it counts for nothing."""

    dialect: str
    totals: Totals = field(default_factory=Totals)
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None
    detail: str = ""


class _Stream(Protocol):
    """A reader of one dialect over one pass."""

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[Case]]: ...

    def rest(self) -> list[Case]: ...


def parse(
    source: Open, make_sink: Callable[[], Sink], limits: Limits = DEFAULT
) -> tuple[Parsed, Sink | None]:
    """Read what `source` gives, which may be opened twice; the sink of the pass that counts.

    None for the sink where nothing counts.
    """
    try:
        kind = shape_of(source())
        if kind != "xml":
            return _json_pass(kind, source, make_sink, limits)
        return _xml_passes(source, make_sink, limits)
    except Refused as refused:
        return Parsed("", problem=refused.problem, detail=refused.detail), None


def shape_of(chunks: Iterable[bytes]) -> str:
    """`xml`, `go`, `dart` or `mocha`, by the first bytes; Refused when it is none of these."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= _PEEKED:
            break
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n\x0b\x0c")
    if not text:
        raise Refused(Problem.EMPTY, "there is nothing in it")
    if text.startswith(b"<"):
        return "xml"
    for line in text.split(b"\n", 20)[:20]:
        event = as_event(line.strip())
        if event is None:
            continue
        if "Action" in event:
            return "go"
        if "type" in event and ("time" in event or "protocolVersion" in event):
            return "dart"
    if text.startswith(b"{") and b'"stats"' in text:
        return "mocha"
    raise Refused(Problem.UNKNOWN, "it is neither XML nor JSON of a kind we read")


def _json_pass(
    kind: str, source: Open, make_sink: Callable[[], Sink], limits: Limits
) -> tuple[Parsed, Sink | None]:
    streams: dict[str, Callable[[Limits], GoTest | Dart | Mocha]] = {
        "go": GoTest,
        "dart": Dart,
        "mocha": Mocha,
    }
    stream, sink, mapper = streams[kind](limits), make_sink(), Mapper()
    broken = _drive(stream, source(), sink, mapper)
    totals = mapper.totals()
    if broken and not totals.tests:
        return Parsed(stream.dialect, problem=Problem.UNREADABLE, detail=broken), None
    return _parsed(stream.dialect, totals, broken, stream.warnings), sink


def _xml_passes(
    source: Open, make_sink: Callable[[], Sink], limits: Limits
) -> tuple[Parsed, Sink | None]:
    stream, sink, mapper = XmlStream(limits), make_sink(), Mapper()
    warnings: list[str] = []
    broken = _drive(stream, source(), sink, mapper)
    if broken:
        stream, sink, mapper = XmlStream(limits, "utf-8"), make_sink(), Mapper()
        warnings.append(f"read a second time with its characters mended: {broken}")
        broken = _drive(stream, mended(source()), sink, mapper)
    if stream.reader is None:
        return Parsed("", problem=Problem.UNREADABLE, detail=broken or "no element in it"), None
    warnings.extend(stream.reader.warnings)
    return _parsed(stream.reader.dialect, mapper.totals(), broken, warnings), sink


def _drive(stream: _Stream, chunks: Iterable[bytes], sink: Sink, mapper: Mapper) -> str:
    """Send everything through; why it broke off, or ""."""
    try:
        for cases in stream.batches(chunks):
            mapper.map(cases)
            sink.take(cases)
    except Malformed as error:
        rest = stream.rest()
        mapper.map(rest)
        sink.take(rest)
        return str(error)
    return ""


def _parsed(dialect: str, totals: Totals, broken: str, warnings: list[str]) -> Parsed:
    problem = Problem.TRUNCATED if broken else None
    return Parsed(dialect, totals, bool(broken), tuple(warnings), problem, broken)
