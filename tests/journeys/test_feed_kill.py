"""kill -9 while changes are written, sent on and read: nobody misses one, and repeats are few."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from hookyard.client.changes import Change, ChangeReader, ChangesUnavailable
from hookyard.features.records.feeding.jobs import AT_ONCE
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.processes import ADMIN, Process, starting

WRITERS = 6
EACH = 50
PATIENCE = 120


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(an_installation)
    yield {"DATABASE_URL": server.url(name)}
    server.take_back(name)


class Receiver:
    """A subscriber on a port of its own; it keeps the numbers it was sent, in order."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.arrived:
                    receiver.seqs.append(json.loads(body)["data"]["seq"])
                    receiver.arrived.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def has(self, count: int) -> bool:
        with self.arrived:
            return self.arrived.wait_for(lambda: len(set(self.seqs)) >= count, PATIENCE)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def http_of(url: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=60)


async def write_all(url: str, answered: set[str]) -> None:
    async def writer(http: httpx2.AsyncClient, name: int) -> None:
        for n in range(EACH):
            key = f"k-{name}-{n}"
            if key in answered:
                continue
            body = {"content": key, "conversationId": "c"}
            try:
                found = await http.post("/v1/messages", json=body, headers={"idempotency-key": key})
            except httpx2.HTTPError:
                return
            if found.status_code == 201:
                answered.add(key)

    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=60
    ) as http:
        await asyncio.gather(*(writer(http, name) for name in range(WRITERS)))


def test_no_change_is_missed_whenever_the_process_dies(
    tmp_path: Path, environ: dict[str, str], receiver: Receiver
) -> None:
    given = {
        "HOOKYARD_CALLS_PER_SECOND": "0",
        "HOOKYARD_SUBSCRIBERS_ALLOW": f"127.0.0.1:{receiver.port}",
        **environ,
    }
    answered: set[str] = set()
    read: list[Change] = []
    with starting(tmp_path) as start:
        first: Process = start("up", "--port", "0", **given)
        url = str(first.until("ready")["url"])
        with http_of(url) as http:
            body = {"url": f"http://127.0.0.1:{receiver.port}/in"}
            assert http.post("/v1/_subscriptions", json=body).status_code == 201
        reader = ChangeReader(url, ADMIN, consumer="mirror", limit=20, wait_s=5)
        reader.create()
        writing = threading.Thread(target=lambda: asyncio.run(write_all(url, answered)))
        writing.start()
        assert receiver.has(WRITERS * EACH // 4)
        while len(read) < WRITERS * EACH // 8:
            changes, upto = reader.poll()
            read += changes
            reader.ack(upto)
        unacked, _ = reader.poll()
        first.signal(signal.SIGKILL)
        writing.join(PATIENCE)
        with pytest.raises(ChangesUnavailable):
            reader.ack(unacked[-1].seq)
        reader.close()
        second: Process = start("up", "--port", "0", **given)
        url = str(second.until("ready")["url"])
        asyncio.run(write_all(url, answered))
        total = WRITERS * EACH
        assert len(answered) == total
        stop = threading.Event()

        def keep(change: Change) -> None:
            read.append(change)
            if change.seq == total:
                stop.set()

        with ChangeReader(url, ADMIN, consumer="mirror", limit=50, wait_s=5) as again:
            again.run(keep, stop)
            with http_of(url) as http:
                assert http.get("/v1/_consumers/mirror").json()["lag"] == 0
        assert receiver.has(total)
    assert [one.seq for one in read] == list(range(1, total + 1))
    assert {str((one.after or {})["content"]) for one in read} == answered
    firsts = list(dict.fromkeys(receiver.seqs))
    assert firsts == list(range(1, total + 1))
    assert len(receiver.seqs) - total <= AT_ONCE
