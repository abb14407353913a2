"""Changes into Kafka: contents, order, what is confirmed, what comes again, what is never taken.

The cluster is the one that librdkafka simulates.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from hookyard.adapters.queues.backends.kafka_changes import KafkaChanges
from hookyard.adapters.queues.backends.kafka_options import KafkaOptions
from hookyard.adapters.queues.changes import ChangeMessage, ChangeRefused
from hookyard.entrypoints.cli.doctor.broker import sinks as examine
from hookyard.entrypoints.cli.doctor.model import Level
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Unavailable
from hookyard.kit.secret import Secret
from hookyard.settings import load_settings
from tests.support.brokers import free_port
from tests.support.kafka import Got, KafkaCluster

RECORDS = 7
PATIENCE_S = 60.0


def message(seq: int, text: str = "", tenant: str = "acme") -> ChangeMessage:
    payload = f'{{"op":"c","before":null,"after":{{"id":"ü","text":"{text}"}}}}'
    return ChangeMessage(
        tenant, seq, f"r{seq}", "users", f"u{seq % RECORDS}:ü", "created",
        "2026-01-01T00:00:00.000Z", payload,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    made = KafkaCluster()
    yield made
    made.close()


@pytest.fixture
def topic(cluster: KafkaCluster) -> Iterator[str]:
    yield cluster.topic(f"changes-{secrets.token_hex(4)}")
    cluster.forgive()
    cluster.delay(0)
    cluster.up()


@pytest.fixture
async def sink(cluster: KafkaCluster, topic: str) -> AsyncIterator[KafkaChanges]:
    made = a_sink(cluster, topic)
    yield made
    await made.close()


def a_sink(cluster: KafkaCluster, topic: str, max_message: int = 1_000_000) -> KafkaChanges:
    """One that is patient; a test that waits for a failure gives it less time for that."""
    options = KafkaOptions((cluster.address,), max_message=max_message)
    return KafkaChanges(options, topic, SystemClock(), send_s=PATIENCE_S)


async def fails(sink: KafkaChanges, messages: list[ChangeMessage], why: str = "kafka: ") -> None:
    """Send what cannot be confirmed."""
    sink.send_s = 1.5
    with pytest.raises(Unavailable, match=why):
        await sink.send(messages)
    sink.send_s = PATIENCE_S


def by_record(found: list[Got]) -> dict[str, list[int]]:
    """The numbers of each record, as they lie in the topic."""
    seqs: dict[str, list[int]] = {}
    for one in found:
        seqs.setdefault(one.key, []).append(one.seq)
    return seqs


def in_order(found: list[Got], seqs: range) -> None:
    """Every change is there, and those of a record come for the first time in their order."""
    assert {one.seq for one in found} == set(seqs)
    for of_one in by_record(found).values():
        firsts = list(dict.fromkeys(of_one))
        assert firsts == sorted(firsts)


async def read(cluster: KafkaCluster, topic: str) -> list[Got]:
    return await asyncio.to_thread(cluster.read, topic)


async def test_a_message_is_a_cloud_event_with_debeziums_names(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    await sink.send([message(1)])
    [found] = await read(cluster, topic)
    assert found.key == "acme/users/u1:ü"
    payload = {"op": "c", "before": None, "after": {"id": "ü", "text": ""}}
    assert found.value == message(1).fields() | {"seq": 1, "payload": payload}
    assert set(found.value) >= {"id", "aggregatetype", "aggregateid", "type", "payload"}
    assert found.headers == {
        "id": "r1",
        "type": "created",
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": "acme/1",
        "ce_source": "/tenants/acme/changes",
        "ce_type": "hookyard.records.users.created",
        "ce_subject": "users/u1:ü",
        "ce_time": "2026-01-01T00:00:00.000Z",
        "ce_sequence": "00000000000000000001",
    }


async def test_the_changes_of_a_record_lie_in_one_partition_in_order(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    await sink.send([])
    for start in range(1, 1001, 200):
        await sink.send([message(n) for n in range(start, start + 200)])
    found = await read(cluster, topic)
    assert sorted(one.seq for one in found) == list(range(1, 1001))
    in_order(found, range(1, 1001))
    places = {(one.key, one.partition) for one in found}
    assert len(places) == RECORDS
    assert len({partition for _, partition in places}) > 1


async def test_senders_at_once_each_keep_their_order(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    async def send(tenant: str) -> None:
        for start in (1, 101):
            await sink.send([message(n, tenant=tenant) for n in range(start, start + 100)])

    await asyncio.gather(*(send(f"t{n}") for n in range(6)))
    found = await read(cluster, topic)
    assert len(found) == 1200
    for n in range(6):
        in_order([one for one in found if one.value["tenant"] == f"t{n}"], range(1, 201))


async def test_nothing_counts_as_sent_before_it_is_confirmed(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    cluster.answer([KafkaError.NOT_ENOUGH_REPLICAS] * 1000)
    await fails(sink, [message(n) for n in range(1, 51)])
    assert await read(cluster, topic) == []
    cluster.forgive()
    await sink.send([message(n) for n in range(1, 51)])
    found = await read(cluster, topic)
    assert len(found) == 50
    in_order(found, range(1, 51))


async def test_what_a_broker_is_late_with_comes_again_and_in_order(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    await sink.send([message(1)])
    cluster.delay(3_000)
    await fails(sink, [message(n) for n in range(2, 102)])
    cluster.delay(0)
    await sink.send([message(n) for n in range(2, 202)])
    found = await read(cluster, topic)
    in_order(found, range(1, 202))
    assert 201 < len(found) <= 301


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([KafkaError.NOT_LEADER_FOR_PARTITION, 0, KafkaError.NOT_ENOUGH_REPLICAS], True),
        # why: nobody says whether what was cut off was kept, and the simulated cluster does not
        # look for repeats, which a real one does.
        ([KafkaError._TRANSPORT, 0, KafkaError._TRANSPORT], False),
        ([KafkaError.REQUEST_TIMED_OUT] * 3, True),
    ],
    ids=["leader", "cut", "late"],
)
async def test_what_passes_is_waited_for(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str, errors: list[int], *, told: bool
) -> None:
    cluster.answer(errors)
    await sink.send([message(n) for n in range(1, 201)])
    await sink.send([message(n) for n in range(201, 401)])
    found = await read(cluster, topic)
    in_order(found, range(1, 401))
    assert len(found) == 400 if told else len(found) >= 400


async def test_brokers_that_are_not_reached_are_named_by_their_setting_and_found_again(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    await sink.send([message(1)])
    cluster.down()
    for _ in range(2):
        await fails(sink, [message(2), message(3)], "check HOOKYARD_KAFKA_BROKERS")
    cluster.up()
    await sink.send([message(2), message(3)])
    found = await read(cluster, topic)
    assert sorted(one.seq for one in found) == [1, 2, 3]


async def test_who_gives_up_waiting_leaves_nothing_that_arrives_later(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    await sink.send([message(1)])
    cluster.down()
    left = asyncio.create_task(sink.send([message(n) for n in range(2, 50)]))
    other = asyncio.create_task(sink.send([message(n, tenant="other") for n in range(1, 5)]))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(Unavailable, match="given up"):
        await other
    cluster.up()
    await sink.send([message(100)])
    assert sorted(one.seq for one in await read(cluster, topic)) == [1, 100]


async def test_a_change_that_is_too_large_is_refused_after_all_before_it(
    cluster: KafkaCluster, topic: str
) -> None:
    sink = a_sink(cluster, topic, 20_000)
    with pytest.raises(ChangeRefused, match="over 20000 bytes") as refused:
        await sink.send(
            [message(1), message(2, "x" * 15_000), message(3, "x" * 20_000), message(4)]
        )
    assert refused.value.seq == 3
    assert sorted(one.seq for one in await read(cluster, topic)) == [1, 2]
    with pytest.raises(ChangeRefused):
        await sink.send([message(3, "x" * 20_000)])
    await sink.send([message(4)])
    await sink.close()


async def test_what_the_broker_never_takes_is_found_in_its_batch(cluster: KafkaCluster) -> None:
    topic = cluster.topic(f"changes-{secrets.token_hex(4)}", 1)
    sink = a_sink(cluster, topic)
    large = KafkaError.MSG_SIZE_TOO_LARGE
    cluster.answer([large, 0, large, large])
    with pytest.raises(ChangeRefused, match="MSG_SIZE_TOO_LARGE") as refused:
        await sink.send([message(n) for n in range(1, 5)])
    assert refused.value.seq == 3
    assert [one.seq for one in await read(cluster, topic)] == [1, 2]
    await sink.send([message(4)])
    assert [one.seq for one in await read(cluster, topic)] == [1, 2, 4]
    await sink.close()


async def test_a_password_is_not_told(cluster: KafkaCluster, topic: str) -> None:
    options = KafkaOptions(
        (f"127.0.0.1:{free_port()}",), "sasl_plaintext", "PLAIN", "planted-user",
        Secret("planted-password"),
    )  # fmt: skip
    sink = KafkaChanges(options, topic, SystemClock(), send_s=1.0)
    with pytest.raises(Unavailable) as refused:
        await sink.send([message(1)])
    assert "planted" not in str(refused.value)
    assert "planted-password" not in repr(options) + repr(vars(sink))
    await sink.close()


async def test_a_topic_that_is_not_there_is_named_and_waited_for(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    cluster.hide(topic, KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(Unavailable, match=f"there is no topic {topic}"):
        await sink.send([message(1)])
    cluster.hide(topic, 0)
    await sink.send([message(1)])
    assert [one.seq for one in await read(cluster, topic)] == [1]


async def test_a_topic_that_we_may_not_write_to_is_named(
    sink: KafkaChanges, cluster: KafkaCluster, topic: str
) -> None:
    cluster.answer([KafkaError.TOPIC_AUTHORIZATION_FAILED])
    with pytest.raises(Unavailable, match=f"may not write to topic {topic}"):
        await sink.send([message(1), message(2)])
    await sink.send([message(1), message(2)])
    in_order(await read(cluster, topic), range(1, 3))


async def test_the_doctor_reaches_the_topic_and_says_what_is_wrong(
    cluster: KafkaCluster, topic: str, tmp_path: Path
) -> None:
    async def told(topic: str, address: str) -> tuple[Level, str, str]:
        sinks = f"bus=kafka:{topic}"
        environ = {"HOOKYARD_CHANGE_SINKS": sinks, "HOOKYARD_KAFKA_BROKERS": address}
        [found] = await examine(load_settings(environ, folder=tmp_path), environ, SystemClock())
        return found.level, found.detail, found.name

    reached = (Level.OK, f"kafka:{topic} is reached", "change sink bus")
    assert await told(topic, cluster.address) == reached
    level, why, _ = await told("nowhere", cluster.address)
    assert (level, "there is no topic nowhere: make it" in why) == (Level.BAD, True)
    level, why, _ = await told(topic, f"127.0.0.1:{free_port()}")
    assert (level, "check HOOKYARD_KAFKA_BROKERS" in why) == (Level.BAD, True)
