"""How long memberships are remembered, and who is asked when."""

import asyncio
from collections.abc import Callable

from hookyard.core.identity.teams import Gone, Teams, Unknown
from hookyard.core.identity.teams_rules import Circle
from hookyard.kit.clock import ManualClock

TEAM = Circle("acme", "platform", include_children=True)
OTHER = Circle("octo", "core", include_children=True)


class Reader:
    """Answers as told; counts the questions."""

    def __init__(self) -> None:
        self.asked: list[Circle] = []
        self.answer: Callable[[], frozenset[int]] = lambda: frozenset({7})
        self.gate: asyncio.Event | None = None

    async def members(self, circle: Circle) -> frozenset[int]:
        self.asked.append(circle)
        answer = self.answer
        if self.gate is not None:
            await self.gate.wait()
        return answer()


def failing(error: Exception) -> Callable[[], frozenset[int]]:
    def answer() -> frozenset[int]:
        raise error

    return answer


async def test_an_answer_is_good_for_five_minutes(clock: ManualClock) -> None:
    reader = Reader()
    teams = Teams(reader, clock)
    for _ in range(3):
        assert (await teams.of(TEAM)).members == {7}
    clock.advance(299)
    await teams.of(TEAM)
    assert len(reader.asked) == 1
    clock.advance(1)
    reader.answer = lambda: frozenset({8})
    assert (await teams.of(TEAM)).members == {8}


async def test_many_who_ask_at_once_ask_once(clock: ManualClock) -> None:
    reader = Reader()
    reader.gate = asyncio.Event()
    teams = Teams(reader, clock)
    asking = [asyncio.create_task(teams.of(TEAM)) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking[0].cancel()
    reader.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(not isinstance(one, BaseException) and one.members == {7} for one in found[1:])
    assert len(reader.asked) == 1


async def test_an_event_makes_one_account_be_asked_again(clock: ManualClock) -> None:
    reader = Reader()
    teams = Teams(reader, clock)
    await teams.of(TEAM)
    await teams.of(OTHER)
    teams.forget("Acme/")
    await teams.of(TEAM)
    await teams.of(OTHER)
    assert reader.asked == [TEAM, OTHER, TEAM]
    teams.forget("octo/some-repository")
    await teams.of(OTHER)
    assert reader.asked[3:] == [OTHER]
    teams.forget_all()
    await teams.of(TEAM)
    await teams.of(OTHER)
    assert len(reader.asked) == 6


async def test_an_answer_from_before_an_event_is_not_remembered(clock: ManualClock) -> None:
    reader = Reader()
    reader.gate = asyncio.Event()
    teams = Teams(reader, clock)
    asking = asyncio.create_task(teams.of(TEAM))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    teams.forget("acme/")
    reader.gate.set()
    await asking
    reader.answer = frozenset
    assert (await teams.of(TEAM)).members == frozenset()


async def test_a_team_that_is_gone_has_nobody_in_it_at_once(clock: ManualClock) -> None:
    reader = Reader()
    teams = Teams(reader, clock)
    await teams.of(TEAM)
    clock.advance(300)
    reader.answer = failing(Gone("GitHub has no team acme/platform"))
    found = await teams.of(TEAM)
    assert (found.members, found.reason) == (None, "GitHub has no team acme/platform")


async def test_without_an_answer_the_last_one_holds_for_an_hour(clock: ManualClock) -> None:
    reader = Reader()
    teams = Teams(reader, clock)
    await teams.of(TEAM)
    reader.answer = failing(Unknown("GitHub answered 502"))
    clock.advance(3_599)
    assert (await teams.of(TEAM)).members == {7}
    clock.advance(1)
    found = await teams.of(TEAM)
    assert found.members is None
    assert "more than an hour" in found.reason
    clock.advance(31)
    reader.answer = lambda: frozenset({9})
    assert (await teams.of(TEAM)).members == {9}


async def test_a_failing_github_is_asked_every_half_minute_only(clock: ManualClock) -> None:
    reader = Reader()
    teams = Teams(reader, clock)
    reader.answer = failing(Unknown("GitHub answered 502"))
    for _ in range(10):
        found = await teams.of(TEAM)
        assert (found.members, found.reason) == (None, "GitHub answered 502")
    assert len(reader.asked) == 1
    clock.advance(30)
    await teams.of(TEAM)
    assert len(reader.asked) == 2


async def test_closing_ends_what_is_under_way(clock: ManualClock) -> None:
    reader = Reader()
    reader.gate = asyncio.Event()
    teams = Teams(reader, clock)
    asking = asyncio.create_task(teams.of(TEAM))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await teams.close()
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], BaseException)
