"""Every body GitHub's own octokit project has recorded, signed and sent through the front door."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from hookyard.adapters.database.port import Unit
from hookyard.bootstrap import Yard
from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.ingress.rules import ROUTE_KIND
from hookyard.core.jobs.model import ACTIVE, Job, JobFilter
from hookyard_sandbox.senders import signed_request
from tests.journeys.conftest import SECRET, Caller, make_yard, serving
from tests.support.openapi import PACKAGES, require_npm

pytestmark = pytest.mark.npm

INDEX = PACKAGES / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
COUNT = 329
AT_ONCE = 32


class Example(NamedTuple):
    """One recorded body."""

    event: str
    body: bytes


def examples() -> Sequence[Example]:
    """All of github.com's, in order."""
    require_npm(INDEX)
    entries = json.loads(INDEX.read_text("utf-8"))
    return [
        Example(entry["name"], json.dumps(body).encode())
        for entry in entries
        for body in entry["examples"]
    ]


async def send_all(caller: Caller, recorded: Sequence[Example]) -> None:
    """Send them, some at a time; each must be taken as new."""

    async def send(number: int, example: Example) -> None:
        signed = signed_request(
            "github", example.body, SECRET, event=example.event, delivery_id=f"example-{number}"
        )
        answer = await caller.http.post(signed.path, content=signed.body, headers=signed.headers)
        assert answer.status_code == 202, (example.event, answer.text)

    numbered = list(enumerate(recorded))
    for start in range(0, len(numbered), AT_ONCE):
        await asyncio.gather(*(send(*one) for one in numbered[start : start + AT_ONCE]))


async def drain(yard: Yard) -> None:
    """Work until every routing job has ended."""
    ended = asyncio.Event()
    yard.endings.listeners.append(lambda *_: ended.set())
    await yard.start_working()

    def open_jobs(unit: Unit) -> Sequence[Job]:
        wanted = [JobFilter(state=state, kind=ROUTE_KIND) for state in ACTIVE]
        return [job for one in wanted for job in yard.ledger.list(unit, one, limit=1).items]

    async with asyncio.timeout(60):
        while True:
            ended.clear()
            if not await yard.database.read(open_jobs):
                return
            await ended.wait()


@pytest.mark.parametrize("count", [COUNT])
async def test_every_recorded_body_is_accepted_and_ends_routed_or_ignored_with_a_reason(
    tmp_path: Path, count: int
) -> None:
    recorded = examples()
    assert len(recorded) == count
    yard = await make_yard(tmp_path, {})
    try:
        async with serving(yard) as caller:
            await send_all(caller, recorded)
            await drain(yard)
            deliveries = await caller.page("/api/deliveries", limit=200)
    finally:
        await yard.close()
    found = Counter(str(delivery["status"]) for delivery in deliveries)
    assert found["routed"] + found["ignored"] == len(deliveries) == count, found
    assert set(found) == {DeliveryStatus.ROUTED, DeliveryStatus.IGNORED}, found
    silent = [d for d in deliveries if d["status"] == "ignored" and not d["reason"]]
    assert silent == [], f"{len(silent)} of {count} ignored without a reason"
    assert Counter(d["event"] for d in deliveries) == Counter(e.event for e in recorded)
