"""Minting shared by processes over one database: one mint, sealed, never for more than asked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest

from hookyard.adapters.database.port import METADATA, Database, RawSql, Unit
from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHubFailed, GitHubLimited
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.audit.service import Audit
from hookyard.core.sealing.service import Sealer
from hookyard.core.tokens import store, store_cache
from hookyard.core.tokens.minting import DirectMinting
from hookyard.core.tokens.model import InstallationGone, MintState, Purpose, Scope, Who, scope_of
from hookyard.core.tokens.recording import MintRecord
from hookyard.core.tokens.service import InstallationTokens
from hookyard.core.tokens.shared import CHECK_MS, LEASE_MS, TAKEN_BACK, SharedMinting
from hookyard.core.tokens.store_cache import Key
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.github import HastyClock, Script, answer, minted

APP = "42@github.test"
PURPOSE = Purpose(Who("api_key", "k1"), "acme", "rule-1")
SECRET = "ghs_planted_secret_token_value_000000000"
NARROW = scope_of(["shop"], {"issues": "read"})
Step = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Bench:
    """Any number of processes over one database and one scripted GitHub."""

    database: Database
    folder: Path
    clock: ManualClock
    script: Script

    def process(self, clock: ManualClock | None = None, folder: str = "keys") -> InstallationTokens:
        """A process of its own: its memory, its sealer, its clock."""
        clock, ids = clock or self.clock, IdMaker()
        (self.folder / folder).mkdir(exist_ok=True)
        sealer = Sealer(self.database, KeyFile(self.folder / folder / "k"), clock, ids)
        tokens = InstallationTokens(self.script.client, clock)
        direct = DirectMinting(self.script.client, clock)
        record = MintRecord(Audit(ids), ids)
        tokens.minting = SharedMinting(APP, direct, self.database, sealer, record, clock)
        self.database.listen(TAKEN_BACK, tokens.recheck)
        return tokens

    def then(self, *values: str, **more: object) -> None:
        """GitHub's next answers to a mint."""
        for value in values:
            self.script.steps.append(lambda _, v=value: minted(self.clock, v, **more))  # type: ignore[misc]

    def narrow(self, value: str) -> None:
        """GitHub's next answer to a mint of `NARROW`."""
        self.then(value, permissions={"issues": "read"}, repositories=[{"full_name": "acme/shop"}])

    async def states(self) -> list[str]:
        """The state of every mint on record, newest first."""
        found = await self.database.read(lambda u: store.mints_page(u, "default", None, 50))
        return [mint.state.value for mint in found]


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    clock = ManualClock()
    return Bench(database, tmp_path, clock, Script(clock=clock))


async def get(tokens: InstallationTokens, scope: Scope = NARROW) -> AccessToken:
    return (await tokens.obtain(7, scope, PURPOSE)).token


async def test_processes_share_one_mint(bench: Bench) -> None:
    bench.narrow("one")
    processes = [bench.process() for _ in range(4)]
    got = await asyncio.gather(*(get(tokens) for tokens in processes for _ in range(25)))
    assert {token.value for token in got} == {"one"}
    assert len({token.mint_id for token in got}) == 1
    assert len(bench.script.requests) == 1
    assert await bench.states() == ["minted"]


async def test_token_outlives_the_process_that_minted_it(bench: Bench) -> None:
    bench.narrow("one")
    await get(bench.process())
    later = await get(bench.process())
    assert later.value == "one"
    assert later.repositories == ("acme/shop",)
    assert later.permissions == {"issues": "read"}


async def test_scopes_and_longer_lives_have_mints_of_their_own(bench: Bench) -> None:
    bench.narrow("narrow")
    bench.then("whole")
    tokens = bench.process()
    assert (await get(tokens)).value == "narrow"
    assert (await get(tokens, Scope())).value == "whole"
    bench.clock.advance(1800)
    bench.narrow("longer")
    found = await bench.process().obtain(7, NARROW, PURPOSE, min_ttl_s=3000)
    assert (found.token.value, found.minted) == ("longer", True)
    assert (await get(bench.process())).value == "longer"


async def test_attack_pointer_to_a_broader_mint_is_not_followed(bench: Bench) -> None:
    bench.then("whole")
    bench.narrow("narrow")
    tokens = bench.process()
    whole = await get(tokens, Scope())
    await get(tokens)
    forged = RawSql.same("UPDATE token_cache SET mint_id = $1 WHERE scope_key = $2")
    await bench.database.write(lambda u: u.run_raw(forged, whole.mint_id, NARROW.key))
    bench.narrow("fresh")
    assert (await get(bench.process())).value == "fresh"


async def test_attack_cell_of_another_mint_does_not_open(bench: Bench) -> None:
    bench.then("whole")
    bench.narrow("narrow")
    tokens = bench.process()
    whole, narrow = await get(tokens, Scope()), await get(tokens)

    def swap(unit: Unit) -> None:
        cell = store_cache.cell_of(unit, whole.mint_id) or b""
        store_cache.drop_cell(unit, narrow.mint_id)
        store_cache.keep(unit, narrow.mint_id, cell, narrow.expires_at_ms)

    await bench.database.write(swap)
    bench.narrow("fresh")
    assert (await get(bench.process())).value == "fresh"


