"""Long logs on each engine: moved to the blob store, read as one log, gone with their job."""

from random import Random

import pytest

from hookyard.adapters.blobs.backends.memory import MemoryBlobs
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.database.port import Database, RawSql
from hookyard.core.ingress import upkeep
from hookyard.core.jobs import log_archive
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.log_archive import ArchiveLogs, JobLogs, pack, unpack
from hookyard.core.jobs.model import ClaimRequest, Done, Job, JobKind, LogLine, NewJob, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Forbidden, NotFound, Unavailable
from hookyard.kit.ids import IdMaker

COUNT = RawSql.same("SELECT count(*) FROM job_logs")


class Desk:
    """A ledger whose jobs write much."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker, links: Links) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.blobs = MemoryBlobs(clock, links)
        kinds = (JobKind("work"), upkeep.PURGE, log_archive.KIND)
        self.ledger = Ledger(clock, ids, kinds, Random(1), lambda: None)
        self.logs = JobLogs(database, self.blobs, self.ledger)

    async def start(self, kind: str = "work") -> Job:
        await self.database.write(lambda unit: self.ledger.enqueue(unit, NewJob(kind, {})))
        return await self.claim()

    async def claim(self) -> Job:
        request = ClaimRequest("boot/w", 1, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        return claimed.jobs[0]

    async def write(self, job: Job, first: int, last: int) -> None:
        def lines(unit: object) -> None:
            for number in range(first, last + 1):
                self.ledger.log(unit, job, f"line {number}\n\ud800", {"n": number})  # type: ignore[arg-type]

        await self.database.write(lines)

    async def finish(self, job: Job) -> None:
        await self.database.write(lambda unit: self.ledger.finish(unit, job, Done()))

    async def archive(self) -> Outcome:
        job = await self.start(log_archive.KIND.name)
        outcome = await ArchiveLogs(self.blobs, self.ids)(
            Run(job, self.database, self.ledger, None)
        )
        assert isinstance(outcome, Done)
        await self.finish(job)
        return outcome

    async def read(self, job: Job, limit: int = 200) -> list[LogLine]:
        """The whole log, page by page."""
        lines: list[LogLine] = []
        cursor: str | None = None
        while True:
            page = await self.logs.page(job.id, cursor, limit, lambda _: None)
            assert len(page.items) <= limit
            lines += page.items
            cursor = page.next_cursor
            if cursor is None:
                return lines

    async def rows(self) -> int:
        rows = await self.database.read(lambda u: u.fetch_raw(COUNT))
        return int(str(rows[0][0]))

    async def keys(self) -> list[str]:
        return [info.key for info in (await self.blobs.list("")).items]


@pytest.fixture
def desk(database: Database, clock: ManualClock, ids: IdMaker, links: Links) -> Desk:
    return Desk(database, clock, ids, links)


async def test_a_long_log_moves_and_reads_as_before(desk: Desk) -> None:
    job = await desk.start()
    await desk.write(job, 1, 2_345)
    await desk.finish(job)
    before = await desk.read(job)
    assert [line.seq for line in before] == list(range(1, 2_346))
    assert await desk.archive() == Done({"jobs": 1, "lines": 2_000})
    assert (await desk.rows(), len(await desk.keys())) == (345, 2)
    assert await desk.read(job) == before
    assert await desk.read(job, 7) == before
    assert await desk.archive() == Done({"jobs": 0, "lines": 0})


async def test_a_short_log_and_one_that_still_grows_stay_rows(desk: Desk) -> None:
    short = await desk.start()
    await desk.write(short, 1, 1_000)
    await desk.finish(short)
    running = await desk.start()
    await desk.write(running, 1, 1_500)
    assert await desk.archive() == Done({"jobs": 0, "lines": 0})
    assert await desk.keys() == []
    await desk.finish(running)
    assert await desk.archive() == Done({"jobs": 1, "lines": 1_000})
    assert len(await desk.read(short)) == 1_000
    assert len(await desk.read(running)) == 1_500


async def test_numbers_go_on_when_the_job_is_replayed(desk: Desk) -> None:
    job = await desk.start()
    await desk.write(job, 1, 1_200)
    await desk.finish(job)
    await desk.archive()
    await desk.database.write(lambda unit: desk.ledger.replay(unit, job.id))
    again = await desk.claim()
    await desk.write(again, 1_201, 2_100)
    assert [line.seq for line in await desk.read(job)] == list(range(1, 2_101))
    await desk.finish(again)
    assert await desk.archive() == Done({"jobs": 1, "lines": 1_000})
    assert [line.fields["n"] for line in await desk.read(job)] == list(range(1, 2_101))


async def test_a_reader_without_the_right_is_refused_before_anything_is_read(desk: Desk) -> None:
    job = await desk.start()

    def refuse(_: Job) -> None:
        raise Forbidden("no")

    with pytest.raises(Forbidden):
        await desk.logs.page(job.id, None, None, refuse)
    with pytest.raises(NotFound):
        await desk.logs.page("0" * 26, None, None, refuse)


async def test_a_store_that_is_away_leaves_the_rows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await desk.start()
    await desk.write(job, 1, 1_001)
    await desk.finish(job)

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.blobs, "put", away)
        upkeep_job = await desk.start(log_archive.KIND.name)
        with pytest.raises(Unavailable):
            await ArchiveLogs(desk.blobs, desk.ids)(
                Run(upkeep_job, desk.database, desk.ledger, None)
            )
        await desk.finish(upkeep_job)
    assert await desk.rows() == 1_001
    assert await desk.archive() == Done({"jobs": 1, "lines": 1_000})


async def test_a_job_that_began_again_meanwhile_keeps_its_rows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await desk.start()
    await desk.write(job, 1, 1_001)
    await desk.finish(job)
    put = desk.blobs.put

    async def replayed_before(*args: object, **kwargs: object) -> object:
        await desk.database.write(lambda unit: desk.ledger.replay(unit, job.id))
        return await put(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.blobs, "put", replayed_before)
    assert await desk.archive() == Done({"jobs": 0, "lines": 0})
    assert (await desk.rows(), await desk.keys()) == (1_001, [])


async def test_what_was_moved_goes_with_its_job(desk: Desk) -> None:
    job = await desk.start()
    await desk.write(job, 1, 1_001)
    await desk.finish(job)
    await desk.archive()
    assert len(await desk.keys()) == 1
    desk.clock.advance(40 * 86_400)
    purge = await desk.start(upkeep.PURGE.name)
    run = Run(purge, desk.database, desk.ledger, None)
    await upkeep.Purge(desk.ledger, 30, None, desk.blobs)(run)
    assert await desk.keys() == []


def test_packed_lines_come_back_as_they_were() -> None:
    lines = [LogLine(1, 1, 5, "info", 'a"\n\u2028\x00', {"a": [1, None, "\ud800"]})]
    assert unpack(pack(lines)) == lines
