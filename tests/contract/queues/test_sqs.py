"""What only SQS can get wrong: missing queues, groups that hold back, dead letters."""

import asyncio
import json
from dataclasses import replace

import pytest

from hookyard.adapters.queues.backends.sqs import SqsBroker
from hookyard.adapters.queues.port import Pointer
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Unavailable
from hookyard.settings import LANES
from tests.contract.queues.conftest import SqsHarness

POINTERS = [Pointer(f"job-{n}", "default", n) for n in range(12)]


async def test_a_missing_queue_is_named(sqs_harness: SqsHarness) -> None:
    options = replace(sqs_harness.options, prefix="nobody-made-this")
    broker = SqsBroker(options, SystemClock(), lanes=LANES)
    try:
        for call in (broker.publish(POINTERS), broker.receive(LANES, 1, 5.0), broker.probe()):
            with pytest.raises(Unavailable, match="there is no queue nobody-made-this-"):
                await call
    finally:
        await broker.close()


async def test_queues_are_found_by_address_too(sqs_harness: SqsHarness) -> None:
    options = replace(sqs_harness.options, prefix="nobody-made-this", urls=sqs_harness.urls)
    broker = SqsBroker(options, SystemClock(), lanes=LANES)
    try:
        await broker.publish(POINTERS[:1])
        [found] = await broker.receive(("default",), 1, 5.0)
        assert found.pointer == POINTERS[0]
        await broker.acknowledge([found])
    finally:
        await broker.close()


async def test_a_pointer_in_hand_holds_no_other_job_back(sqs_harness: SqsHarness) -> None:
    broker = await sqs_harness.open()
    await broker.publish(POINTERS)
    seen: set[Pointer] = set()
    async with asyncio.timeout(20):
        while len(seen) < len(POINTERS):
            seen |= {item.pointer for item in await broker.receive(LANES, 1, 1.0)}
    assert seen == set(POINTERS)


async def test_a_pointer_nobody_lets_go_of_ends_among_the_dead_letters(
    sqs_harness: SqsHarness,
) -> None:
    suffix = ".fifo" if sqs_harness.options.is_fifo else ""
    attributes = {"FifoQueue": "true"} if suffix else {}
    made = await sqs_harness.raw.create_queue(  # type: ignore[attr-defined]
        QueueName=f"{sqs_harness.options.prefix}-dead{suffix}", Attributes=attributes
    )
    found = await sqs_harness.raw.get_queue_attributes(
        QueueUrl=made["QueueUrl"], AttributeNames=["QueueArn"]
    )
    policy = {"deadLetterTargetArn": found["Attributes"]["QueueArn"], "maxReceiveCount": "1"}  # type: ignore[index,call-overload]
    await sqs_harness.raw.set_queue_attributes(  # type: ignore[attr-defined]
        QueueUrl=sqs_harness.urls["default"], Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    broker = await sqs_harness.open()
    await broker.publish(POINTERS[:1])
    assert await broker.receive(LANES, 1, 5.0)
    async with asyncio.timeout(20):
        while await broker.depth("default"):
            assert await broker.receive(LANES, 1, 0.2) == []
    await broker.publish(POINTERS[1:2])
    [other] = await broker.receive(LANES, 1, 5.0)
    assert other.pointer == POINTERS[1]
