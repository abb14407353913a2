"""Who is in which team, as GitHub says it: remembered for five minutes, and no longer than an
hour when GitHub cannot be asked."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import structlog

from hookyard.core.identity.teams_rules import Circle, Membership
from hookyard.kit.clock import Clock

FRESH_MS = 300_000
STALE_MS = 3_600_000
PAUSE_MS = 30_000
ASK_S = 20.0

log = structlog.get_logger("hookyard.identity")


class Gone(Exception):
    """GitHub has no such team or organisation, or the App is not installed there."""


class Unknown(Exception):
    """GitHub could not say; the text says why, for logs and people."""


class TeamReader(Protocol):
    """Asks GitHub."""

    async def members(self, circle: Circle) -> frozenset[int]:
        """The numbers of everybody in a circle. Gone or Unknown when there is no answer."""
        ...


@dataclass(slots=True)
class _Kept:
    """What was heard last of a circle, and when to ask again."""

    membership: Membership
    read_at_ms: int
    ask_at_ms: int


class Teams:
    """Remembers circles. Only one question about a circle is under way at a time."""

    def __init__(self, reader: TeamReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._kept: dict[Circle, _Kept] = {}
        self._asking: dict[Circle, asyncio.Task[Membership]] = {}
        self._generation = 0

    async def of(self, circle: Circle) -> Membership:
        """Who is in a circle, not older than five minutes where GitHub answers."""
        kept = self._kept.get(circle)
        if kept is not None and self._clock.now_ms() < kept.ask_at_ms:
            return self._still(kept)
        asking = self._asking.get(circle)
        if asking is None:
            asking = asyncio.create_task(self._ask(circle))
            self._asking[circle] = asking
            asking.add_done_callback(lambda _: self._asking.pop(circle, None))
        # why: one caller who goes away must not take the answer from the others.
        return await asyncio.shield(asking)

    def forget(self, scope: str) -> None:
        """What is known of the account of "owner/" or "owner/name" must be asked for again."""
        self._generation += 1
        owner = scope.lower().partition("/")[0]
        for circle, kept in self._kept.items():
            if circle.org == owner:
                kept.ask_at_ms = 0

    def forget_all(self) -> None:
        """Everything must be asked for again: another process heard of a change."""
        self._generation += 1
        for kept in self._kept.values():
            kept.ask_at_ms = 0

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, circle: Circle) -> Membership:
        generation = self._generation
        try:
            async with asyncio.timeout(ASK_S):
                members = await self._reader.members(circle)
        except Gone as gone:
            return self._gone(circle, str(gone))
        except (Unknown, TimeoutError) as error:
            return self._failed(circle, str(error) or "GitHub took too long to answer")
        now_ms = self._clock.now_ms()
        # why: an answer that was under way when something changed may be from before it.
        is_current = generation == self._generation
        kept = _Kept(Membership(members), now_ms, now_ms + FRESH_MS if is_current else 0)
        self._kept[circle] = kept
        return kept.membership

    def _gone(self, circle: Circle, reason: str) -> Membership:
        now_ms = self._clock.now_ms()
        log.warning("team_gone", team=str(circle), reason=reason)
        kept = _Kept(Membership(None, reason), now_ms, now_ms + FRESH_MS)
        self._kept[circle] = kept
        return kept.membership

    def _failed(self, circle: Circle, reason: str) -> Membership:
        """Go on with what was known for at most an hour; then nobody is in it."""
        now_ms = self._clock.now_ms()
        kept = self._kept.get(circle)
        if kept is None or kept.membership.members is None:
            kept = _Kept(Membership(None, reason), 0, 0)
            self._kept[circle] = kept
        kept.ask_at_ms = now_ms + PAUSE_MS
        found = self._still(kept)
        age_s = None if kept.read_at_ms == 0 else (now_ms - kept.read_at_ms) // 1000
        log.warning("team_not_read", team=str(circle), reason=reason, age_s=age_s)
        return found

    def _still(self, kept: _Kept) -> Membership:
        is_old = self._clock.now_ms() >= kept.read_at_ms + STALE_MS
        if kept.membership.members is not None and is_old:
            return Membership(None, "GitHub could not be asked for more than an hour")
        return kept.membership
