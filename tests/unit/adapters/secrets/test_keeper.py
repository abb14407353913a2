"""The keeper: order without silent fallback, ages, one refresh after a refusal."""

import asyncio

import pytest

from hookyard.adapters.secrets.keeper import (
    AGAIN_MS,
    HARD_MS,
    SOFT_MS,
    Keeper,
    Listed,
    Wanted,
)
from hookyard.adapters.secrets.port import (
    PREVIOUS,
    SecretMissing,
    SecretTrouble,
    SecretUnreachable,
    SecretValue,
)
from hookyard.kit.clock import ManualClock
from hookyard.kit.secret import Secret
from hookyard.settings import Kept

KEY, HOOK = "HOOKYARD_GITHUB_PRIVATE_KEY", "HOOKYARD_GITHUB_WEBHOOK_SECRET"
WANTED = (Wanted(KEY), Wanted(HOOK, is_list=True))


class Held:
    """A source that holds what a test puts in: versions by name, the newest last."""

    def __init__(self, label: str, clock: ManualClock, **held: list[str]) -> None:
        self.label = label
        self.held = {f"HOOKYARD_{name}": versions for name, versions in held.items()}
        self.trouble: SecretTrouble | None = None
        self.hangs = False
        self.asked = 0
        self._clock = clock

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        self.asked += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.trouble is not None:
            raise self.trouble
        versions = self.held.get(ref, [])
        back = 2 if version == PREVIOUS else 1
        if len(versions) < back:
            raise SecretMissing
        return SecretValue(versions[-back].encode(), f"v{len(versions) - back + 1}", 0)

    async def probe(self) -> None: ...

    async def close(self) -> None: ...


def revealed(kept: Kept | None) -> list[str]:
    return [] if kept is None else [secret.reveal() for secret in kept.values]


def keeper(clock: ManualClock, *sources: Held, optional: int = 0) -> Keeper:
    listed = [Listed(source, n < optional) for n, source in enumerate(sources)]
    return Keeper(listed, WANTED, clock)


async def test_the_first_source_that_has_a_secret_gives_it(clock: ManualClock) -> None:
    one = Held("one:", clock, GITHUB_PRIVATE_KEY=["from-one"])
    two = Held("two:", clock, GITHUB_PRIVATE_KEY=["from-two"], GITHUB_WEBHOOK_SECRET=["h1", "h2"])
    kept = await keeper(clock, one, two).read_all()
    assert (kept[KEY].source, revealed(kept[KEY])) == ("one:", ["from-one"])
    assert (kept[HOOK].source, revealed(kept[HOOK])) == ("two:", ["h2", "h1"])
    assert kept[HOOK].versions == ("v2", "v1")
    assert "from-one" not in repr(kept)


async def test_a_source_that_fails_is_not_one_that_has_nothing(clock: ManualClock) -> None:
    one, two = Held("one:", clock), Held("two:", clock, GITHUB_PRIVATE_KEY=["from-two"])
    one.trouble = SecretUnreachable("no route")
    with pytest.raises(SecretUnreachable, match="from one:: no route"):
        await keeper(clock, one, two).read_all()


async def test_a_later_source_stands_in_for_an_optional_one_and_says_so(
    clock: ManualClock,
) -> None:
    one, two = Held("one:", clock), Held("two:", clock, GITHUB_PRIVATE_KEY=["from-two"])
    one.trouble = SecretUnreachable()
    kept = keeper(clock, one, two, optional=1)
    await kept.read_all()
    standing = {found.name: found for found in kept.standings()}
    assert (standing[KEY].source, standing[KEY].state) == ("two:", "stand_in")
    assert standing[KEY].failed == ("one:",)
    one.trouble = None
    await kept.refresh(KEY)
    assert {found.name: found.state for found in kept.standings()}[KEY] == "fresh"


