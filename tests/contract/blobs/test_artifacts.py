"""Artifacts on each engine: kept under the lease, replaced, bounded, gone with their job."""

import hashlib
from collections.abc import AsyncIterator
from random import Random

import pytest

from hookyard.adapters.blobs.backends.memory import MemoryBlobs
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import Database
from hookyard.core.ingress import upkeep
from hookyard.core.jobs import artifacts as module
from hookyard.core.jobs.artifacts import Artifact, Artifacts
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, Done, Job, JobKind, NewJob
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import (
    Conflict,
    HookyardError,
    Invalid,
    NotFound,
    StaleLease,
    TooLarge,
    Unavailable,
)
from hookyard.kit.ids import IdMaker

MOST = 10_000


class Shop:
    """A ledger with one kind of work, and a place for its artifacts."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker, links: Links) -> None:
        self.database, self.clock = database, clock
        self.blobs = MemoryBlobs(clock, links)
        kinds = (JobKind("work"), upkeep.PURGE)
        self.ledger = Ledger(clock, ids, kinds, Random(1), lambda: None)
        self.artifacts = Artifacts(database, self.blobs, self.ledger, ids, MOST)

    async def job(self, kind: str = "work") -> Job:
        """A job that runs."""
        await self.database.write(lambda unit: self.ledger.enqueue(unit, NewJob(kind, {})))
        return await self.claim()

    async def claim(self) -> Job:
        request = ClaimRequest("boot/w", 1, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        return claimed.jobs[0]

    async def finish(self, job: Job) -> None:
        await self.database.write(lambda unit: self.ledger.finish(unit, job, Done({})))

    async def listed(self, job: Job) -> list[Artifact]:
        found = await self.database.read(lambda unit: self.artifacts.list(unit, job.id))
        return list(found)

    async def keys(self) -> list[str]:
        return [info.key for info in (await self.blobs.list("")).items]


@pytest.fixture
def shop(database: Database, clock: ManualClock, ids: IdMaker, links: Links) -> Shop:
    return Shop(database, clock, ids, links)


async def test_files_of_a_job_are_listed_by_name_and_given_out(shop: Shop) -> None:
    job = await shop.job()
    await shop.artifacts.add(job, "report.xml", once(b"<x/>"), content_type="application/xml")
    await shop.artifacts.add(job, "log.txt", once(b"line"), content_type="text/html\r\nx: y")
    files = await shop.listed(job)
    assert [(a.name, a.size, a.content_type) for a in files] == [
        ("log.txt", 4, "application/octet-stream"),
        ("report.xml", 4, "application/xml"),
    ]
    assert files[1].sha256 == hashlib.sha256(b"<x/>").hexdigest()
    one = await shop.database.read(lambda unit: shop.artifacts.get(unit, job.id, "report.xml"))
    assert (await shop.artifacts.link(one, 60)).startswith(
        f"https://hooks.example.org/blobs/{one.key}?expires="
    )
    with pytest.raises(NotFound):
        await shop.database.read(lambda unit: shop.artifacts.get(unit, job.id, "nothing"))


async def test_the_same_bytes_again_change_nothing(shop: Shop) -> None:
    job = await shop.job()
    first = await shop.artifacts.add(job, "a", once(b"same"))
    assert await shop.artifacts.add(job, "a", once(b"same")) == first
    assert await shop.keys() == [first.key]


async def test_other_bytes_take_the_place_of_the_first(shop: Shop) -> None:
    job = await shop.job()
    await shop.artifacts.add(job, "a", once(b"first"))
    second = await shop.artifacts.add(job, "a", once(b"second"))
    assert await shop.listed(job) == [second]
    assert await shop.keys() == [second.key]


async def test_an_attempt_that_lost_its_lease_leaves_nothing(shop: Shop) -> None:
    job = await shop.job()
    shop.clock.advance(3_600)
    await shop.database.write(shop.ledger.sweep_expired)
    with pytest.raises(StaleLease):
        await shop.artifacts.add(job, "a", once(b"late"))
    assert await shop.keys() == []


async def test_a_lease_that_is_lost_while_bytes_come_leaves_nothing(shop: Shop) -> None:
    job = await shop.job()

    async def slow() -> AsyncIterator[bytes]:
        yield b"begun"
        shop.clock.advance(3_600)
        await shop.database.write(shop.ledger.sweep_expired)
        yield b"ended"

    with pytest.raises(StaleLease):
        await shop.artifacts.add(job, "a", slow())
    assert (await shop.keys(), await shop.listed(job)) == ([], [])


async def test_a_file_past_the_limit_is_refused(shop: Shop) -> None:
    job = await shop.job()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000

    with pytest.raises(TooLarge):
        await shop.artifacts.add(job, "a", endless())
    with pytest.raises(TooLarge):
        await shop.artifacts.add(job, "a", once(b""), expected_size=MOST + 1)
    assert await shop.keys() == []


async def test_a_job_keeps_so_many_files(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_MOST", 2)
    job = await shop.job()
    for name in ("a", "b", "b"):
        await shop.artifacts.add(job, name, once(name.encode()))
    with pytest.raises(Conflict, match="2 artifacts"):
        await shop.artifacts.add(job, "c", once(b"c"))
    assert len(await shop.keys()) == 2


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "a b", 'a"', "a\n", "x" * 129, "ä"])
async def test_a_name_is_a_plain_word(shop: Shop, name: str) -> None:
    job = await shop.job()
    with pytest.raises(Invalid):
        await shop.artifacts.add(job, name, once(b"x"))


async def test_bytes_that_were_not_announced_are_refused(shop: Shop) -> None:
    job = await shop.job()
    with pytest.raises(HookyardError) as error:
        await shop.artifacts.add(job, "a", once(b"x"), sha256="0" * 64)
    assert (error.value.status, error.value.problem_code) == (400, "blob_mismatch")
    assert await shop.keys() == []


async def test_a_store_that_is_away_keeps_nothing(shop: Shop) -> None:
    job = await shop.job()
    shop.blobs.is_down = True
    with pytest.raises(Unavailable):
        await shop.artifacts.add(job, "a", once(b"x"))
    assert await shop.listed(job) == []


async def test_files_go_with_their_job(shop: Shop) -> None:
    job = await shop.job()
    await shop.artifacts.add(job, "a", once(b"x"))
    await shop.finish(job)
    shop.clock.advance(31 * 86_400)
    running = await shop.job()
    young = await shop.artifacts.add(running, "a", once(b"y"))
    purge = upkeep.Purge(shop.ledger, 30, None, shop.blobs)
    job = await shop.job("upkeep.purge")
    outcome = await purge(Run(job, shop.database, shop.ledger, None))
    assert isinstance(outcome, Done)
    assert outcome.result == {"deliveries": 0, "jobs": 1, "blobs": 1}
    assert await shop.keys() == [young.key]
