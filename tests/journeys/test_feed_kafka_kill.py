"""kill -9 while changes go into Kafka: none is missed, and those of a record stay in order."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from hookyard.features.records.feeding.jobs import TO_SINK_AT_ONCE
from tests.support.kafka import Got, KafkaCluster
from tests.support.postgres import PostgresServer
from tests.support.processes import ADMIN, starting

RECORDS, EACH = 12, 20
TOTAL = RECORDS * EACH
PATIENCE_S = 120


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    made = KafkaCluster(3)
    made.topic("changes", 4)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest, cluster: KafkaCluster) -> Iterator[dict[str, str]]:
    given = {
        "HOOKYARD_CALLS_PER_SECOND": "0",
        "HOOKYARD_CHANGE_SINKS": "bus=kafka:changes",
        "KAFKA_BOOTSTRAP_SERVERS": cluster.address,
    }
    if request.param == "sqlite":
        yield given
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield given | {"DATABASE_URL": server.url(name)}
    server.drop_database(name)


def http_of(url: object) -> httpx2.Client:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return httpx2.Client(base_url=str(url), headers=headers, trust_env=False, timeout=60)


def write(url: object, record: int, first: int) -> int:
    """Change a record until it has been changed `EACH` times or the server dies; how often."""
    with http_of(url) as http:
        for n in range(first, EACH):
            try:
                done = http.put(f"/v1/users/u{record}", json={"displayName": f"n{n}"})
            except httpx2.HTTPError:
                return n
            assert done.status_code in (200, 201), done.text
    return EACH


def sent_at_least(cluster: KafkaCluster, count: int) -> list[Got]:
    """What is in the topic, once there are so many different changes."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = cluster.read("changes")
        if len({one.seq for one in found}) >= count:
            return found
        assert time.monotonic() < until, f"{len(found)} of {count}"
        time.sleep(0.05)  # why: the cluster gives no sign of what comes in


@pytest.mark.timeout(400)
def test_no_change_is_missed_whenever_the_process_dies(
    tmp_path: Path, cluster: KafkaCluster, environ: dict[str, str]
) -> None:
    with starting(tmp_path) as start, ThreadPoolExecutor(4) as pool:
        first = start("up", "--port", "0", **environ)
        url = first.until("ready")["url"]
        with http_of(url) as http:
            assert http.post("/v1/_subscriptions", json={"sink": "bus"}).status_code == 201
        writing = [pool.submit(write, url, record, 0) for record in range(RECORDS)]
        sent_at_least(cluster, TOTAL // 4)
        first.signal(signal.SIGKILL)
        done = [one.result(PATIENCE_S) for one in writing]
        second = start("up", "--port", "0", **environ)
        url = second.until("ready")["url"]
        again = [pool.submit(write, url, record, done[record]) for record in range(RECORDS)]
        assert [one.result(PATIENCE_S) for one in again] == [EACH] * RECORDS
        with http_of(url) as http:
            head = http.get("/v1/_changes?limit=1").json()["head"]
        found = sent_at_least(cluster, head)
    assert {one.seq for one in found} == set(range(1, head + 1))
    assert TOTAL <= head <= TOTAL + RECORDS
    assert len(found) - head <= TO_SINK_AT_ONCE
    for key in {one.key for one in found}:
        of_one = [one for one in found if one.key == key]
        assert len({one.partition for one in of_one}) == 1
        firsts = list(dict.fromkeys(one.seq for one in of_one))
        assert firsts == sorted(firsts)