async def test_broader_answer_is_taken_back_and_not_given_out(bench: Bench) -> None:
    bench.then("too-much")
    bench.script.steps.append(answer(204))
    tokens = bench.process()
    with pytest.raises(GitHubFailed, match="more than was asked"):
        await get(tokens)
    assert bench.script.asked[-1] == "DELETE /api/installation/token"
    assert bench.script.requests[-1].headers["authorization"] == "Bearer too-much"
    assert await bench.states() == ["failed"]


async def test_lease_of_a_dead_process_with_a_clock_ahead_holds_nobody_up(bench: Bench) -> None:
    key = Key(APP, 7, NARROW.key)
    ahead_ms = bench.clock.now_ms() + 600_000
    await bench.database.write(lambda unit: store_cache.lease(unit, key, ahead_ms + LEASE_MS))
    bench.narrow("one")
    hasty = HastyClock(bench.clock.now_ms())
    began = hasty.monotonic()
    assert (await get(bench.process(hasty))).value == "one"
    assert hasty.monotonic() - began < 2 * LEASE_MS / 1000


async def test_process_that_stood_still_fills_in_nothing(bench: Bench) -> None:
    key = Key(APP, 7, NARROW.key)
    number = await bench.database.write(lambda unit: store_cache.lease(unit, key, 1))
    bench.narrow("newer")
    newer = await get(bench.process())
    late = await bench.database.write(
        lambda unit: store_cache.fill(unit, key, number, "late", newer.expires_at_ms)
    )
    assert not late
    assert (await get(bench.process())).value == "newer"


async def test_failures_are_found_out_once_for_all(bench: Bench) -> None:
    bench.script.steps.append(answer(404, {"message": "Not Found"}))
    for tokens in (bench.process(), bench.process()):
        with pytest.raises(InstallationGone):
            await get(tokens)
    assert len(bench.script.requests) == 1
    again = bench.process()
    again.forget(7)
    bench.narrow("back")
    assert (await get(again)).value == "back"


async def test_limit_on_minting_is_obeyed_by_every_process(bench: Bench) -> None:
    bench.script.steps.append(answer(429, {"message": "slow down"}, {"retry-after": "9"}))
    for tokens in (bench.process(), bench.process()):
        with pytest.raises(GitHubLimited):
            await get(tokens)
    assert len(bench.script.requests) == 1
    bench.clock.advance(10)
    bench.narrow("one")
    assert (await get(bench.process())).value == "one"


async def test_what_one_process_takes_back_no_other_gives_out(bench: Bench) -> None:
    bench.narrow("one")
    first, second = bench.process(), bench.process()
    token = await get(first)
    assert (await get(second)).value == "one"
    first.reject(token)
    bench.narrow("two")
    assert (await get(first)).value == "two"
    bench.clock.advance(CHECK_MS / 1000)
    assert (await get(second)).value == "two"


async def test_process_that_cannot_unseal_mints_for_itself(bench: Bench) -> None:
    bench.narrow("one")
    await get(bench.process())
    bench.narrow("own")
    assert (await get(bench.process(folder="others"))).value == "own"


async def test_mint_that_is_on_no_record_is_in_nobodys_hands(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookyard.kit.errors import Unavailable

    tokens = bench.process()

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(store, "save_minted", broken)
    bench.narrow("lost")
    bench.script.steps.append(answer(204))
    with pytest.raises(Unavailable):
        await get(tokens)
    assert bench.script.requests[-1].headers["authorization"] == "Bearer lost"


async def test_planted_token_is_nowhere_in_the_database_in_the_clear(bench: Bench) -> None:
    bench.narrow(SECRET)
    token = await get(bench.process())
    assert token.value == SECRET

    def dump(unit: Unit) -> str:
        tables = ("mints", "token_asks", "token_cache", "token_cells", "audit", "data_keys")
        found = [unit.fetch(METADATA.tables[name].select()) for name in tables]
        return repr([[dict(row) for row in rows] for rows in found])

    text = await bench.database.read(dump)
    assert "mint_id" in text
    assert SECRET not in text
    assert SECRET.encode().hex() not in text


async def test_lost_mints_and_expired_tokens_are_tidied(bench: Bench) -> None:
    bench.narrow("one")
    token = await get(bench.process())
    now_ms = bench.clock.now_ms()
    record = MintRecord(Audit(IdMaker()), IdMaker())
    await bench.database.write(lambda unit: record.asked(unit, APP, 8, Scope(), PURPOSE, now_ms))

    def tidy(unit: Unit) -> tuple[int, int, int]:
        return (
            store_cache.drop_expired(unit, token.expires_at_ms + 1),
            store.bury_lost(unit, now_ms + 1),
            store.purge(unit, now_ms),
        )

    assert await bench.database.write(tidy) == (1, 1, 0)
    assert sorted(await bench.states()) == ["lost", "minted"]
    assert await bench.database.write(lambda unit: store.purge(unit, now_ms + 1)) == 2


def test_states_have_names_of_their_own() -> None:
    assert len({state.value for state in MintState}) == 6
    assert replace(PURPOSE, campaign="c").campaign == "c"
