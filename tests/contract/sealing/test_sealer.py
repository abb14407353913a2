"""Sealing on both engines: cells open at their own place only, keys are shared and cached."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hookyard.adapters.database.port import Database
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.sealing.model import CellRefused, KeyNotLoaded, Place
from hookyard.core.sealing.service import Sealer
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

PLACE = Place("acme", "things", "secret", "r1")
Make = Callable[[], Sealer]


@pytest.fixture
def make(database: Database, clock: ManualClock, ids: IdMaker, tmp_path: Path) -> Make:
    """Another process's sealer over the same database and key file."""
    return lambda: Sealer(database, KeyFile(tmp_path / "sealing.key"), clock, ids)


async def test_what_is_sealed_opens_at_its_place(make: Make) -> None:
    sealer = make()
    await sealer.ready("acme")
    cell = sealer.seal(PLACE, b"planted-secret")
    assert b"planted-secret" not in cell
    assert sealer.open(PLACE, cell) == b"planted-secret"
    for other in (
        Place("acme", "things", "secret", "r2"),
        Place("acme", "things", "other", "r1"),
        Place("acme", "thing", "ssecret", "r1"),
    ):
        with pytest.raises(CellRefused):
            sealer.open(other, cell)


async def test_another_tenant_has_other_keys(make: Make) -> None:
    sealer = make()
    await sealer.ready("acme")
    await sealer.ready("umbrella")
    cell = sealer.seal(PLACE, b"x")
    with pytest.raises(KeyNotLoaded):
        await sealer.unseal(Place("umbrella", "things", "secret", "r1"), cell)


async def test_two_processes_that_start_together_share_one_key(make: Make) -> None:
    one, two = make(), make()
    await one.ready("acme")
    await two.ready("acme")
    assert one.primary_of("acme") == two.primary_of("acme")
    assert two.open(PLACE, one.seal(PLACE, b"x")) == b"x"


async def test_sealing_before_ready_says_what_is_missing(make: Make) -> None:
    with pytest.raises(KeyNotLoaded):
        make().seal(PLACE, b"x")
