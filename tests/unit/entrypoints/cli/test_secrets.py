"""`hookyard secrets` against a data folder: check, rotate, rewrap, reencrypt."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hookyard import registry
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.port import METADATA
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.sealing.service import Sealer
from hookyard.entrypoints.cli.main import cli
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from tests.support import sealed
from tests.support.sealed import SEALED, THINGS


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with twelve sealed values of a tenant."""
    folder = tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_DATA_DIR", str(folder))
    monkeypatch.setattr(registry, "SEALED", (*registry.SEALED, SEALED))
    folder.mkdir(mode=0o700)
    asyncio.run(_fill(folder))
    return folder


async def _fill(folder: Path) -> None:
    database = SqliteDatabase(folder / "hookyard.db")
    await migrate(database)
    await database.write(lambda unit: METADATA.create_all(unit.connection, tables=[THINGS]))
    sealer = Sealer(database, KeyFile(folder / "sealing.key"), SystemClock(), IdMaker())
    await sealed.fill(database, sealer, "acme", 12)
    await database.close()


async def _read(folder: Path) -> set[bytes]:
    database = SqliteDatabase(folder / "hookyard.db")
    sealer = Sealer(database, KeyFile(folder / "sealing.key"), SystemClock(), IdMaker())
    try:
        return set((await sealed.read_all(database, sealer)).values())
    finally:
        await database.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["secrets", *words], standalone_mode=False)


def parsed(*words: str) -> dict[str, object]:
    result = run(*words, "--json")
    assert result.exception is None, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_keys_are_exchanged_and_every_value_stays_readable(data: Path) -> None:
    rotated = parsed("rotate")["rotated"]
    assert isinstance(rotated, list)
    assert [one["tenant"] for one in rotated] == ["acme"]
    moved = parsed("reencrypt")
    assert (moved["values"], moved["moved"], moved["refused"]) == (12, 12, [])
    assert moved["disabled"] == []
    assert moved["waiting"] == [rotated[0]["before"]]
    assert parsed("reencrypt")["moved"] == 0
    assert parsed("rewrap", "--new-key") == {"keys": 2, "rewrapped": 2}
    assert parsed("rewrap") == {"keys": 2, "rewrapped": 0}
    keys = parsed("check")["data_keys"]
    assert isinstance(keys, list)
    assert sorted(key["state"] for key in keys) == ["active", "primary"]
    assert asyncio.run(_read(data)) == {f"planted-{n}".encode() for n in range(12)}


def test_a_lost_key_file_is_named_and_fails_the_check(data: Path) -> None:
    (data / "sealing.key").unlink()
    result = run("check", "--json")
    assert result.exception is not None
    found = json.loads(result.stdout)
    assert not found["healthy"]
    assert "does not hold the key" in found["data_keys"][0]["trouble"]


def test_progress_goes_to_standard_error_and_shows_no_secret(data: Path) -> None:
    for words in (("check",), ("rotate",), ("rewrap", "--all"), ("reencrypt",)):
        result = run(*words)
        assert result.exception is None
        assert "planted" not in result.output
    assert "test_things.secret: 0 of 12 moved" in run("reencrypt").stderr


def test_a_tenant_without_keys_is_refused(data: Path) -> None:
    result = run("rotate", "--tenant", "nobody")
    assert "nothing was sealed" in str(result.exception)


def test_a_value_that_does_not_open_ends_with_1(data: Path) -> None:
    async def spoil() -> None:
        database = SqliteDatabase(data / "hookyard.db")
        await database.write(
            lambda unit: unit.run(THINGS.update().where(THINGS.c.id == "0003").values(secret=b"x"))
        )
        await database.close()

    asyncio.run(spoil())
    result = run("reencrypt", "--json")
    assert "1 values do not open" in str(result.exception)
    assert json.loads(result.stdout)["refused"] == ['test_things.secret: ["acme","0003"]']
