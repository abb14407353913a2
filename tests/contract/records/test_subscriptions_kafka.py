"""Subscriptions that send into Kafka: the place in the feed follows what brokers have confirmed."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from hookyard.adapters.queues.backends.kafka_changes import KafkaChanges
from hookyard.adapters.queues.backends.kafka_options import KafkaOptions
from hookyard.features.records.feeding.jobs import TO_SINK_AT_ONCE
from hookyard.kit.clock import SystemClock
from tests.contract.records.conftest import Place
from tests.contract.records.test_subscriptions import show, users
from tests.support.kafka import KafkaCluster
from tests.support.subscribers import Stage, whole

MOST_BYTES = 20_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    made = KafkaCluster()
    yield made
    made.close()


@pytest.fixture
def topic(cluster: KafkaCluster) -> Iterator[str]:
    yield cluster.topic(f"changes-{secrets.token_hex(4)}")
    cluster.forgive()
    cluster.up()


@pytest.fixture
async def stage(
    place: Place, tmp_path: Path, cluster: KafkaCluster, topic: str
) -> AsyncIterator[Stage]:
    options = KafkaOptions((cluster.address,), max_message=MOST_BYTES)
    sink = KafkaChanges(options, topic, SystemClock(), send_s=2.0)
    clock, ids = place.clock, place.ids
    yield Stage(place.database, place.records, clock, ids, tmp_path, {"bus": sink})
    await sink.close()


async def subscribe(place: Place) -> str:
    made = await place.call("POST", "/v1/_subscriptions", b'{"sink":"bus"}')
    assert made.status == 201
    return str(json.loads(made.body)["id"])


def seqs(cluster: KafkaCluster, topic: str) -> list[int]:
    return [one.seq for one in cluster.read(topic)]


async def test_changes_are_sent_and_acknowledged(
    place: Place, stage: Stage, cluster: KafkaCluster, topic: str
) -> None:
    one = await subscribe(place)
    await users(place, 30)
    await stage.settle()
    found = cluster.read(topic)
    assert sorted(got.seq for got in found) == list(range(1, 31))
    feed = json.loads((await place.call("GET", "/v1/_changes?limit=1")).body)["items"][0]
    [first] = [got for got in found if got.seq == 1]
    assert first.value == {
        name: feed[name]
        for name in ("seq", "id", "aggregatetype", "aggregateid", "type", "at", "payload")
    } | {"tenant": "acme"}
    assert first.headers["id"] == feed["id"]
    assert (await show(place, one))["acked"] == 30


async def test_while_brokers_are_away_changes_wait_and_none_is_lost(
    place: Place, stage: Stage, cluster: KafkaCluster, topic: str
) -> None:
    one = await subscribe(place)
    await users(place, 5)
    await stage.settle()
    cluster.down()
    await users(place, 5, 5)
    for _ in range(2):
        await stage.work()
        shown = await show(place, one)
        assert (shown["acked"], shown["state"], shown["undelivered"]) == (5, "active", 0)
        assert shown["last_error"] == "the sink is not reached"
        place.clock.advance(3_600)
    cluster.up()
    await stage.settle(3_600)
    assert whole(seqs(cluster, topic)) == list(range(1, 11))
    shown = await show(place, one)
    assert (shown["acked"], shown["last_error"]) == (10, "")


async def test_the_place_does_not_move_before_brokers_have_confirmed(
    place: Place, stage: Stage, cluster: KafkaCluster, topic: str
) -> None:
    one = await subscribe(place)
    await users(place, 5)
    cluster.answer([KafkaError.NOT_ENOUGH_REPLICAS] * 1000)
    await stage.work()
    assert (await show(place, one))["acked"] == 0
    assert seqs(cluster, topic) == []
    cluster.forgive()
    await stage.settle(3_600)
    assert sorted(seqs(cluster, topic)) == [1, 2, 3, 4, 5]
    assert (await show(place, one))["acked"] == 5


@pytest.mark.parametrize("dies_at", [1, 2, None])
async def test_a_crash_after_sending_repeats_but_never_skips(
    place: Place, stage: Stage, cluster: KafkaCluster, topic: str, dies_at: int | None
) -> None:
    one = await subscribe(place)
    await users(place, 25)
    await stage.work(dies_at=dies_at, dies_at_end=dies_at is None)
    sent = seqs(cluster, topic)
    await users(place, 5, 25)
    await stage.settle(3_600)
    found = cluster.read(topic)
    assert whole([got.seq for got in found]) == list(range(1, 31))
    assert len(found) - 30 <= min(len(sent), TO_SINK_AT_ONCE)
    for key in {got.key for got in found}:
        firsts = list(dict.fromkeys(got.seq for got in found if got.key == key))
        assert firsts == sorted(firsts)
    assert (await show(place, one))["acked"] == 30


async def test_what_is_too_large_is_set_aside_and_the_next_is_sent(
    place: Place, stage: Stage, cluster: KafkaCluster, topic: str
) -> None:
    one = await subscribe(place)
    await users(place, 2)
    large = json.dumps({"content": "x" * MOST_BYTES, "conversationId": "c"}).encode()
    await place.call("POST", "/v1/messages", large)
    await users(place, 2, 2)
    await stage.settle(3_600)
    assert sorted(seqs(cluster, topic)) == [1, 2, 4, 5]
    path = f"/v1/_subscriptions/{one}/undelivered"
    [aside] = json.loads((await place.call("GET", path)).body)["items"]
    assert (aside["seq"], aside["reason"]) == (3, f"it is over {MOST_BYTES} bytes")
    assert (await show(place, one))["acked"] == 5
