"""Changes into real sinks: order, names, repeats, what is too large, what is not reached."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from hookyard.adapters.queues.backends.redis_changes import RedisChanges
from hookyard.adapters.queues.backends.sqs import SqsOptions
from hookyard.adapters.queues.backends.sqs import made as opened
from hookyard.adapters.queues.backends.sqs_changes import MOST_BYTES, SqsChanges
from hookyard.adapters.queues.changes import ChangeMessage, ChangeRefused
from hookyard.kit.errors import Unavailable
from hookyard.kit.secret import Secret
from tests.support.brokers import ValkeyServer, free_port


def message(seq: int, text: str = "") -> ChangeMessage:
    payload = json.dumps({"op": "c", "before": None, "after": {"id": "u", "text": text}})
    return ChangeMessage(
        "acme", seq, f"r{seq}", "users", f"u{seq % 3}:ü", "created", "2026-01-01T00:00:00.000Z",
        payload,
    )  # fmt: skip


async def test_entries_of_a_stream_are_in_order_and_have_debeziums_names(
    valkey: ValkeyServer,
) -> None:
    stream = f"changes-{secrets.token_hex(4)}"
    sink = RedisChanges(valkey.url, stream)
    raw: Redis = Redis.from_url(valkey.url, decode_responses=True, protocol=2)
    try:
        await sink.send([message(n) for n in range(1, 251)])
        await sink.send([message(250), message(251)])
        await sink.probe()
        found = [fields for _, fields in await raw.xrange(stream)]
        assert [int(one["seq"]) for one in found] == [*range(1, 251), 250, 251]
        assert found[0] == message(1).fields()
        assert set(found[0]) >= {"id", "aggregatetype", "aggregateid", "type", "payload"}
    finally:
        await raw.delete(stream)
        await raw.aclose()
        await sink.close()


async def test_a_stream_is_cut_at_about_what_is_kept(valkey: ValkeyServer) -> None:
    stream = f"changes-{secrets.token_hex(4)}"
    sink = RedisChanges(valkey.url, stream, keep=100)
    raw: Redis = Redis.from_url(valkey.url, decode_responses=True, protocol=2)
    try:
        for start in range(0, 1000, 200):
            await sink.send([message(n) for n in range(start, start + 200)])
        assert 100 <= await raw.xlen(stream) < 400
    finally:
        await raw.delete(stream)
        await raw.aclose()
        await sink.close()


async def test_a_redis_that_is_not_reached_is_unavailable_and_keeps_its_address_to_itself() -> None:
    sink = RedisChanges(f"redis://:planted-password@127.0.0.1:{free_port()}/0", "s")
    for call in (sink.send([message(1)]), sink.probe()):
        with pytest.raises(Unavailable) as refused:
            await call
        assert "planted" not in str(refused.value)
    await sink.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


def options(port: int) -> SqsOptions:
    return SqsOptions(
        region="eu-west-1", endpoint=f"http://127.0.0.1:{port}", access_key_id="test",
        secret_access_key=Secret("test"),
    )  # fmt: skip


@pytest.mark.parametrize("is_fifo", [False, True])
async def test_messages_of_a_queue_carry_every_change(
    moto_port: int, stack: AsyncExitStack, *, is_fifo: bool
) -> None:
    raw = await stack.enter_async_context(opened(options(moto_port)))
    name = f"changes-{secrets.token_hex(4)}" + (".fifo" if is_fifo else "")
    attributes = {"FifoQueue": "true"} if is_fifo else {}
    made = await raw.create_queue(QueueName=name, Attributes=attributes)  # type: ignore[attr-defined]
    url = str(made["QueueUrl"])
    sink = SqsChanges(options(moto_port), url)
    stack.push_async_callback(sink.close)
    await sink.send([message(n) for n in range(1, 24)])
    await sink.send([message(23)])
    await sink.probe()
    seqs: list[int] = []
    while True:
        got = await raw.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        batch = got.get("Messages")
        if not batch:
            break
        for one in batch:  # type: ignore[union-attr]
            body = json.loads(one["Body"])  # type: ignore[index, call-overload, arg-type]
            assert body["payload"]["after"] == {"id": "u", "text": ""}
            seqs.append(body["seq"])
        entries = [
            {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]}  # type: ignore[index, call-overload]
            for n, one in enumerate(batch)  # type: ignore[arg-type]
        ]
        await raw.delete_message_batch(QueueUrl=url, Entries=entries)
    assert sorted(set(seqs)) == list(range(1, 24))
    assert len(seqs) == (23 if is_fifo else 24)


async def test_what_a_queue_never_takes_is_refused_after_all_before_it_was_sent(
    moto_port: int, stack: AsyncExitStack
) -> None:
    raw = await stack.enter_async_context(opened(options(moto_port)))
    made = await raw.create_queue(QueueName=f"changes-{secrets.token_hex(4)}")  # type: ignore[attr-defined]
    url = str(made["QueueUrl"])
    sink = SqsChanges(options(moto_port), url)
    stack.push_async_callback(sink.close)
    with pytest.raises(ChangeRefused) as refused:
        await sink.send([message(1), message(2, "x" * MOST_BYTES), message(3)])
    assert refused.value.seq == 2
    got = await raw.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert [json.loads(one["Body"])["seq"] for one in got["Messages"]] == [1]  # type: ignore[index, union-attr, call-overload, arg-type]


async def test_a_queue_that_is_not_there_is_unavailable(
    moto_port: int, stack: AsyncExitStack
) -> None:
    sink = SqsChanges(options(moto_port), f"http://127.0.0.1:{moto_port}/123456789012/nothing")
    stack.push_async_callback(sink.close)
    for call in (sink.send([message(1)]), sink.probe()):
        with pytest.raises(Unavailable):
            await call
