"""What the journeys of recovery share: asking for one, and looking at what came of it."""

from collections import Counter

from hookyard.core.jobs.model import TERMINAL, Job, JobState
from hookyard.kit.json import as_object
from tests.support.worlds import World

ON = {"HOOKYARD_RECOVER": "on"}


async def recover(
    world: World, source: str = "github", *, settle: bool = True, **payload: object
) -> Job:
    """One recovery through the API; the job once it has ended, and then what it led to."""
    body = {"source": source, "since": "6h", **payload}
    answer = await world.caller.call("POST", "/api/deliveries/recover", body)
    assert answer.status_code == 202, answer.text
    job = await ended(world, answer.json()["job_id"])
    if settle:
        await world.settle()
    return job


def result_of(job: Job) -> dict[str, object]:
    assert job.state is JobState.SUCCEEDED, (job.state, job.error)
    return dict(as_object(job.result))


async def by_guid(world: World) -> Counter[str]:
    """How many rows each GUID has."""
    found = await world.caller.page("/api/deliveries", limit=200)
    return Counter(str(row["provider_delivery_id"]) for row in found)


async def ended(world: World, job_id: str) -> Job:
    """The job, once it has ended; other work may go on."""

    async def look() -> Job:
        return await world.yard.database.read(lambda unit: world.yard.ledger.get(unit, job_id))

    async def is_over() -> bool:
        return (await look()).state in TERMINAL

    await world.until(is_over)
    return await look()
