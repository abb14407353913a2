"""kill -9 in the middle of an import: sent again under its key, each line has one effect."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.processes import ADMIN, Process, starting

LINES = 4_000
HEADERS = {
    "authorization": f"Bearer {ADMIN}",
    "content-type": "application/x-ndjson",
    "idempotency-key": "import-7",
}


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(an_installation)
    yield {"DATABASE_URL": server.url(name)}
    server.take_back(name)


def pieces() -> Iterator[bytes]:
    for start in range(0, LINES, 100):
        yield b"".join(b'{"content": "c%05d", "conversationId": "c"}\n' % n
                       for n in range(start, start + 100))  # fmt: skip


def head(http: httpx2.Client) -> int:
    found: int = http.get("/v1/_changes", params={"limit": 1}).json()["head"]
    return found


def test_an_import_that_was_killed_goes_on(tmp_path: Path, environ: dict[str, str]) -> None:
    given = {"HOOKYARD_CALLS_PER_SECOND": "0", **environ}
    with starting(tmp_path) as start:
        first: Process = start("up", "--port", "0", "--no-worker", **given)
        url = str(first.until("ready")["url"])
        some_are_in, over = threading.Event(), threading.Event()

        def slowly() -> Iterator[bytes]:
            for number, piece in enumerate(pieces()):
                if number == LINES // 200:
                    # the rest waits for the blow
                    some_are_in.set()
                    over.wait(120)
                yield piece

        def send() -> None:
            with (
                httpx2.Client(base_url=url, trust_env=False, timeout=120) as http,
                pytest.raises(httpx2.HTTPError),
            ):
                http.post("/v1/messages/_import", content=slowly(), headers=HEADERS)

        sending = threading.Thread(target=send)
        sending.start()
        assert some_are_in.wait(120)
        bearer = {"authorization": f"Bearer {ADMIN}"}
        with httpx2.Client(base_url=url, headers=bearer, trust_env=False, timeout=60) as http:
            for _ in range(10_000):
                before = head(http)
                if before:
                    break
        assert 0 < before < LINES
        first.signal(signal.SIGKILL)
        over.set()
        sending.join(120)
        second: Process = start("up", "--port", "0", "--no-worker", **given)
        url = str(second.until("ready")["url"])
        with httpx2.Client(base_url=url, headers=bearer, trust_env=False, timeout=120) as http:
            kept = head(http)
            assert kept >= before
            assert kept % 200 == 0
            report = http.post("/v1/messages/_import", content=pieces(), headers=HEADERS).json()
            assert (report["created"], report["failed"]) == (LINES, 0)
            assert report["replayed"] == kept
            assert head(http) == LINES
            lines = http.get("/v1/messages/_export", params={"select": "content"}).text
        assert sorted(lines.splitlines()) == [f'{{"content":"c{n:05}"}}' for n in range(LINES)]
