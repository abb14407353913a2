"""A thousand callers of a cold installation, over four processes, cost one mint for each scope."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import select

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.bootstrap.keeping import SEALING_FILE
from hookyard.core.sealing.service import Sealer
from hookyard.core.tokens.cells import place_of, read
from hookyard.core.tokens.store_cache import TOKEN_CELLS
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from tests.support.minting import Hub, hub
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
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
    name = postgres_server.lend(an_installation)
    (tmp_path / "data").mkdir(mode=0o700)
    yield github.environ | {
        "DATABASE_URL": postgres_server.url(name),
        "HOOKYARD_DATABASE_POOL": "4",
        "HOOKYARD_PORT": "0",
    }
    postgres_server.take_back(name)


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


EVERY_SCOPE = [
    f"?permissions={permission}:{level}{repository}"
    for permission in ("issues", "contents", "pull_requests")
    for level in ("read", "write")
    for repository in ("", "&repositories=shop")
]


async def asked_until_killed(process: Process, url: str, path: str, answers: int) -> int:
    """Ask for every scope at once, and kill the process after so many answers."""
    asking = [asyncio.create_task(ask(url + path + scope)) for scope in EVERY_SCOPE]
    given = 0
    for next_one in asyncio.as_completed(asking):
        try:
            await next_one
        except (AssertionError, ConnectionError):
            continue
        given += 1
        if given == answers:
            process.signal(signal.SIGKILL)
    return given


async def cells_of(address: str, folder: Path) -> dict[str, bytes]:
    """Every token of the shared tier, opened with the key of the data folder, by its mint."""
    database = PostgresDatabase(address, pool_size=2)
    sealer = Sealer(database, KeyFile(folder / SEALING_FILE), SystemClock(), IdMaker())
    try:
        rows = await database.read(lambda unit: unit.fetch(select(TOKEN_CELLS)))
        return {
            row["mint_id"]: await sealer.unseal(place_of(row["mint_id"]), bytes(row["cell"]))
            for row in rows
        }
    finally:
        await sealer.close()
        await database.close()


@pytest.mark.parametrize("answers", [1, 4, 9])
def test_kill_9_while_minting_leaves_every_token_readable(
    github: Hub, environ: dict[str, str], tmp_path: Path, answers: int
) -> None:
    with starting(tmp_path) as begin:
        doomed: Process = begin("serve", "tokens", **environ)
        url = str(doomed.until("ready")["url"])
        given = asyncio.run(asked_until_killed(doomed, url, github.path, answers))
        assert given >= answers
        kept = asyncio.run(cells_of(environ["DATABASE_URL"], tmp_path / "data"))
        assert len(kept) >= given
        for mint_id, raw in kept.items():
            assert read(raw, mint_id).token.value in github.sandbox.world.tokens
        other: Process = begin("serve", "tokens", **environ)
        safe = str(other.until("ready")["url"])
        again = [asyncio.run(ask(safe + github.path + scope)) for scope in EVERY_SCOPE]
        assert {github.status(str(one["token"])) for one in again} == {200}
        assert sum(1 for one in again if one["cached"]) >= given


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