async def test_what_was_read_is_used_while_its_source_fails_and_then_no_more(
    clock: ManualClock,
) -> None:
    one = Held("one:", clock, GITHUB_PRIVATE_KEY=["from-one"])
    kept = keeper(clock, one)
    await kept.read_all()
    told: list[list[str]] = []
    kept.watch(KEY, lambda found: told.append(revealed(found)))
    one.trouble = SecretUnreachable()
    clock.advance(SOFT_MS / 1000)
    assert not await kept.refresh(KEY)
    assert revealed(kept.kept(KEY)) == ["from-one"]
    (standing,) = kept.standings()
    assert (standing.state, standing.reason) == ("stale", "secret_unreachable")
    clock.advance((HARD_MS - SOFT_MS) / 1000 + 1)
    await kept.refresh(KEY)
    assert kept.kept(KEY) is None
    assert told == [[]]
    assert kept.standings()[0].state == "expired"
    one.trouble = None
    assert await kept.refresh(KEY)
    assert told == [[], ["from-one"]]
    assert kept.standings()[0].state == "fresh"


async def test_no_other_source_takes_over_while_what_the_first_gave_is_good(
    clock: ManualClock,
) -> None:
    one = Held("one:", clock, GITHUB_PRIVATE_KEY=["from-one"])
    two = Held("two:", clock, GITHUB_PRIVATE_KEY=["old"])
    kept = keeper(clock, one, two, optional=1)
    await kept.read_all()
    one.trouble = SecretUnreachable()
    assert not await kept.refresh(KEY)
    assert revealed(kept.kept(KEY)) == ["from-one"]
    clock.advance(HARD_MS / 1000 + 1)
    assert await kept.refresh(KEY)
    assert revealed(kept.kept(KEY)) == ["old"]
    assert kept.standings()[0].state == "stand_in"


async def test_a_refusal_reads_once_however_many_hear_it(clock: ManualClock) -> None:
    one = Held("one:", clock, GITHUB_WEBHOOK_SECRET=["h1"])
    kept = keeper(clock, one)
    await kept.read_all()
    one.held[HOOK].append("h2")
    before = one.asked
    assert all(await asyncio.gather(*(kept.refresh_once(HOOK) for _ in range(20))))
    assert one.asked - before == 2
    assert not kept.may_ask(HOOK)
    assert not await kept.refresh_once(HOOK)
    assert one.asked - before == 2
    clock.advance(AGAIN_MS / 1000)
    assert kept.may_ask(HOOK)
    assert not kept.may_ask("HOOKYARD_NO_SUCH")


async def test_everything_is_read_again_by_the_clock(clock: ManualClock) -> None:
    one = Held("one:", clock, GITHUB_WEBHOOK_SECRET=["h1"])
    kept = keeper(clock, one)
    await kept.read_all()
    heard = asyncio.Event()
    kept.watch(HOOK, lambda _: heard.set())
    running = asyncio.create_task(kept.run())
    await asyncio.sleep(0)
    one.held[HOOK].append("h2")
    clock.advance(SOFT_MS / 1000)
    await asyncio.wait_for(heard.wait(), 20)
    assert revealed(kept.kept(HOOK)) == ["h2", "h1"]
    running.cancel()


async def test_a_source_that_hangs_is_given_up(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookyard.adapters.secrets.keeper.LOOKUP_S", 0.05)
    one = Held("one:", clock)
    one.hangs = True
    with pytest.raises(SecretUnreachable, match="no answer within"):
        await keeper(clock, one).read_all()


async def test_a_secret_that_was_taken_away_is_used_no_more(clock: ManualClock) -> None:
    one = Held("one:", clock, GITHUB_PRIVATE_KEY=["gone-soon"])
    kept = keeper(clock, one)
    await kept.read_all()
    told: list[list[str]] = []
    kept.watch(KEY, lambda found: told.append(revealed(found)))
    one.held.clear()
    assert await kept.refresh(KEY)
    assert told == [[]]
    assert kept.kept(KEY) is None


def test_a_secret_hides_in_what_is_kept() -> None:
    assert "planted" not in repr(Kept("X", "one:", (Secret("planted"),)))
