"""kill -9 in the middle of writes: keys and effects stay together, and the feed stays whole."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.processes import ADMIN, Process, starting

WRITERS = 8
EACH = 60


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(an_installation)
    yield {"DATABASE_URL": server.url(name)}
    server.take_back(name)


async def send_all(url: str, answered: dict[str, str], enough: threading.Event | None) -> None:
    """Send every request that has no answer yet; `enough` is set once some have one."""

    async def writer(http: httpx2.AsyncClient, name: int) -> None:
        for n in range(EACH):
            key = f"k-{name}-{n}"
            if key in answered:
                continue
            body: dict[str, object] = {"content": key, "conversationId": "c"}
            path = "/v1/messages"
            if n % 3 == 2:
                create = {"op": "create", "entity": "messages", "data": body}
                body, path = {"operations": [create, create]}, "/v1/_transact"
            try:
                found = await http.post(path, json=body, headers={"idempotency-key": key})
            except httpx2.HTTPError:
                return
            if found.status_code in (200, 201):
                answered[key] = found.text
            if enough is not None and len(answered) >= WRITERS * EACH // 4:
                enough.set()

    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=60
    ) as http:
        await asyncio.gather(*(writer(http, name) for name in range(WRITERS)))


def test_each_key_has_one_effect_whenever_the_process_dies(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    answered: dict[str, str] = {}
    given = {"HOOKYARD_CALLS_PER_SECOND": "0", **environ}
    with starting(tmp_path) as start:
        first: Process = start("up", "--port", "0", "--no-worker", **given)
        url = str(first.until("ready")["url"])
        enough = threading.Event()
        sending = threading.Thread(target=lambda: asyncio.run(send_all(url, answered, enough)))
        sending.start()
        assert enough.wait(60)
        first.signal(signal.SIGKILL)
        sending.join(120)
        before = dict(answered)
        assert before
        second: Process = start("up", "--port", "0", "--no-worker", **given)
        url = str(second.until("ready")["url"])
        asyncio.run(send_all(url, answered, None))
        assert len(answered) == WRITERS * EACH
        check(url, answered, before)


def check(url: str, answered: dict[str, str], before: dict[str, str]) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    with httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as http:
        key, text = next((k, t) for k, t in before.items() if not k.endswith(("2", "5", "8")))
        body = {"content": key, "conversationId": "c"}
        again = http.post("/v1/messages", json=body, headers={"idempotency-key": key})
        if int(key.rpartition("-")[2]) % 3 != 2:
            assert (again.text, again.headers["x-idempotent-replay"]) == (text, "true")
        told: list[dict[str, object]] = []
        while True:
            page = http.get("/v1/_changes", params={"after": len(told), "limit": 500}).json()
            told += page["items"]
            if not page["items"]:
                break
        rows: list[dict[str, object]] = []
        cursor = {}
        while True:
            listed = http.get("/v1/messages", params={"limit": 200, **cursor}).json()
            rows += listed["items"]
            if listed["next_cursor"] is None:
                break
            cursor = {"cursor": listed["next_cursor"]}
    wanted = sorted(
        key for key in answered for _ in range(2 if int(key.rpartition("-")[2]) % 3 == 2 else 1)
    )
    assert sorted(str(row["content"]) for row in rows) == wanted
    assert [one["seq"] for one in told] == list(range(1, len(rows) + 1))
    assert sorted(str(one["aggregateid"]) for one in told) == sorted(str(r["id"]) for r in rows)
    for key, text in answered.items():
        said = json.loads(text)
        ids = [one["id"] for one in said["results"]] if "results" in said else [said["id"]]
        assert {str(row["id"]) for row in rows} >= set(ids), key


def test_a_process_of_its_own_serves_records_and_nothing_else(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with starting(tmp_path) as begin:
        process: Process = begin("serve", "records", HOOKYARD_PORT="0", **environ)
        url = str(process.until("ready")["url"])
        headers = {"authorization": f"Bearer {ADMIN}"}
        with httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as http:
            made = http.post("/v1/users", json={"email": "a@example.com"})
            assert made.status_code == 201, made.text
            assert http.get(f"/v1/users/{made.json()['id']}").json()["email"] == "a@example.com"
            others = ("/api/deliveries", "/tokens/installations/1", "/webhooks/github", "/setup")
            assert [http.get(path).status_code for path in others] == [404] * 4
            assert http.get("/health").status_code == 200
