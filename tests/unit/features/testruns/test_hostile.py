"""Reports that want to hurt: bounded time and memory, and a reason in one word."""

import random
import tracemalloc
from collections.abc import Iterator

import pytest

from hookyard.features.testruns.limits import MAX_TAG, Limits
from hookyard.features.testruns.model import Problem
from hookyard.features.testruns.parse import Keep, Parsed, parse

MIB = 1024 * 1024
HEAD = b"<testsuite name='s'>"
CASE = b"<testcase name='T1::a' classname='c'/>"
SEEDS = [
    HEAD + CASE * 3 + b"</testsuite>",
    b"\xff\xfe"
    + "<TestRun><Results><UnitTestResult testName='a'/></Results></TestRun>".encode("utf-16-le"),
    b'{"Action":"run","Package":"p","Test":"T"}\n{"Action":"pass","Package":"p","Test":"T"}\n',
    b'{"protocolVersion":"0","type":"start","time":0}\n{"type":"done","success":true}\n',
    b'{"stats":{"tests":1},"passes":[{"title":"a","fullTitle":"a"}]}',
    b"<assemblies><assembly><collection><test name='a' result='Pass'/></collection></assembly>",
    b"<Site><Testing><Test Status='passed'><Name>a</Name></Test></Testing></Site>",
    b"<test-run><test-case name='a' result='Failed'><failure><message>m</message></failure>",
]


def read(*chunks: bytes, limits: Limits | None = None) -> Parsed:
    return parse(lambda: iter(chunks), Keep, limits or Limits())[0]


def streamed(start: bytes, block: bytes, times: int) -> Iterator[bytes]:
    yield start
    for _ in range(times):
        yield block


def test_elements_nested_a_hundred_thousand_deep_are_refused() -> None:
    parsed = read(HEAD, b"<a>" * 100_000)
    assert parsed.problem is Problem.TOO_DEEP
    inside = read(HEAD, b"<testcase name='x'>" * 100_000)
    assert inside.problem is Problem.TOO_DEEP


def test_an_attribute_of_ten_megabytes_is_refused_before_it_is_held() -> None:
    tracemalloc.start()
    try:
        start = HEAD + b"<testcase name='"
        parsed, _ = parse(lambda: streamed(start, b"a" * 65_536, 160), Keep)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert parsed.problem is Problem.LIMIT
    assert peak < 4 * MAX_TAG


@pytest.mark.parametrize("start", [b"<!--", b"<?pi "])
def test_long_comments_and_instructions_are_refused(start: bytes) -> None:
    parsed = parse(lambda: streamed(HEAD + start, b"a" * 65_536, 160), Keep)[0]
    assert parsed.problem is Problem.LIMIT


def test_a_text_of_any_length_is_read_and_cut() -> None:
    begin = HEAD + b"<testcase name='a'><failure>"
    sink: list[Keep] = []

    def make() -> Keep:
        sink.append(Keep())
        return sink[-1]

    parsed, _ = parse(
        lambda: (*streamed(begin, b"x" * 65_536, 320), b"</failure></testcase></testsuite>"), make
    )
    assert (parsed.problem, parsed.totals.failed) == (None, 1)
    assert len(sink[-1].cases[0].text) == 65_536


def test_thousands_of_attributes_are_refused() -> None:
    many = b" ".join(b"a%d='1'" % n for n in range(5_000))
    assert read(HEAD, b"<testcase ", many, b"/></testsuite>").problem is Problem.LIMIT
    assert read(HEAD, b"<other ", many, b"/></testsuite>").problem is Problem.LIMIT


def test_more_cases_elements_or_bytes_than_allowed_are_refused() -> None:
    body = HEAD + CASE * 50 + b"<p/>" * 50 + b"</testsuite>"
    assert read(body, limits=Limits(cases=49)).problem is Problem.LIMIT
    assert read(body, limits=Limits(elements=50)).problem is Problem.LIMIT
    assert read(body, limits=Limits(bytes=500)).problem is Problem.TOO_LARGE
    assert read(body, limits=Limits(cases=50)).problem is None


def test_defaults_of_attributes_do_not_multiply() -> None:
    lists = b"".join(b"<!ATTLIST testcase a%d CDATA 'x'>" % n for n in range(5_000))
    assert read(b"<!DOCTYPE s [", lists, b"]>", HEAD).problem is Problem.LIMIT
    few = b"<!DOCTYPE s [<!ATTLIST testcase classname CDATA 'autoqa:T1'>]>"
    keep = Keep()
    parse(lambda: iter((few, HEAD, b"<testcase name='a'/></testsuite>")), lambda: keep)
    assert keep.cases[0].classname == ""


def test_a_quadratic_entity_is_refused_where_it_is_declared() -> None:
    body = b"<!DOCTYPE s [<!ENTITY a '" + b"a" * 50_000 + b"'>]>" + HEAD + b"&a;" * 50_000
    assert read(body).problem is Problem.ENTITY


def test_a_line_without_end_is_refused() -> None:
    start = b'{"Action":"run","Package":"p","Test":"T"}\n'
    parsed = parse(lambda: streamed(start + b'{"Action":"', b"a" * MIB, 20), Keep)[0]
    assert parsed.problem is Problem.LIMIT


def test_json_nested_deep_is_not_readable() -> None:
    parsed = read(b'{"stats": {}, "passes": ' + b"[" * 200_000)
    assert parsed.problem is Problem.UNREADABLE
    lines = read(b'{"Action":"run","Package":"p","Test":"T"}\n', b"[" * 200_000)
    assert lines.totals.errors == 1


def test_nothing_that_is_refused_leaves_a_passing_case() -> None:
    parsed, sink = parse(lambda: iter((HEAD, CASE, b"<a>" * 1_000)), Keep)
    assert (parsed.totals.tests, sink) == (0, None)


@pytest.mark.parametrize("seed", range(8))
def test_broken_bytes_end_in_a_result_never_in_an_error(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 9)]
                case _:
                    data[at:at] = chance.choice((b"&", b"<", b"\x00", b"]]>", b"<!ENTITY a 'b'>"))
            if not data:
                break
        parsed = read(bytes(data))
        totals = parsed.totals
        parts = totals.passed + totals.failed + totals.errors + totals.skipped
        assert totals.tests == parts
        assert parsed.problem is not None or parsed.dialect
