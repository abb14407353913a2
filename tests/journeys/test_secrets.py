"""Secrets from a folder behind a running front door: exchanged without a restart, never shown."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from hookyard.bootstrap import Yard, open_yard
from hookyard.bootstrap.keeping import load_settings
from hookyard_sandbox.senders import signed_request
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import ADMIN, COUNTER, Caller, serving

OLD, NEW, NEXT = "planted-old-secret", "planted-new-secret", "planted-next-secret"
NAME = "HOOKYARD_GITHUB_WEBHOOK_SECRET"


@dataclass
class Kept:
    """A door whose webhook secret is a file."""

    caller: Caller
    folder: Path
    yard: Yard

    def put(self, value: str, previous: str | None = None) -> None:
        """Exchange the secret as a mounted one is: by renaming."""
        for name, text in (("", value), (".previous", previous)):
            path = self.folder / f"GITHUB_WEBHOOK_SECRET{name}"
            if text is None:
                path.unlink(missing_ok=True)
                continue
            draft = self.folder / ".draft"
            draft.write_text(text)
            draft.chmod(0o600)
            draft.rename(path)

    async def send(self, secret: str, *, padding: int = 0) -> httpx2.Response:
        payload = GitHubScene().issue_opened(1, "A title", "x" * padding)
        number = next(COUNTER)
        signed = signed_request(
            "github", payload, secret, event="issues", delivery_id=f"kept-{number}"
        )
        return await self.caller.http.post(signed.path, content=signed.body, headers=signed.headers)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    found = Kept(None, folder, None)  # type: ignore[arg-type]
    found.put(OLD)
    environ = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "HOOKYARD_ADMIN_KEY": ADMIN,
        "HOOKYARD_SECRET_SOURCES": f"file:{folder},env:",
    }
    settings = await asyncio.to_thread(load_settings, environ, folder=tmp_path)
    found.yard = await open_yard(settings, environ)
    async with serving(found.yard) as found.caller:
        yield found
    await found.yard.close()


async def test_a_delivery_signed_with_an_exchanged_secret_is_taken_at_once(kept: Kept) -> None:
    assert (await kept.send(OLD)).status_code == 202
    assert (await kept.send(NEW)).status_code == 401
    kept.put(NEW, previous=OLD)
    kept.yard.keeper._asked_at.clear()  # type: ignore[union-attr]  # half a minute passes
    answers = await asyncio.gather(*(kept.send(NEW) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [202] * 8
    assert (await kept.send(OLD)).status_code == 202
    assert (await kept.send("planted-forged")).status_code == 401


async def test_a_large_delivery_is_looked_at_again_too(kept: Kept) -> None:
    kept.put(NEW, previous=OLD)
    assert (await kept.send(NEW, padding=10_000)).status_code == 202


async def test_forged_deliveries_make_the_source_read_once_only(kept: Kept) -> None:
    asked = 0
    source = kept.yard.keeper._sources[0].source  # type: ignore[union-attr]
    get = source.get

    async def counted(ref: str, version: str | None = None):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return await get(ref, version)

    source.get = counted  # type: ignore[method-assign]
    for _ in range(20):
        assert (await kept.send("planted-forged")).status_code == 401
    assert asked <= 2


async def test_a_secret_that_was_taken_away_lets_nothing_in_and_asks_to_come_back(
    kept: Kept,
) -> None:
    (kept.folder / "GITHUB_WEBHOOK_SECRET").unlink()
    assert kept.yard.keeper is not None
    await kept.yard.keeper.refresh(NAME)
    refused = await kept.send(OLD)
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    kept.put(NEXT)
    await kept.yard.keeper.refresh(NAME)
    assert (await kept.send(NEXT)).status_code == 202
    assert (await kept.send(OLD)).status_code == 401


async def test_health_names_the_source_and_tells_when_it_fails(kept: Kept) -> None:
    page = (await kept.caller.with_token("").get("/healthz")).json()
    assert {one["name"]: (one["source"], one["state"]) for one in page["secrets"]} == {
        NAME: ("file", "fresh"),
        "HOOKYARD_ADMIN_KEY": ("env", "fresh"),
    }
    (kept.folder / "GITHUB_WEBHOOK_SECRET").chmod(0o644)
    assert kept.yard.keeper is not None
    await kept.yard.keeper.refresh(NAME)
    page = (await kept.caller.with_token("").get("/healthz")).json()
    assert {"code": "secret_stale", "subject": NAME} in page["warnings"]
    assert (await kept.send(OLD)).status_code == 202


async def test_nothing_of_a_secret_shows_anywhere(
    kept: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    kept.put(NEW, previous=OLD)
    await kept.send(NEW)
    await kept.send("planted-forged")
    assert kept.yard.keeper is not None
    await kept.yard.keeper.refresh(NAME)
    seen = ""
    for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/admin/audit"):
        answer = await kept.caller.get(path)
        seen += answer.text + str(answer.headers)
    seen += repr(kept.yard.settings) + repr(kept.yard.sources) + repr(kept.yard.keeper)
    seen += "".join(capfd.readouterr())
    assert "planted" not in seen
    database = (kept.yard.settings.data_dir / "hookyard.db").read_bytes()
    wal = kept.yard.settings.data_dir / "hookyard.db-wal"
    assert b"planted" not in database + (wal.read_bytes() if wal.exists() else b"")
