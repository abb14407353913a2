"""The reference agents of `examples/agents` against a running server, doing real jobs."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import Caller

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "agents"
AGENTS = {
    "python": (sys.executable, str(EXAMPLES / "agent.py")),
    "shell": ("/bin/sh", str(EXAMPLES / "agent.sh")),
}


@pytest.fixture(params=sorted(AGENTS))
def agent(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if request.param == "shell" and shutil.which("curl") is None:
        pytest.skip("the shell agent needs curl")
    return AGENTS[request.param]


async def run(
    argv: tuple[str, ...], client: Caller, jobs: int, lease_s: int = 15
) -> asyncio.subprocess.Process:
    worker = await client.key("worker")
    environment = {
        "PATH": os.environ["PATH"],
        "HOOKYARD_URL": str(client.http.base_url).rstrip("/"),
        "HOOKYARD_TOKEN": worker.token,
        "AGENT_KIND": "words.count",
        "AGENT_JOBS": str(jobs),
        "AGENT_LEASE_SECONDS": str(lease_s),
    }
    return await asyncio.create_subprocess_exec(*argv, env=environment)


async def start(client: Caller, **payload: object) -> str:
    body = {"kind": "words.count", "payload": payload, "max_attempts": 1}
    return str((await client.call("POST", "/api/jobs", body)).json()["job_id"])


async def reach(client: Caller, job_id: str, *states: str) -> dict[str, object]:
    async with asyncio.timeout(30):
        while True:
            job = (await client.get(f"/api/jobs/{job_id}")).json()
            if job["state"] in states:
                return dict(job)
            # why: only the state itself shows that another party got there.
            await asyncio.sleep(0.05)


async def test_agent_does_jobs_one_of_which_comes_while_it_waits(
    client: Caller, agent: tuple[str, ...]
) -> None:
    first = await start(client, text="one two three", command="count")
    process = await run(agent, client, 2)
    done = await reach(client, first, "succeeded")
    assert done["result"] == {"words": 3}
    second = await start(client, text="one", command="count")
    assert (await reach(client, second, "succeeded"))["result"] == {"words": 1}
    assert await asyncio.wait_for(process.wait(), 20) == 0
    log = (await client.get(f"/api/jobs/{first}/log")).json()["items"]
    assert len(log) == 1


async def test_agent_keeps_its_lease_and_honours_a_cancel(
    client: Caller, agent: tuple[str, ...]
) -> None:
    job_id = await start(client, text="never", command="count", takes_s=60)
    process = await run(agent, client, 1, lease_s=5)
    before = await reach(client, job_id, "running")
    async with asyncio.timeout(20):
        while not await _was_kept(client, job_id):
            # why: only the state itself shows that another party got there.
            await asyncio.sleep(0.1)
    await client.call("POST", f"/api/jobs/{job_id}/cancel")
    after = await reach(client, job_id, "cancelled", "dead")
    assert (after["state"], after["lease"]) == ("cancelled", before["lease"])
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def _was_kept(client: Caller, job_id: str) -> bool:
    """Whether a heartbeat came: the lease ends later than at first."""
    job = await client.yard.database.read(lambda unit: client.yard.ledger.get(unit, job_id))
    return (job.leased_until_ms or 0) > (job.started_at_ms or 0) + 5_000
