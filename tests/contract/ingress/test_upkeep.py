"""Housekeeping: what died silently is buried, what is old is forgotten, what is open is kept."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from hookyard.core.ingress import store, upkeep
from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import Done, JobId, JobState
from tests.contract.ingress.conftest import Bench

DAY_S = 86_400


async def buried(bench: Bench) -> object:
    outcome = await bench.run(upkeep.Bury(bench.ledger))
    assert isinstance(outcome, Done)
    return outcome.result


async def test_a_delivery_whose_routing_died_without_a_word_ends_dead(bench: Bench) -> None:
    receipt = await bench.issue()
    await bench.kill(receipt)
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ACCEPTED
    assert await buried(bench) == {"buried": 1}
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.DEAD
    assert (delivery.reason or "").count(": ") == 1
    assert "stopped reporting" in (delivery.reason or "")
    assert await buried(bench) == {"buried": 0}


async def test_a_delivery_whose_routing_was_cancelled_ends_dead(bench: Bench) -> None:
    receipt = await bench.issue()
    await bench.kill(receipt, JobState.CANCELLED)
    assert await buried(bench) == {"buried": 1}
    assert (await bench.delivery(receipt)).reason == "cancelled: its routing was cancelled"


async def test_the_living_are_not_buried(bench: Bench) -> None:
    routed, open_ = await bench.issue(1), await bench.issue(2)
    await bench.work()
    fresh = await bench.issue(3)
    assert await buried(bench) == {"buried": 0}
    found = [(await bench.delivery(one)).status for one in (routed, open_, fresh)]
    assert found == ["routed", "routed", "accepted"]


async def test_one_that_was_replayed_meanwhile_is_not_buried(bench: Bench) -> None:
    receipt = await bench.issue()
    await bench.kill(receipt)
    [job] = await bench.jobs()
    await bench.database.write(lambda unit: bench.ledger.replay(unit, job.id))
    bury = upkeep.Bury(bench.ledger)
    assert await bench.database.write(lambda unit: bury._bury(unit, [job])) == 0
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ACCEPTED


async def test_the_silent_dead_are_found_behind_many_that_spoke(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MAX_LIMIT", 3)
    silent = await bench.issue()
    await bench.kill(silent)
    for _ in range(7):
        await bench.take("github", bench.signed("github", b"{", event="issues"))
    await bench.work()
    assert await buried(bench) == {"buried": 1}
    assert (await bench.delivery(silent)).status is DeliveryStatus.DEAD


async def test_what_is_past_its_time_is_forgotten_and_what_is_open_kept(
    bench: Bench, tmp_path: Path
) -> None:
    finished = await bench.issue(1)
    await bench.work()
    await bench.jobs(kind="criteria.extract")
    waiting = await bench.issue(2)
    bench.clock.advance(31 * DAY_S)
    young = await bench.issue(3)
    files = JobLogFiles(tmp_path / "logs")
    old = files.path((await bench.jobs(delivery_id=finished.delivery_id))[0].id)
    old.write_text("{}\n")
    outcome = await bench.run(upkeep.Purge(bench.ledger, 30, files))
    files.close()
    assert isinstance(outcome, Done)
    assert outcome.result == {"deliveries": 1, "jobs": 1, "blobs": 0}
    kept = await bench.database.read(lambda unit: store.list_page(unit, {}, 10, None))
    assert [item.id for item in kept.items] == [young.delivery_id, waiting.delivery_id]
    assert not old.exists()


async def test_a_body_may_come_again_once_it_is_forgotten(bench: Bench) -> None:
    payload = bench.scene.comment_created(1, 77, "/hookyard fix it", login="mona")
    await bench.take("github", bench.signed("github", payload, event="issue_comment"))
    await bench.work()
    bench.clock.advance(31 * DAY_S)
    await bench.run(upkeep.Purge(bench.ledger, 30, None))
    again = await bench.take("github", bench.signed("github", payload, event="issue_comment"))
    await bench.work()
    assert (await bench.delivery(again)).status is DeliveryStatus.ROUTED


async def test_a_purge_ends_in_time_and_the_next_goes_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(JobLogFiles):
        """Takes most of the time a purge has."""

        def remove(self, job_ids: Iterable[JobId]) -> None:
            super().remove(job_ids)
            bench.clock.advance(upkeep.PURGE_FOR_S * 0.6)

    monkeypatch.setattr(upkeep, "CHUNK", 2)
    for number in range(7):
        await bench.take("github", bench.signed("github", {"n": number}, event="push_like"))
    await bench.work()
    bench.clock.advance(31 * DAY_S)
    files = Slow(tmp_path / "logs")
    outcomes = [await bench.run(upkeep.Purge(bench.ledger, 30, files)) for _ in range(2)]
    files.close()
    results = [outcome.result for outcome in outcomes if isinstance(outcome, Done)]
    assert results == [
        {"deliveries": 4, "jobs": 4, "blobs": 0},
        {"deliveries": 3, "jobs": 3, "blobs": 0},
    ]


async def test_much_is_forgotten_in_small_steps(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 2)
    for number in range(7):
        await bench.take("github", bench.signed("github", {"n": number}, event="push_like"))
    await bench.work()
    bench.clock.advance(31 * DAY_S)
    outcome = await bench.run(upkeep.Purge(bench.ledger, 30, None))
    assert isinstance(outcome, Done)
    assert outcome.result == {"deliveries": 7, "jobs": 7, "blobs": 0}
    assert await bench.count() == 0
