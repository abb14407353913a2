"""Where an exchanged secret goes: the App's key in place, what is read once by restart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hookyard.adapters.secrets.port import SecretUnreachable
from hookyard.bootstrap import Yard, open_yard
from hookyard.bootstrap.keeping import load_settings
from hookyard.bootstrap.renewing import APP_KEY
from tests.support.github import private_key
from tests.support.secret_stubs import rsa_key


def put(folder: Path, name: str, text: str) -> None:
    draft = folder / ".draft"
    draft.write_text(text)
    draft.chmod(0o600)
    draft.rename(folder / name)


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    put(folder, "GITHUB_PRIVATE_KEY", private_key())
    put(folder, "REDIS_URL", "redis://cache/0")
    environ = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "HOOKYARD_SECRET_SOURCES": f"file:{folder},env:",
        "GITHUB_APP_ID": "7",
        "HOOKYARD_ADMIN_KEY": "a" * 20,
    }
    settings = await asyncio.to_thread(load_settings, environ, folder=tmp_path)
    made = await open_yard(settings, environ)
    yield made
    await made.close()


async def test_an_exchanged_app_key_signs_the_next_token(yard: Yard, tmp_path: Path) -> None:
    assert yard.github is not None
    assert yard.keeper is not None
    before = await yard.github.jwt.token()
    other = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    put(tmp_path / "secrets", "GITHUB_PRIVATE_KEY", other.decode())
    assert await yard.github.jwt.renew()
    assert await yard.github.jwt.token() != before


async def test_an_app_key_that_is_none_leaves_the_one_in_use(
    yard: Yard, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert yard.github is not None
    assert yard.keeper is not None
    before = await yard.github.jwt.token()
    put(tmp_path / "secrets", "GITHUB_PRIVATE_KEY", "planted, and no key")
    await yard.keeper.refresh(APP_KEY)
    assert await yard.github.jwt.token() == before
    said = "".join(capfd.readouterr())
    assert "secret_unusable" in said
    assert "planted" not in said


async def test_an_app_key_that_was_taken_away_signs_no_more(yard: Yard, tmp_path: Path) -> None:
    assert yard.github is not None
    assert yard.keeper is not None
    (tmp_path / "secrets" / "GITHUB_PRIVATE_KEY").unlink()
    await yard.keeper.refresh(APP_KEY)
    with pytest.raises(SecretUnreachable, match="App's key"):
        await yard.github.jwt.token()
    put(tmp_path / "secrets", "GITHUB_PRIVATE_KEY", private_key())
    await yard.keeper.refresh(APP_KEY)
    assert await yard.github.jwt.token()


async def test_what_is_read_at_the_start_only_asks_for_a_restart(
    yard: Yard, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert yard.keeper is not None
    put(tmp_path / "secrets", "REDIS_URL", "redis://:planted@cache/1")
    await yard.keeper.refresh("HOOKYARD_REDIS_URL")
    said = "".join(capfd.readouterr())
    assert "secret_changed" in said
    assert "restart" in said
    assert "planted" not in said
