"""Streams a report of XML through expat into the reader of its dialect.

DOCTYPE is accepted, entities are not: every declaration of one is refused, and nothing outside the
bytes is ever read. # why: real reports carry a DOCTYPE; amplification needs a declared entity.
"""

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from hookyard.features.testruns.dialects.base import Reader, check
from hookyard.features.testruns.dialects.ctest import CTest
from hookyard.features.testruns.dialects.junit import JUnit
from hookyard.features.testruns.dialects.nunit import NUnit2, NUnit3
from hookyard.features.testruns.dialects.trx import Trx
from hookyard.features.testruns.dialects.xunit import XUnit
from hookyard.features.testruns.limits import (
    MAX_DECLARATIONS,
    MAX_TAG,
    Limits,
    Malformed,
    Refused,
)
from hookyard.features.testruns.model import Case, Problem

ROOTS: MappingProxyType[str, type[Reader]] = MappingProxyType(
    {
        "testsuites": JUnit,
        "testsuite": JUnit,
        "testcase": JUnit,
        "test-run": NUnit3,
        "test-results": NUnit2,
        "assemblies": XUnit,
        "assembly": XUnit,
        "TestRun": Trx,
        "Site": CTest,
    }
)
BLOCK = 64 * 1024


class XmlStream:
    """One pass over one report. `reader` is there once the root element was seen."""

    def __init__(self, limits: Limits, encoding: str | None = None) -> None:
        self.reader: Reader | None = None
        self._limits = limits
        self._parser = parser = ParserCreate(encoding)
        parser.buffer_text = True
        parser.buffer_size = BLOCK
        # why: defaults of attributes multiply what was sent by the number of elements.
        parser.specified_attributes = True
        parser.StartElementHandler = self._begin
        parser.EntityDeclHandler = self._refuse_entity
        parser.AttlistDeclHandler = self._count_attribute
        parser.ElementDeclHandler = self._count_declaration
        self._declared = 0
        self._fed = 0

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[Case]]:
        """Cases as they end. Refused, or Malformed where the XML breaks; then `reader.cases` may
        still hold what ended before."""
        parser = self._parser
        try:
            for chunk in chunks:
                for at in range(0, len(chunk), BLOCK):
                    self._feed(parser, chunk[at : at + BLOCK])
                    if self.reader is not None and self.reader.cases:
                        yield self.reader.drain()
            parser.Parse(b"", True)  # noqa: FBT003  it takes no names
        except (ExpatError, ValueError, LookupError) as error:
            raise Malformed(f"the XML breaks off or is wrong: {error}"[:200]) from None
        if self.reader is not None:
            self.reader.finish(cut=False)
            if self.reader.cases:
                yield self.reader.drain()

    def rest(self) -> list[Case]:
        """After Malformed: what ended before that, and is not handed over yet."""
        if self.reader is None:
            return []
        self.reader.finish(cut=True)
        return self.reader.drain()

    def _feed(self, parser: XMLParserType, block: bytes) -> None:
        self._fed += len(block)
        if self._fed > self._limits.bytes:
            raise Refused(Problem.TOO_LARGE, f"more than {self._limits.bytes} bytes")
        parser.Parse(block)
        if self._fed - max(0, parser.CurrentByteIndex) > MAX_TAG:
            raise Refused(Problem.LIMIT, f"a tag or comment is longer than {MAX_TAG} bytes")

    def _begin(self, tag: str, attrs: dict[str, str]) -> None:
        check(1, len(attrs), 1, self._limits)
        kind = ROOTS.get(tag.rpartition(":")[2])
        if kind is None:
            raise Refused(Problem.UNKNOWN, f"<{tag[:60]}> is the root of no test report we read")
        self.reader = reader = kind(self._parser, self._limits)
        self._parser.StartElementHandler = reader.start
        self._parser.EndElementHandler = reader.end
        reader.start(tag, attrs)

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise Refused(Problem.ENTITY, f"the entity {name[:60]!r} is declared; that is refused")

    def _count_attribute(self, *_: object) -> None:
        self._count_declaration()

    def _count_declaration(self, *_: object) -> None:
        self._declared += 1
        if self._declared > MAX_DECLARATIONS:
            raise Refused(Problem.LIMIT, f"more than {MAX_DECLARATIONS} declarations")
