"""Attacks that belong to no one room; docs/security.md lists them all."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor
from hookyard.bootstrap import open_yard
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings
from tests.journeys.conftest import ADMIN, make_yard, serving
from tests.support.doors import Door

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    yard = await make_yard(tmp_path, {})
    async with serving(yard) as caller:
        yield Door(caller)
    await yard.close()


async def test_mass_assignment(door: Door) -> None:
    caller = door.caller
    more = {
        "id": "01k", "tenant": "north", "token_sha256": "0" * 64, "created_by": "user:evil",
        "revoked_at": None, "kind": "admin_key", "admin": True,
    }  # fmt: skip
    wanted = {"name": "k", "role": "viewer", "scope": "org:acme"}
    made = await caller.call("POST", "/api/admin/keys", wanted | more)
    if made.status_code == 201:
        (kept,) = await caller.page("/api/admin/keys")
        assert kept["created_by"] != "user:evil"
        assert kept["role"] == "viewer"
        assert kept["id"] != "01k"
    else:
        assert made.status_code == 400
    grant = {"subject": "user:u1", "role": "viewer"}
    made = await caller.call("POST", "/api/admin/grants", grant | more)
    assert made.status_code in (201, 400)
    for one in await caller.page("/api/admin/grants"):
        assert one["created_by"] != "user:evil"
        assert one["role"] == "viewer"
    assert await caller.page("/api/admin/audit", actor="user:evil") == []


@pytest.mark.parametrize(
    "value", ["a\r\nset-cookie: hookyard_session=evil", "a\nx-evil: 1", "a\x00b", "é", "a" * 300]
)
async def test_header_injection(door: Door, value: str) -> None:
    for line in (
        "GET /health HTTP/1.1",
        "GET /auth/github?return_to=/%0d%0aset-cookie:evil=1 HTTP/1.1",
        "GET /setup/callback?state=%0d%0ax-evil:1&code=%0d%0ax-evil:1 HTTP/1.1",
    ):
        answer = await door.send({"x-request-id": value, "accept": "text/html"}, line=line)
        assert b"evil" not in answer.raw.partition(b"\r\n\r\n")[0].lower()
        assert answer.headers.get(b"x-request-id", b"") != value.encode("latin-1")


@pytest.mark.parametrize("shape", ["json", "text"])
async def test_log_injection(
    tmp_path: Path, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("info", shape, Redactor([]))
    forged = 'x\n{"event": "forged", "level": "info"}\nforged line\x1b[2J'
    logging.getLogger("uvicorn").warning("%s", forged)
    import structlog

    structlog.get_logger("hookyard").warning("seen", path=forged, actor=forged)
    lines = "".join(capsys.readouterr()).splitlines()
    assert lines
    assert not any(line.startswith(("forged", '{"event": "forged"')) for line in lines)
    assert not any("\x1b[2J" in line for line in lines)
    if shape == "json":
        assert all(json.loads(line)["event"] != "forged" for line in lines)


@pytest.mark.parametrize(
    "name", ["HOOKYARD_SOURCES_FILE", "HOOKYARD_TEAMS_FILE", "HOOKYARD_ISSUERS_FILE",
             "HOOKYARD_MINT_POLICY_FILE"]
)  # fmt: skip
async def test_alias_bomb_in_a_file_of_the_operator(tmp_path: Path, name: str) -> None:
    (tmp_path / "bomb.yml").write_text(BOMB)
    given = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "HOOKYARD_ADMIN_KEY": ADMIN,
        name: str(tmp_path / "bomb.yml"),
    }
    with pytest.raises(ConfigurationError) as caught:
        await open_yard(load_settings(given, folder=tmp_path), given)
    assert len(str(caught.value)) < 2_000
