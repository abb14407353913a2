"""Long logs of ended jobs lie in the blob store, a thousand lines to a blob; short ones in rows.

A segment is durable before the transaction that names it and drops its rows. A log's newest line
always stays a row, so that numbers go on where a job is replayed.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from functools import partial

import zstandard

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import Database, Unit
from hookyard.core.blobs.model import Area, BlobRef, OwnerKind
from hookyard.core.blobs.rules import key_for
from hookyard.core.blobs.service import find_blob, let_go, name_blob
from hookyard.core.jobs import store, store_cold, store_log_archive
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import (
    TERMINAL,
    Done,
    Job,
    JobContext,
    JobKind,
    Lane,
    LogLine,
    Outcome,
)
from hookyard.core.jobs.service import Ledger
from hookyard.core.jobs.store_log_archive import SEGMENT
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import as_object
from hookyard.kit.pages import MAX_LIMIT, Page, clamp_limit, decode_cursor, encode_cursor

KIND = JobKind("upkeep.archive_logs", lane=Lane.BULK, timeout_s=3600.0, log_file=False)
CRON = (CronSpec("archive_logs", "*/10 * * * *", KIND.name),)
PACKED = "application/zstd"
JOBS_A_LOOK = 100
LOOKS_AT_MOST = 100
# why: a message has 4 kB and fields 16 kB at most, each maybe escaped to six times that.
LARGEST = SEGMENT * 6 * (store_cold.MAX_MESSAGE_BYTES + store_cold.MAX_FIELDS_BYTES)


class JobLogs:
    """Reads logs, wherever their lines lie."""

    def __init__(self, database: Database, blobs: Blobs, ledger: Ledger) -> None:
        self._database = database
        self._blobs = blobs
        self._ledger = ledger

    async def page(
        self, job_id: str, cursor: str | None, limit: int | None, look: Callable[[Job], object]
    ) -> Page[LogLine]:
        """Lines of a job's log, oldest first; `look` may refuse the job. A page ends with a blob,
        so it may be shorter than asked for and yet have a next one.

        NotFound without the job; Unavailable when the blob store is away.
        """
        size = clamp_limit(limit)

        def find(unit: Unit) -> Page[LogLine] | BlobRef:
            look(self._ledger.get(unit, job_id))
            after = 0 if cursor is None else int(decode_cursor(cursor, (int,))[0])
            segment = _segment(after + 1)
            archived = find_blob(unit, OwnerKind.JOB_LOG, job_id, segment)
            return archived or self._ledger.logs(unit, job_id, cursor, size)

        found = await self._database.read(find)
        if isinstance(found, Page):
            return found
        after = 0 if cursor is None else int(decode_cursor(cursor, (int,))[0])
        lines = [line for line in await self._unpack(found) if line.seq > after][:size]
        # why: the newest line is a row, so that something always follows a segment.
        last = lines[-1].seq if lines else int(found.name) * SEGMENT
        return Page(tuple(lines), encode_cursor(last))

    async def _unpack(self, ref: BlobRef) -> list[LogLine]:
        reading = await self._blobs.get(ref.key)
        packed = b"".join([chunk async for chunk in reading.chunks])
        return await asyncio.to_thread(unpack, packed)


class ArchiveLogs:
    """Moves whole segments of long logs of ended jobs out of the database."""

    kind = KIND

    def __init__(self, blobs: Blobs, ids: IdMaker) -> None:
        self._blobs = blobs
        self._ids = ids

    async def __call__(self, ctx: JobContext) -> Outcome:
        lines = jobs = 0
        after = ""
        for _ in range(LOOKS_AT_MOST):
            find = partial(store_log_archive.long_logs, after=after, limit=JOBS_A_LOOK)
            found = await ctx.read(find)
            for job_id in found:
                moved = await self._archive(ctx, job_id)
                lines, jobs = lines + moved, jobs + (moved > 0)
            if len(found) < JOBS_A_LOOK:
                break
            after = found[-1]
        return Done({"jobs": jobs, "lines": lines})

    async def _archive(self, ctx: JobContext, job_id: str) -> int:
        moved = 0
        while not ctx.cancelled.is_set():
            left = await ctx.read(partial(store_log_archive.rows_left, job_id=job_id))
            if left is None or left[1] <= segment_end(left[0]):
                return moved
            count = await self._move(ctx, job_id, left[0])
            if not count:
                return moved
            moved += count
        return moved

    async def _move(self, ctx: JobContext, job_id: str, first: int) -> int:
        """Move the lines from `first` to the end of its segment; how many."""
        last = segment_end(first)
        lines = await self._lines(ctx, job_id, first, last)
        packed = await asyncio.to_thread(pack, lines)
        now_ms = ctx.clock.now_ms()
        key = key_for(Area.LOGS, self._ids.new(now_ms))
        stored = await self._blobs.put(key, once(packed), expected_size=len(packed))
        name = _segment(first)
        ref = BlobRef(
            key, OwnerKind.JOB_LOG, job_id, name, stored.size, stored.sha256, PACKED, now_ms
        )
        moved = await ctx.write(partial(_name, ref=ref, first=first, last=last))
        if not moved:
            await let_go(self._blobs, [key])
        return moved

    async def _lines(self, ctx: JobContext, job_id: str, first: int, last: int) -> list[LogLine]:
        lines: list[LogLine] = []
        cursor: str | None = encode_cursor(first - 1)
        while cursor is not None and (not lines or lines[-1].seq < last):
            read = partial(store_cold.logs, job_id=job_id, cursor=cursor, limit=MAX_LIMIT)
            page = await ctx.read(read)
            lines += page.items
            cursor = page.next_cursor
        return [line for line in lines if line.seq <= last]


def segment_end(seq: int) -> int:
    """The last line of the segment that a line belongs to."""
    return (seq + SEGMENT - 1) // SEGMENT * SEGMENT


def pack(lines: Iterable[LogLine]) -> bytes:
    """Lines as compressed JSON lines; the fields are those of LogLine, in its order."""
    texts = [json.dumps([n.seq, n.attempt, n.at_ms, n.level, n.message, n.fields]) for n in lines]
    return zstandard.ZstdCompressor(level=3).compress("\n".join(texts).encode())


def unpack(packed: bytes) -> list[LogLine]:
    """What `pack` made of lines."""
    text = zstandard.ZstdDecompressor().decompress(packed, max_output_size=LARGEST).decode()
    rows = [json.loads(line) for line in text.split("\n")]
    return [
        LogLine(int(seq), int(attempt), int(at_ms), str(level), str(message), as_object(fields))
        for seq, attempt, at_ms, level, message, fields in rows
    ]


def _segment(seq: int) -> str:
    return f"{segment_end(seq) // SEGMENT:06d}"


def _name(unit: Unit, ref: BlobRef, first: int, last: int) -> int:
    """Name the blob and drop its rows, unless the job runs again or somebody was first; how many
    rows went."""
    job = store.take(unit, ref.owner_id)
    if job is None or job.state not in TERMINAL:
        return 0
    if find_blob(unit, ref.owner_kind, ref.owner_id, ref.name) is not None:
        return 0
    name_blob(unit, ref)
    return store_log_archive.drop(unit, ref.owner_id, first, last)
