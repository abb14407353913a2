"""Lines and batches: the same however the bytes arrive."""

from hypothesis import given
from hypothesis import strategies as st

from hookyard.features.records.bulk.lines import BATCH_BYTES, BATCH_LINES, MAX_LINE, Batch, Lines


def cut(body: bytes, sizes: list[int]) -> list[Batch]:
    """The batches of a body that arrives in pieces of these sizes, then in one."""
    lines, at, found = Lines(), 0, list[Batch]()
    for size in sizes:
        found += lines.feed(body[at : at + size])
        at += size
    found += lines.feed(body[at:])
    return [*found, *lines.end()]


@given(
    st.lists(st.binary(max_size=40), max_size=700).map(b"\n".join),
    st.lists(st.integers(0, 300), max_size=30),
)
def test_batches_do_not_depend_on_how_bytes_arrive(body: bytes, sizes: list[int]) -> None:
    whole = cut(body, [])
    assert cut(body, sizes) == whole
    assert [batch.content for batch in cut(body, sizes)] == [batch.content for batch in whole]
    lines = [line for batch in whole for line in batch.lines]
    expected = [
        (number, stripped)
        for number, raw in enumerate(body.split(b"\n"), 1)
        if (stripped := raw.strip(b" \t\r"))
    ]
    assert [(line.number, line.raw) for line in lines] == expected
    assert all(len(batch.lines) <= BATCH_LINES for batch in whole)


def test_a_batch_ends_by_lines_and_by_bytes() -> None:
    assert [len(batch.lines) for batch in cut(b"x\n" * 450, [])] == [200, 200, 50]
    large = b"y" * (BATCH_BYTES // 2) + b"\n"
    assert [len(batch.lines) for batch in cut(large * 5, [])] == [2, 2, 1]
    assert cut(b"", []) == []
    assert cut(b"\n\r\n \n", []) == []


def test_a_line_that_is_too_long_is_not_held() -> None:
    pieces = Lines()
    for _ in range(64):
        assert list(pieces.feed(b"z" * 65_536)) == []
        assert len(pieces._tail) <= MAX_LINE
    (batch,) = [*pieces.feed(b"\nok"), *pieces.end()]
    assert [(line.number, line.raw) for line in batch.lines] == [(1, None), (2, b"ok")]
    (exact,) = cut(b"z" * MAX_LINE + b"\n", [])
    assert exact.lines[0].raw is not None
    (over,) = cut(b"z" * (MAX_LINE + 1), [])
    assert over.lines[0].raw is None


def test_content_tells_batches_apart() -> None:
    bodies = (b"a\nb", b"a\n\nb", b"ab", b"a\nc", b"z" * (MAX_LINE + 1))
    assert len({cut(body, [])[0].content for body in bodies}) == len(bodies)
