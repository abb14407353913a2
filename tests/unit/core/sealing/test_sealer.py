"""How long data keys stay in memory, and what happens while their wrapping key cannot be used."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.adapters.secrets.port import SecretTrouble, SecretUnreachable, WrappedKey
from hookyard.core.sealing.model import KeyNotLoaded, Place
from hookyard.core.sealing.service import HARD_MS, QUIET_MS, SOFT_MS, Sealer
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker

PLACE = Place("acme", "things", "secret", "r1")


class Flaky(KeyFile):
    """A wrapping key that counts, and can be away."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.unwrapped = 0
        self.is_away = False

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        self.unwrapped += 1
        if self.is_away:
            raise SecretUnreachable
        return await super().unwrap(wrapped, context)


@pytest.fixture
def keys(tmp_path: Path) -> Flaky:
    return Flaky(tmp_path / "sealing.key")


@pytest.fixture
def sealer(sqlite_database: SqliteDatabase, keys: Flaky, clock: ManualClock) -> Sealer:
    return Sealer(sqlite_database, keys, clock, IdMaker())


async def test_a_data_key_is_unwrapped_once_in_a_while(
    sealer: Sealer, keys: Flaky, clock: ManualClock
) -> None:
    for _ in range(5):
        await sealer.ready("acme")
    assert keys.unwrapped == 1
    clock.advance(SOFT_MS / 1000)
    await sealer.ready("acme")
    assert keys.unwrapped == 2


async def test_a_data_key_is_used_on_while_its_wrapping_key_is_away_and_then_no_more(
    sealer: Sealer, keys: Flaky, clock: ManualClock
) -> None:
    await sealer.ready("acme")
    cell = sealer.seal(PLACE, b"x")
    keys.is_away = True
    clock.advance(SOFT_MS / 1000)
    for _ in range(10):
        await sealer.ready("acme")
    assert keys.unwrapped == 2
    assert sealer.open(PLACE, cell) == b"x"
    clock.advance(QUIET_MS / 1000)
    await sealer.ready("acme")
    assert keys.unwrapped == 3
    clock.advance(HARD_MS / 1000)
    with pytest.raises(KeyNotLoaded):
        sealer.open(PLACE, cell)
    with pytest.raises(SecretUnreachable):
        await sealer.ready("acme")
    keys.is_away = False
    assert await sealer.unseal(PLACE, cell) == b"x"


async def test_a_data_key_is_unwrapped_again_after_many_uses(
    sealer: Sealer, keys: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookyard.core.sealing.service.MAX_USES", 3)
    await sealer.ready("acme")
    for _ in range(3):
        sealer.seal(PLACE, b"x")
    await sealer.ready("acme")
    assert keys.unwrapped == 2


async def test_a_key_file_that_others_can_read_stops_everything(
    sealer: Sealer, tmp_path: Path
) -> None:
    await sealer.ready("acme")
    path = tmp_path / "sealing.key"
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o644):
        path.chmod(mode)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            await KeyFile(path).wrap(bytes(32), {})


async def test_the_key_file_of_another_machine_is_known_as_such(
    sealer: Sealer, sqlite_database: SqliteDatabase, clock: ManualClock, tmp_path: Path
) -> None:
    await sealer.ready("acme")
    other = Sealer(sqlite_database, KeyFile(tmp_path / "b" / "sealing.key"), clock, IdMaker())
    with pytest.raises(SecretTrouble, match="does not hold the key"):
        await other.ready("acme")


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 32 + "\n00"])
async def test_a_key_file_with_anything_else_in_it_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sealing.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="no usable key"):
        await KeyFile(path).wrap(bytes(32), {})
    assert path.read_text() == text
