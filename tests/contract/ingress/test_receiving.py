"""Deliveries on disk: once each, whatever arrives together, again or at the same instant."""

import asyncio
from collections.abc import Callable

import pytest

from hookyard.core.ingress import store
from hookyard.core.ingress.dictionary import Compressor, decompress
from hookyard.core.ingress.model import DeliveryStatus, Receipt
from hookyard.core.jobs.model import JobState
from hookyard.kit.errors import Unavailable
from tests.contract.ingress.conftest import Bench


def ids_of(receipts: list[Receipt]) -> set[str]:
    return {receipt.delivery_id for receipt in receipts}


async def test_a_delivery_and_its_routing_job_are_stored_together(bench: Bench) -> None:
    receipt = await bench.issue(7)
    delivery = await bench.delivery(receipt)
    assert not receipt.duplicate
    assert (delivery.source, delivery.provider, delivery.event) == ("github", "github", "issues")
    assert (delivery.status, delivery.reason, delivery.redeliveries) == ("accepted", None, 0)
    assert delivery.received_at_ms == bench.clock.now_ms()
    jobs = await bench.jobs()
    assert [(job.kind, job.delivery_id) for job in jobs] == [("ingress.route", delivery.id)]


async def test_the_body_comes_back_as_it_was_sent(bench: Bench) -> None:
    body = '{"action": "opened",  "ünïcode": "…"}\n'.encode()
    receipt = await bench.take("github", bench.signed("github", body, event="issues"))
    found = await bench.database.read(lambda unit: store.load(unit, receipt.delivery_id))
    assert found is not None
    delivery, payload, headers = found
    assert decompress(payload, 1_000) == body
    assert delivery.payload_size == len(body)
    assert headers["x-github-event"] == "issues"
    assert not any("signature" in name for name in headers)


async def test_duplicates_inside_one_batch_are_one_delivery(bench: Bench) -> None:
    same = bench.signed("github", bench.scene.ping(), event="ping", delivery_id="same")
    others = [bench.signed("github", bench.scene.ping(), event="ping") for _ in range(5)]
    receipts = await bench.takes("github", [same, *others[:3], same, same, *others[3:]])
    assert [receipt.duplicate for receipt in receipts].count(True) == 2
    assert len(ids_of(receipts)) == await bench.count() == 6
    assert len(await bench.jobs()) == 6
    assert (await bench.delivery(receipts[0])).redeliveries == 2


async def test_of_many_at_the_same_instant_exactly_one_is_accepted(bench: Bench) -> None:
    request = bench.signed("github", bench.scene.ping(), event="ping", delivery_id="same")
    receipts: list[Receipt] = []
    for _ in range(4):
        receipts += await bench.takes("github", [request] * 20)
    assert [receipt.duplicate for receipt in receipts].count(False) == 1
    assert len(ids_of(receipts)) == await bench.count() == len(await bench.jobs()) == 1


async def test_two_receivers_of_one_database_agree(bench: Bench) -> None:
    other = Bench(bench.database, bench.clock, bench.receiver._ids)
    request = bench.signed("github", bench.scene.ping(), event="ping", delivery_id="same")
    receipts = await asyncio.gather(*(side.take("github", request) for side in (bench, other) * 15))
    assert [receipt.duplicate for receipt in receipts].count(False) == 1
    assert len(await bench.jobs()) == 1


async def test_one_id_at_two_sources_is_two_deliveries(bench: Bench) -> None:
    alert = bench.signed("sentry", {"data": {}}, event="issue", delivery_id="same")
    await bench.take("sentry", alert)
    await bench.issue(delivery_id="same")
    assert await bench.count() == 2


async def test_a_redelivery_of_finished_work_is_swallowed(bench: Bench) -> None:
    first = await bench.issue(delivery_id="same")
    await bench.work()
    again = await bench.issue(delivery_id="same")
    assert (again.duplicate, again.delivery_id) == (True, first.delivery_id)
    assert again.reason == "already routed to jobs"
    assert len(await bench.jobs(kind="ingress.route")) == 1
    assert (await bench.delivery(first)).redeliveries == 1


