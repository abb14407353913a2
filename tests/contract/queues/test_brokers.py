"""What every broker promises, and no more: pointers come, and come again until acknowledged."""

import asyncio

import pytest

from hookyard.adapters.queues.port import Broker, Pointer, Received
from hookyard.kit.errors import Unavailable
from hookyard.settings import LANES
from tests.contract.queues.conftest import Harness

WAIT_S = 5.0
SHORT_S = 0.2


def pointers(count: int, lane: str = "default") -> list[Pointer]:
    """So many different ones."""
    return [Pointer(f"job-{lane}-{n}", lane, 1_700_000_000_000 + n) for n in range(count)]


async def receive_all(broker: Broker, count: int, lanes: tuple[str, ...] = LANES) -> list[Received]:
    """At least so many, however they are handed out."""
    found: list[Received] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await broker.receive(lanes, 10, SHORT_S)
    return found


async def is_empty(broker: Broker, lanes: tuple[str, ...] = LANES) -> bool:
    """Nothing comes within a short wait."""
    return not await broker.receive(lanes, 10, SHORT_S)


async def test_what_is_published_arrives_whole(harness: Harness) -> None:
    broker = await harness.open()
    sent = [pointer for lane in LANES for pointer in pointers(3, lane)]
    await broker.publish(sent)
    found = await receive_all(broker, len(sent))
    assert {item.pointer for item in found} == set(sent)
    assert len(found) == len(sent)


async def test_what_is_acknowledged_does_not_come_again(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish(pointers(12))
    found = await receive_all(broker, 12)
    assert await broker.depth("default") == 12
    await broker.acknowledge(found)
    assert await broker.depth("default") == 0
    assert await is_empty(broker)


async def test_what_is_not_acknowledged_comes_again_to_another(harness: Harness) -> None:
    broker, other = await harness.open("one"), await harness.open("two")
    await broker.publish(pointers(2))
    first = await receive_all(broker, 2)
    await broker.close() if broker is not other else None
    again = await receive_all(other, 2)
    assert {item.pointer for item in again} == {item.pointer for item in first}
    await other.acknowledge(again)
    assert await other.depth("default") == 0


async def test_no_more_than_asked_for_is_handed_out(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish([*pointers(4, "high"), *pointers(4, "bulk")])
    seen = []
    for at_most in (1, 2, 3):
        found = await broker.receive(LANES, at_most, WAIT_S)
        assert 1 <= len(found) <= at_most
        await broker.acknowledge(found)
        seen += found
    rest = await receive_all(broker, 8 - len(seen))
    assert len({item.pointer for item in [*seen, *rest]}) == 8


async def test_lanes_that_are_not_asked_for_are_left_alone(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish([*pointers(2, "critical"), *pointers(2, "bulk")])
    found = await receive_all(broker, 2, ("bulk", "default"))
    assert {item.pointer.lane for item in found} == {"bulk"}
    assert await broker.depth("critical") == 2


async def test_lanes_are_read_in_the_order_given(harness: Harness) -> None:
    if not harness.keeps_order:
        pytest.skip("each lane of SQS is polled by itself")
    broker = await harness.open()
    await broker.publish([*pointers(2, "critical"), *pointers(2, "bulk")])
    found = await broker.receive(("bulk", "critical"), 3, WAIT_S)
    assert [item.pointer.lane for item in found] == ["bulk", "bulk", "critical"]


async def test_a_wait_ends_when_a_pointer_comes(harness: Harness) -> None:
    broker, sender = await harness.open("one"), await harness.open("two")
    assert await is_empty(broker)
    waiting = asyncio.create_task(broker.receive(LANES, 4, 15.0))
    await asyncio.wait({waiting}, timeout=0.1)
    assert not waiting.done()
    loop = asyncio.get_running_loop()
    started = loop.time()
    await sender.publish(pointers(1, "bulk"))
    found = await waiting
    assert [item.pointer for item in found] == pointers(1, "bulk")
    assert loop.time() - started < 3.0


async def test_a_pointer_sent_twice_does_no_harm(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish(pointers(1))
    await broker.publish(pointers(1))
    wanted = 1 if harness.swallows_doubles else 2
    found = await receive_all(broker, wanted)
    assert {item.pointer for item in found} == set(pointers(1))
    await broker.acknowledge(found)
    assert await broker.depth("default") == 0


async def test_acknowledging_twice_does_no_harm(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish(pointers(1))
    found = await receive_all(broker, 1)
    await broker.acknowledge(found)
    await broker.acknowledge(found)
    assert await is_empty(broker)


async def test_it_works_on_after_it_was_emptied(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish(pointers(2))
    held = await receive_all(broker, 2)
    await broker.publish(pointers(3, "high"))
    await harness.flush()
    await broker.acknowledge(held)
    assert await broker.depth("high") == 0
    waiting = asyncio.create_task(receive_all(broker, 1))
    await asyncio.wait({waiting}, timeout=0.1)
    await broker.publish(pointers(1, "high"))
    assert (await waiting)[0].pointer == pointers(1, "high")[0]


async def test_it_works_on_when_emptied_under_a_waiting_reader(harness: Harness) -> None:
    broker, other = await harness.open("one"), await harness.open("two")
    assert await is_empty(broker)
    waiting = asyncio.create_task(receive_all(broker, 1))
    await asyncio.wait({waiting}, timeout=0.1)
    await harness.flush()
    await other.publish(pointers(1))
    assert (await waiting)[0].pointer == pointers(1)[0]


async def test_a_stray_entry_is_taken_away(harness: Harness) -> None:
    broker = await harness.open()
    await harness.stray("high")
    found = await receive_all(broker, 1)
    assert [(item.pointer.job_id, item.pointer.lane) for item in found] == [("", "high")]
    await broker.acknowledge(found)
    assert await broker.depth("high") == 0


async def test_unreachable_is_said_at_once_and_mended_by_itself(harness: Harness) -> None:
    broker = await harness.open()
    await broker.publish(pointers(1))
    found = await receive_all(broker, 1)
    await harness.cut()
    async with asyncio.timeout(20):
        for call in (
            lambda: broker.publish(pointers(2)),
            lambda: broker.receive(LANES, 1, 15.0),
            lambda: broker.acknowledge(found),
            lambda: broker.depth("default"),
            broker.probe,
        ):
            with pytest.raises(Unavailable):
                await call()
    await harness.mend()
    await broker.publish(pointers(1, "critical"))
    again = await receive_all(broker, 1, ("critical",))
    assert again[0].pointer == pointers(1, "critical")[0]


async def test_a_reader_that_waits_hears_of_the_break(harness: Harness) -> None:
    broker = await harness.open()
    assert await is_empty(broker)
    waiting = asyncio.create_task(broker.receive(LANES, 1, 1.0))
    await asyncio.wait({waiting}, timeout=0.1)
    await harness.cut()
    with pytest.raises(Unavailable):
        async with asyncio.timeout(10):
            await waiting
            await broker.receive(LANES, 1, 1.0)


async def test_the_probe_names_the_engine(harness: Harness) -> None:
    health = await (await harness.open()).probe()
    assert health.engine in {"memory", "valkey", "redis", "sqs"}
    assert health.latency_ms >= 0
