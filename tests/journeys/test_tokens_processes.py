"""A thousand callers of a cold installation, over four processes, cost one mint for each scope."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.minting import Hub, hub
from tests.support.postgres import PostgresServer
from tests.support.processes import ADMIN, Process, starting

pytestmark = pytest.mark.timeout(500)
CALLERS = 1_000
SCOPES = ("", "?repositories=shop", "?permissions=issues:read")


@pytest.fixture
def github() -> Iterator[Hub]:
    with hub() as made:
        yield made


@pytest.fixture
def environ(
    github: Hub, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[dict[str, str]]:
    name = postgres_server.create_database()
    (tmp_path / "data").mkdir(mode=0o700)
    yield github.environ | {
        "DATABASE_URL": postgres_server.url(name),
        "HOOKYARD_DATABASE_POOL": "4",
        "HOOKYARD_PORT": "0",
    }
    postgres_server.drop_database(name)


async def ask(url: str) -> dict[str, object]:
    """One caller with a connection of its own.

    # why: a client's pool takes longer to share out a thousand requests than they take.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"GET {target} HTTP/1.1",
        f"host: {parts.netloc}",
        f"authorization: Bearer {ADMIN}",
        "connection: close",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    try:
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    assert head.startswith(b"HTTP/1.1 200"), head + body
    return dict(json.loads(body))


async def flood(urls: list[str], path: str) -> list[dict[str, object]]:
    """Every caller at once, each with one of the scopes at one of the processes."""
    return await asyncio.gather(
        *(
            ask(urls[n % len(urls)] + path + SCOPES[n // len(urls) % len(SCOPES)])
            for n in range(CALLERS)
        )
    )


def test_thousand_callers_over_four_processes_cost_one_mint_for_each_scope(
    github: Hub, environ: dict[str, str], tmp_path: Path
) -> None:
    with starting(tmp_path) as begin:
        first: Process = begin("serve", "tokens", **environ)
        urls = [str(first.until("ready")["url"])]
        others = [begin("serve", "tokens", **environ) for _ in range(3)]
        urls += [str(process.until("ready")["url"]) for process in others]
        found = asyncio.run(flood(urls, github.path))
        assert len(found) == CALLERS
        assert len({answer["token"] for answer in found}) == len(SCOPES)
        assert len({answer["mint_id"] for answer in found}) == len(SCOPES)
        assert sum(1 for answer in found if not answer["cached"]) == len(SCOPES)
        assert github.minted() == len(SCOPES)
        revoked = found[0]
        with httpx2.Client(
            trust_env=False, timeout=60, headers={"authorization": f"Bearer {ADMIN}"}
        ) as http:
            ended = http.delete(f"{urls[0]}/tokens/{revoked['mint_id']}")
            assert ended.json()["ended"] is True, ended.text
            told = {http.get(url + github.path).json()["token"] for url in urls}
        assert revoked["token"] not in told
        assert len(told) == 1


def test_process_that_is_killed_while_minting_holds_nobody_up_for_long(
    github: Hub, environ: dict[str, str], tmp_path: Path
) -> None:
    fault = github.sandbox.fail("slow", path="*/access_tokens", times=1, delay_s=10.0)
    with starting(tmp_path) as begin:
        doomed: Process = begin("serve", "tokens", **environ)
        url = str(doomed.until("ready")["url"])
        other: Process = begin("serve", "tokens", **environ)
        safe = str(other.until("ready")["url"])

        async def race() -> dict[str, object]:
            asking = asyncio.create_task(ask(url + github.path))
            while fault.times:
                await asyncio.wait({asking}, timeout=0.05)
            doomed.signal(signal.SIGKILL)
            with pytest.raises((AssertionError, ConnectionError)):
                await asking
            return await ask(safe + github.path)

        given = asyncio.run(race())
        assert github.status(str(given["token"])) == 200
        with httpx2.Client(
            trust_env=False, timeout=60, headers={"authorization": f"Bearer {ADMIN}"}
        ) as http:
            mints = http.get(f"{safe}/tokens/mints").json()["items"]
        assert [mint["state"] for mint in mints] == ["minted", "asked"]
