"""What holds of every blob store: written once, seen whole or not at all, read in parts."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from hookyard.adapters.blobs.backends.s3 import PART
from hookyard.adapters.blobs.port import (
    BadRange,
    BlobExists,
    BlobMismatch,
    Blobs,
    Reading,
    Span,
)
from hookyard.adapters.blobs.streams import once
from hookyard.kit.errors import NotFound

KEY = "artifacts/01jd5/report.tar"
DATA = bytes(range(256)) * 17


async def all_of(reading: Reading) -> bytes:
    return b"".join([chunk async for chunk in reading.chunks])


async def in_pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def names(blobs: Blobs, prefix: str = "") -> list[str]:
    return [info.key for info in (await blobs.list(prefix)).items]


@pytest.mark.parametrize("size", [0, 1, 65_537, PART - 1, PART, PART + 1, 2 * PART + 12_345])
async def test_what_was_put_is_read_again(blobs: Blobs, size: int) -> None:
    data = (DATA * (size // len(DATA) + 1))[:size]
    digest = hashlib.sha256(data).hexdigest()
    stored = await blobs.put(KEY, in_pieces(data, 700_001), expected_size=size, sha256=digest)
    assert (stored.key, stored.size, stored.sha256) == (KEY, size, digest)
    reading = await blobs.get(KEY)
    assert (reading.start, reading.size, reading.total) == (0, size, size)
    assert await all_of(reading) == data
    assert (await blobs.stat(KEY)).size == size


async def test_a_name_is_written_once(blobs: Blobs) -> None:
    await blobs.put(KEY, once(b"first"))
    with pytest.raises(BlobExists):
        await blobs.put(KEY, once(b"second"))
    with pytest.raises(BlobExists):
        await blobs.put(KEY, once(b"x" * (PART + 1)))
    assert await all_of(await blobs.get(KEY)) == b"first"


@pytest.mark.parametrize("size", [1_000, PART + 1_000])
async def test_of_puts_at_once_one_wins_and_is_whole(blobs: Blobs, size: int) -> None:
    bodies = [bytes([n]) * size for n in range(6)]
    ended = await asyncio.gather(
        *(blobs.put(KEY, in_pieces(body, 400_000)) for body in bodies), return_exceptions=True
    )
    won = [n for n, end in enumerate(ended) if not isinstance(end, BaseException)]
    assert len(won) == 1
    assert all(isinstance(end, BlobExists) for n, end in enumerate(ended) if n not in won)
    assert await all_of(await blobs.get(KEY)) == bodies[won[0]]


@pytest.mark.parametrize("size", [10, PART + 10])
async def test_bytes_that_were_not_announced_are_not_kept(blobs: Blobs, size: int) -> None:
    body = b"y" * size
    with pytest.raises(BlobMismatch):
        await blobs.put(KEY, once(body), expected_size=size - 1)
    with pytest.raises(BlobMismatch):
        await blobs.put(KEY, once(body), expected_size=size + 1)
    with pytest.raises(BlobMismatch):
        await blobs.put(KEY, once(body), sha256="0" * 64)
    assert await names(blobs) == []
    await blobs.put(KEY, once(body), expected_size=size)


@pytest.mark.parametrize("size", [100, PART + 1_000_000, 4 * PART])
async def test_a_sender_that_fails_leaves_nothing(blobs: Blobs, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for piece in in_pieces(b"z" * size, 500_000):
            yield piece
        raise RuntimeError("the sender went away")

    with pytest.raises(RuntimeError, match="went away"):
        await blobs.put(KEY, broken())
    assert await names(blobs) == []
    assert await blobs.tidy(2**42) == 0
    with pytest.raises(NotFound):
        await blobs.get(KEY)


async def test_a_cancelled_put_leaves_nothing(blobs: Blobs) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"z" * (PART + 1)
        begun.set()
        await never.wait()

    task = asyncio.create_task(blobs.put(KEY, slow()))
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(blobs) == []
    await blobs.put(KEY, once(b"now"))


async def test_parts_of_a_blob(blobs: Blobs) -> None:
    await blobs.put(KEY, once(DATA))
    total = len(DATA)
    for start, end in ((0, 1), (5, 300), (total - 1, None), (7, total + 50), (0, total), (3, None)):
        reading = await blobs.get(KEY, Span(start, end))
        wanted = DATA[start:end]
        assert (reading.start, reading.size, reading.total) == (start, len(wanted), total)
        assert await all_of(reading) == wanted


@pytest.mark.parametrize(("start", "end"), [(4352, None), (9_999, 10_000), (5, 5), (9, 4)])
async def test_a_part_that_is_not_there(blobs: Blobs, start: int, end: int | None) -> None:
    await blobs.put(KEY, once(DATA))
    with pytest.raises(BadRange):
        await blobs.get(KEY, Span(start, end))


async def test_lists_are_paged_in_the_order_of_names(blobs: Blobs) -> None:
    keys = [
        "a/b.c", "a/b/c", "a/b/d/e", "a/b-d", "a/ba", "a/c", "ab/c", "b/a", "b/a.b", "b/a_c/d", "c",
    ]  # fmt: skip
    for key in keys:
        await blobs.put(key, once(key.encode()))
    assert await names(blobs) == sorted(keys)
    assert await names(blobs, "a") == sorted(k for k in keys if k.startswith("a/"))
    assert await names(blobs, "a/b") == ["a/b/c", "a/b/d/e"]
    assert await names(blobs, "nowhere") == []
    for limit in (1, 2, 3, len(keys)):
        found: list[str] = []
        after: str | None = None
        while True:
            page = await blobs.list("", after, limit)
            assert 0 < len(page.items) <= limit
            found += [info.key for info in page.items]
            after = page.after
            if after is None:
                break
        assert found == sorted(keys)
    sizes = {info.key: info.size for info in (await blobs.list("b")).items}
    assert sizes == {key: len(key) for key in keys if key.startswith("b/")}


async def test_deleting_is_final_and_may_be_repeated(blobs: Blobs) -> None:
    await blobs.put(KEY, once(b"gone soon"))
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    assert await names(blobs) == []
    for look in (blobs.get(KEY), blobs.stat(KEY)):
        with pytest.raises(NotFound):
            await look
    await blobs.put(KEY, once(b"again"))


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a", "a/./b", ".drafts/x", "A/b",
        "a\\b", "a\x00b", "a b", "ä", "a\n", "a/" * 9 + "a", "a" * 101, "-a", ".staging/x",
    ],
)  # fmt: skip
async def test_a_name_that_is_no_plain_path_is_refused(blobs: Blobs, key: str) -> None:
    for act in (
        blobs.put(key, once(b"x")),
        blobs.get(key),
        blobs.stat(key),
        blobs.delete(key),
        blobs.signed_url(key, 60, "x"),
    ):
        with pytest.raises(ValueError, match="not a name"):
            await act


@pytest.mark.parametrize("filename", ["", 'a"b', "a\r\nb", "../a", "a/b", "ä", " a", ".a"])
async def test_a_link_takes_only_plain_file_names(blobs: Blobs, filename: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        await blobs.signed_url(KEY, 60, filename)


async def test_a_store_that_is_there_answers_the_probe(blobs: Blobs) -> None:
    await blobs.probe()
    assert await names(blobs) == []
