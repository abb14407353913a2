"""Hookyard down while GitHub goes on: what never arrived is pulled, once, and nothing twice."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.core.jobs.model import JobState, NewJob
from hookyard.kit.json import as_int, as_object
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.senders import SignedRequest
from tests.support.recovery import ON, by_guid, ended, recover, result_of
from tests.support.worlds import REPOSITORY, World, open_world

MISSED = 700


async def post(world: World, hook: HookDelivery) -> int:
    return await world.post(SignedRequest(dict(hook.headers), hook.body, "/webhooks/github"))


async def test_an_outage_is_recovered_once_beside_what_arrived_and_what_arrives_late(
    tmp_path: Path,
) -> None:
    """700 issues while nobody listens; every tenth did arrive, and a late one comes meanwhile."""
    async with AsyncExitStack() as stack:
        quiet = {".hookyard.yml": "criteria:\n  comment: false\n"}
        world = await open_world(stack, tmp_path, ON, files=quiet, agent=False)
        for number in range(MISSED):
            world.sandbox.create_issue(REPOSITORY, f"Issue {number}", "- [ ] It works", by="alice")
        missed = world.emitted.take()
        emitted = {hook.guid for hook in missed if hook.event == "issues"}
        assert len(emitted) == MISSED
        arrived, late = missed[::10], missed[5::10]
        for hook in arrived:
            await post(world, hook)

        async def come_late() -> None:
            for hook in late:
                await post(world, hook)

        coming = asyncio.create_task(come_late())
        found = result_of(await recover(world, settle=False))
        await coming
        rows = await by_guid(world)
        assert {guid for guid in rows if guid in emitted} == emitted
        assert max(rows.values()) == 1
        pulled = as_int(found["recovered"]) or 0
        assert pulled >= MISSED - len(arrived) - len(late)
        again = result_of(await recover(world, settle=False))
        assert (again["recovered"], again["missing"]) == (0, 0)
        assert await by_guid(world) == rows


async def test_a_recovered_delivery_and_its_late_webhook_are_one(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        number = world.issue()
        missed = world.emitted.take()
        found = result_of(await recover(world))
        assert found["recovered"] == 1
        assert len(world.comments(number, "It works")) == 1
        before = await by_guid(world)
        for hook in missed:
            assert await post(world, hook) == 200
        await world.settle()
        assert await by_guid(world) == before
        assert len(world.comments(number, "It works")) == 1


async def test_the_same_words_from_the_record_are_no_replay(tmp_path: Path) -> None:
    """A stranger who captured the body sends it first under a name of their own."""
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        world.issue()
        (missed,) = world.emitted.take()
        forged = {**missed.headers, "X-GitHub-Delivery": "00000000-0000-0000-0000-000000000000"}
        await world.post(SignedRequest(forged, missed.body, "/webhooks/github"))
        await world.settle()
        result_of(await recover(world))
        (row,) = [d for d in await world.deliveries() if d.provider_delivery_id == missed.guid]
        assert row.status.value == "routed", row.reason
        # And the other way round: the words of a recovered delivery are known.
        forged["X-GitHub-Delivery"] = "11111111-0000-0000-0000-000000000000"
        await world.post(SignedRequest(forged, missed.body, "/webhooks/github"))
        await world.settle()
        (last,) = [d for d in await world.deliveries() if d.provider_delivery_id.startswith("1111")]
        assert "the same signed body came before" in (last.reason or "")


async def test_a_gap_is_closed_by_itself_when_the_process_comes_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        number = world.issue()
        world.emitted.take()

        async def is_there() -> bool:
            return bool(world.comments(number, "It works"))

        await world.until(is_there)
        jobs = await world.jobs("ingress.recover")
        assert sum(as_int(as_object(job.result).get("recovered")) or 0 for job in jobs) == 1


async def test_bodies_of_what_nobody_reacts_to_are_not_fetched(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        world.issue()
        result_of(await recover(world))
        world.sandbox.push(REPOSITORY, {"a.txt": "1"}, by="alice")
        missed = world.emitted.take()
        assert "push" in {hook.event for hook in missed}
        before = len(world.calls("GET", "/app/hook/deliveries/"))
        found = result_of(await recover(world))
        fetched = len(world.calls("GET", "/app/hook/deliveries/")) - before
        assert (as_int(found["filtered"]) or 0) >= 1
        assert fetched == found["recovered"]


async def test_a_dry_run_counts_and_changes_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path)
        world.issue()
        world.emitted.take()
        before = await by_guid(world)
        found = result_of(await recover(world, dry_run=True))
        assert (found["missing"], found["recovered"]) == (1, 0)
        assert await by_guid(world) == before
        assert result_of(await recover(world))["recovered"] == 1


@pytest.mark.parametrize("kind", ["primary_limit", "secondary_limit"])
async def test_a_limit_holds_recovery_and_loses_nothing(tmp_path: Path, kind: str) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        numbers = [world.issue(f"- [ ] It works {n}") for n in range(5)]
        world.emitted.take()
        world.sandbox.fail(kind, path="/app/hook/deliveries/*", wait_s=30, times=1)
        found = result_of(await recover(world))
        assert found["recovered"] == len(numbers)
        assert (as_int(found["seconds"]) or 0) >= 0
        assert all(world.comments(number, "It works") for number in numbers)


async def test_a_job_that_dies_goes_on_where_it_stood(tmp_path: Path) -> None:
    """GitHub fails in the middle, so the attempt ends; nothing that was had is fetched again."""
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        for number in range(150):
            world.sandbox.create_issue(REPOSITORY, f"Issue {number}", "words", by="alice")
        world.emitted.take()
        fault = world.sandbox.fail("error", path="/app/hook/deliveries/*", status=500, times=None)
        answer = await world.caller.call("POST", "/api/deliveries/recover", {"since": "6h"})
        job_id = answer.json()["job_id"]

        async def has_failed() -> bool:
            job = await world.yard.database.read(lambda unit: world.yard.ledger.get(unit, job_id))
            return job.attempt >= 1 and job.state is JobState.WAITING

        await world.until(has_failed)
        world.sandbox.faults.active.remove(fault)
        assert result_of(await ended(world, job_id))["recovered"] == 150
        assert max((await by_guid(world)).values()) == 1


async def test_a_delivery_that_cannot_be_had_is_not_asked_for_for_ever(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        world.issue()
        result_of(await recover(world))
        world.issue()
        world.emitted.take()
        lost = world.sandbox.world.deliveries[-1]
        path = f"/app/hook/deliveries/{lost.id}"
        world.sandbox.fail("error", path=path, status=404, times=None)
        found = result_of(await recover(world))
        assert as_object(found["items"]).get("gone") == 1  # type: ignore[arg-type]
        asked = len(world.calls("GET", path))
        every = NewJob("ingress.recover", {"source": "github", "everything": True})
        for _ in range(3):
            await world.yard.database.write(lambda unit: world.yard.ledger.enqueue(unit, every))
            await world.settle()
        assert len(world.calls("GET", path)) == asked
