"""Import, export and search at the front door and from the command line, hostile input with it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import structlog
from click.testing import CliRunner, Result

from hookyard.entrypoints.cli.main import cli
from hookyard.features.records.bulk.lines import MAX_LINE
from hookyard.settings import SETTINGS
from tests.journeys.conftest import ADMIN, Caller

NDJSON = "application/x-ndjson"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and no setting from outside."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for setting in SETTINGS:
        for name in setting.names:
            monkeypatch.delenv(name, raising=False)
    return here


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The server runs in this process; its log must not mix with what a command prints."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


async def hookyard(client: Caller, *words: str, text: bytes | None = None) -> Result:
    """One command against the server, on a thread of its own."""
    given = {"HOOKYARD_URL": str(client.http.base_url), "HOOKYARD_ADMIN_KEY": ADMIN}
    found = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=given, input=text)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


async def send(
    client: Caller,
    path: str,
    content: bytes | AsyncIterator[bytes],
    *,
    kind: str = NDJSON,
    token: str | None = None,
    **headers: str,
) -> httpx2.Response:
    given = {"authorization": f"Bearer {token or client.token}", "content-type": kind}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.http.post(path, content=content, headers=given)


def users(count: int) -> bytes:
    return b"".join(b'{"userId": "u%05d", "kind": "agent"}\n' % n for n in range(count))


async def test_a_file_goes_in_and_comes_out_by_the_command_line(
    client: Caller, folder: Path
) -> None:
    (folder / "in.ndjson").write_bytes(users(700))
    found = await hookyard(client, "records", "import", "users", "in.ndjson")
    assert (found.exit_code, found.stdout) == (0, "700 lines: 700 created\n"), found.output
    found = await hookyard(client, "records", "export", "users", "out.ndjson")
    assert (found.exit_code, found.stdout) == (0, "700 records\n"), found.output
    rows = [json.loads(line) for line in (folder / "out.ndjson").read_bytes().splitlines()]
    assert [row["userId"] for row in rows] == [f"u{n:05}" for n in range(700)]
    assert not (folder / "out.ndjson.part").exists()
    found = await hookyard(
        client, "records", "import", "users", "out.ndjson", "--mode", "upsert", "--json"
    )
    assert json.loads(found.stdout)["unchanged"] == 700
    found = await hookyard(client, "records", "export", "users", "--where", "userId:u00007")
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == ["u00007"]
    assert found.stderr == "1 records\n"
    found = await hookyard(
        client, "records", "export", "users", "few.ndjson", "--select", "userId", "--json"
    )
    assert json.loads(found.stdout) == {"entity": "users", "file": "few.ndjson", "lines": 700}


async def test_the_command_says_what_is_wrong(client: Caller, folder: Path) -> None:
    bad = b'{"userId": "a"}\n{"userId": "b", "kind": "\\u001b[31m"}\n'
    found = await hookyard(client, "records", "import", "users", "-", text=bad)
    assert found.exit_code == 1
    assert "1 created, 1 failed" in found.stdout
    assert "line 2 /kind: must be one of" in found.stderr
    assert "\x1b" not in found.output
    found = await hookyard(client, "records", "import", "users", "missing.ndjson")
    assert found.exit_code == 1
    assert "cannot be read" in found.stderr
    (folder / "f").write_bytes(users(1))
    found = await hookyard(client, "records", "import", "nothing", "f")
    assert found.exit_code == 1
    assert "unknown_entity" in found.stderr
    assert "--import-id import-" in found.stderr
    found = await hookyard(client, "records", "export", "nothing", "g")
    assert found.exit_code == 1
    assert not (folder / "g").exists()
    found = await hookyard(client, "records", "export", "users", "none/g")
    assert "cannot be written" in found.stderr


async def test_an_upload_that_breaks_is_sent_again(client: Caller) -> None:
    body = users(1000)

    async def broken() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await send(client, "/v1/users/_import", broken(), idempotency_key="imp-1")
    again = await send(client, "/v1/users/_import", body, idempotency_key="imp-1")
    assert again.status_code == 200, again.text
    assert (again.json()["created"], again.json()["failed"]) == (1000, 0)
    head = (await client.get("/v1/_changes?after=0")).json()["head"]
    assert head == 1000


async def test_imports_of_strangers_and_by_mistake(client: Caller) -> None:
    viewer = await client.key("viewer")
    path = "/v1/users/_import"
    for given, status, code in (
        ({"kind": "application/json"}, 415, "unsupported_media_type"),
        ({"kind": "text/plain"}, 415, "unsupported_media_type"),
        ({"token": viewer.token}, 403, "forbidden"),
        ({"token": "hky_nope"}, 401, "unauthenticated"),
        ({"x_tenant_id": "other"}, 403, "tenant_mismatch"),
    ):
        found = await send(client, path, users(3), **given)
        assert (found.status_code, found.json()["code"]) == (status, code), found.text
        assert found.headers["content-type"] == "application/problem+json"
    assert (await client.get("/v1/users?count=true")).json()["count"] == 0
    found = await send(client, path, b"", kind="application/x-ndjson; charset=utf-8")
    assert (found.status_code, found.json()["lines"]) == (200, 0)


async def test_hostile_lines_cost_no_memory_and_name_themselves(client: Caller) -> None:
    lines = [
        b"x" * (MAX_LINE + 1),
        b"[" * 100_000,
        b'{"userId": "' + b"y" * 500 + b'"}',
        b'{"userId": "\\u0000"}',
        b'{"userId": "ok", "meta": {"deep": ' + b"[" * 40 + b"]" * 40 + b"}}",
        b"\x00\xff\xfe",
        b'{"userId": "fine", "revision": "mine", "createdAt": "1999"}',
        b'{"userId": "x", "__proto__": 1}',
        b"z" * (3 * MAX_LINE),
    ]
    found = await send(client, "/v1/users/_import", b"\n".join(lines))
    assert found.status_code == 200, found.text
    report = found.json()
    assert (report["lines"], report["created"], report["failed"]) == (9, 1, 8)
    codes = {one["line"]: one["code"] for one in report["problems"]}
    assert codes[1] == codes[9] == "too_long"
    assert codes[2] == codes[6] == "bad_json"
    assert codes[8] == "unknown_field"
    fine = (await client.get("/v1/users/fine")).json()
    assert fine["revision"] != "mine"
    assert not fine["createdAt"].startswith("1999")


async def test_an_export_streams_and_is_not_for_everybody(client: Caller) -> None:
    await send(client, "/v1/users/_import", users(450))
    found = await client.get("/v1/users/_export")
    assert found.status_code == 200
    assert found.headers["content-type"] == NDJSON
    assert found.headers["cache-control"] == "no-store"
    assert "content-length" not in found.headers
    assert len(found.content.splitlines()) == 450
    refused = await client.http.get("/v1/users/_export")
    assert refused.status_code == 401
    bad = await client.get("/v1/users/_export?where=%7B%22nope%22%3A1%7D")
    assert (bad.status_code, bad.json()["code"]) == (400, "unknown_field")
    async with client.http.stream(
        "GET", "/v1/users/_export", headers={"authorization": f"Bearer {client.token}"}
    ) as answer:
        async for _ in answer.aiter_bytes():
            break
    assert (await client.get("/v1/users/_export")).status_code == 200


async def test_memories_are_found_by_meaning(client: Caller) -> None:
    def embedding(turn: int) -> list[float]:
        return [1.0 if n == turn else 0.0 for n in range(1536)]

    rows = [
        {"memoryId": f"m{n}", "agentId": "a1" if n % 2 else "a2", "content": f"c{n}",
         "embedding": embedding(n)}
        for n in range(6)
    ]  # fmt: skip
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    assert (await send(client, "/v1/memories/_import", body)).json()["created"] == 6
    asked = {"vector": embedding(3), "k": 2, "where": {"agentId": "a1"}}
    found = await client.http.post(
        "/v1/memories/_search", json=asked, headers={"authorization": f"Bearer {client.token}"}
    )
    assert found.status_code == 200, found.text
    items = found.json()["items"]
    assert [item["record"]["memoryId"] for item in items] == ["m3", "m1"]
    assert [item["score"] for item in items] == pytest.approx([1, 0], abs=1e-6)
    assert "embedding" not in items[0]["record"]
    viewer = await client.key("ingest")
    refused = await client.http.post(
        "/v1/memories/_search", json=asked, headers={"authorization": f"Bearer {viewer.token}"}
    )
    assert refused.status_code == 403
    long = await client.http.post(
        "/v1/memories/_search", content=b"[" * 2_000_000,
        headers={"authorization": f"Bearer {client.token}", "content-type": "application/json"},
    )  # fmt: skip
    assert long.status_code == 413


async def test_health_says_how_vectors_are_compared(client: Caller) -> None:
    said = (await client.get("/healthz")).json()["vectors"]
    postgres = client.yard.database.dialect == "postgresql"
    assert said in ({"pgvector"} if postgres else {"sqlite-vec", "plain"})
