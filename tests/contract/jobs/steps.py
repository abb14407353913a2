"""Short words for what tests of the ledger do again and again."""

from hookyard.adapters.database.port import Database
from hookyard.core.jobs.model import (
    ClaimRequest,
    Ending,
    Finished,
    Job,
    JobId,
    NewJob,
)
from hookyard.core.jobs.service import Ledger


async def add(db: Database, ledger: Ledger, **values: object) -> JobId:
    job = NewJob(**{"kind": "work", "payload": {}, **values})
    return (await db.write(lambda unit: ledger.enqueue(unit, job))).job_id


async def claim(
    db: Database, ledger: Ledger, capacity: int = 10, worker: str = "boot/a", lease_s: float = 60
) -> list[Job]:
    request = ClaimRequest(worker, capacity, {}, {}, lease_s)
    return list((await db.write(lambda unit: ledger.claim(unit, request))).jobs)


async def end(db: Database, ledger: Ledger, job: Job, ending: Ending) -> None:
    settled = await db.write(lambda unit: ledger.finish_batch(unit, [Finished(job, ending)]))
    assert not settled.stale


async def get(db: Database, ledger: Ledger, job_id: str) -> Job:
    return await db.read(lambda unit: ledger.get(unit, job_id))