async def test_a_redelivery_of_dead_work_brings_it_back(bench: Bench) -> None:
    first = await bench.issue(delivery_id="same")
    await bench.kill(first)
    again = await bench.issue(delivery_id="same")
    assert (again.duplicate, again.delivery_id) == (False, first.delivery_id)
    assert "1 unfinished job(s) queued again" in (again.reason or "")
    await bench.work()
    assert (await bench.delivery(first)).status is DeliveryStatus.ROUTED


async def test_a_dead_delivery_that_is_sent_again_is_accepted_again(bench: Bench) -> None:
    body = bench.signed("github", b"\xff", event="issues", delivery_id="same")
    first = await bench.take("github", body)
    await bench.work()
    assert (await bench.delivery(first)).status is DeliveryStatus.DEAD
    again = await bench.take("github", body)
    assert not again.duplicate
    assert (await bench.delivery(first)).status is DeliveryStatus.ACCEPTED
    assert [job.state for job in await bench.jobs()] == [JobState.QUEUED]


class Unlucky:
    """A ledger in which nothing can be stored."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def __getattr__(self, name: str) -> Callable[..., object]:
        def fail(*_: object) -> object:
            raise self._fault

        return fail


@pytest.mark.parametrize("fault", [Unavailable("disk full"), RuntimeError("a mistake of ours")])
async def test_what_fails_half_way_leaves_nothing(bench: Bench, fault: Exception) -> None:
    good = bench.receiver._jobs
    bench.receiver._jobs = Unlucky(fault)  # type: ignore[assignment]
    with pytest.raises(type(fault)):
        await bench.issue(delivery_id="same")
    assert await bench.count() == 0
    bench.receiver._jobs = good
    assert not (await bench.issue(delivery_id="same")).duplicate
    assert bench.receiver._pace.in_flight == 0


async def test_a_body_is_claimed_once_however_many_try(bench: Bench) -> None:
    names = [f"d{n:02}" for n in range(12)]
    found = await asyncio.gather(
        *(
            bench.database.write(
                lambda unit, name=name: store.claim_body(unit, "github", b"\x01" * 32, name, 5)  # type: ignore[misc]
            )
            for name in names
        )
    )
    assert len(set(found)) == 1
    winner = found[0]
    again = await bench.database.write(
        lambda unit: store.claim_body(unit, "github", b"\x01" * 32, winner, 6)
    )
    assert again == winner
    for source, digest in (("jira", b"\x01" * 32), ("github", b"\x02" * 32)):
        own = await bench.database.write(
            lambda unit, s=source, d=digest: store.claim_body(unit, s, d, "new", 6)  # type: ignore[misc]
        )
        assert own == "new"


async def test_rejections_add_up_by_source_code_and_hour(bench: Bench) -> None:
    for count, at in ((2, 10), (3, 20)):
        await bench.database.write(
            lambda unit, c=count, a=at: store.add_rejections(  # type: ignore[misc]
                unit,
                {("github", "bad_signature", 0): (c, a, f"at {a}"), ("x", "y", 7): (1, a, "z")},
            )
        )
    rows = await bench.database.read(lambda unit: store.list_rejections(unit, 10, None))
    assert [(r.source, r.code, r.hour_ms, r.count, r.last_at_ms) for r in rows] == [
        ("x", "y", 7, 2, 20),
        ("github", "bad_signature", 0, 5, 20),
    ]
    assert rows[1].last_detail == "at 20"


def test_a_damaged_or_foreign_payload_is_refused_not_unpacked() -> None:
    good = Compressor()(b"x" * 10_000)
    assert decompress(good, 10_000) == b"x" * 10_000
    assert decompress(Compressor()(b""), 10) == b""
    for bad, limit in ((good, 9_999), (b"", 10), (b"nonsense", 10), (good[:-5], 10_000)):
        with pytest.raises(ValueError, match="the stored payload is"):
            decompress(bad, limit)
