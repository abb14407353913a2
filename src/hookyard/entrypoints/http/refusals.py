"""Refusals go into the audit trail: the first of its kind at once, more of it as a count.

A caller who keeps trying, or a crowd without credentials, costs one entry a minute for each kind,
and kinds are few: whatever is counted is bounded, so nobody can fill the disk or the memory.
"""

from collections import OrderedDict
from dataclasses import dataclass

import structlog
from starlette.requests import Request

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import DEFAULT_TENANT, Actor
from hookyard.core.jobs.redact import redact
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import HookyardError
from hookyard.kit.json import JsonObject

EVERY_MS = 60_000
FLUSH_S = 60.0
REMEMBERED = 1_024
STRANGER = "stranger"
AUTHENTICATE = "auth.refused"
OTHERS = "others"

log = structlog.get_logger("hookyard.http")


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes refusals the same."""

    tenant: str
    actor: str
    action: str
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """More refusals of a kind, since the last entry about it."""

    count: int
    first_ms: int
    last_ms: int
    target: str
    reason: str


class RefusalTrail:
    """Records who was refused what."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._told: OrderedDict[Kind, int] = OrderedDict()
        self._more: dict[Kind, Tally] = {}

    async def record(self, request: Request, reason: str) -> None:
        """A known caller was refused: written now, or counted when it was told a minute ago.
        Nothing for a caller nobody knows."""
        actor: Actor | None = getattr(request.state, "actor", None)
        action: str | None = getattr(request.state, "action", None)
        if actor is None or action is None:
            return
        await self.refused(actor, action, f"{request.method} {request.url.path}", reason)

    async def refused(self, actor: Actor, action: str, target: str, reason: str) -> None:
        """The same, where there is no request of the framework's. `action` is one of few."""
        kind = Kind(actor.tenant, actor.label, action)
        target = redact(target[:300])
        if not self._is_news(kind):
            self._count(kind, target, reason)
            return
        entry = AuditEntry(
            actor.label, action, target, AuditOutcome.REFUSED, reason, tenant=actor.tenant
        )
        now_ms = self._clock.now_ms()
        try:
            await self._database.write(lambda unit: self._audit.record(unit, entry, now_ms))
        except HookyardError as error:
            log.warning("refusal_not_recorded", actor=actor.label, reason=error.detail)

    def count_stranger(self, request: Request, reason: str) -> None:
        """Somebody came without a valid credential. Reasons are ours, and so few; who it was and
        what was tried is not kept: it is a stranger's text."""
        self.stranger(request.method, reason)

    def stranger(self, method: str, reason: str) -> None:
        """The same, where there is no request of the framework's."""
        self._count(Kind(DEFAULT_TENANT, STRANGER, AUTHENTICATE, reason), method, reason)

    async def flush(self) -> None:
        """Write what was counted; it is kept for the next time when that fails."""
        more, self._more = self._more, {}
        if not more:
            return
        now_ms = self._clock.now_ms()
        try:
            await self._database.write(lambda unit: self._write(unit, more, now_ms))
        except HookyardError as error:
            log.warning("refusals_not_recorded", reason=error.detail)
            for kind, tally in more.items():
                newer = self._more.get(kind)
                tally.count += newer.count if newer else 0
                tally.last_ms = newer.last_ms if newer else tally.last_ms
                self._more[kind] = tally

    async def run(self) -> None:
        """Flush every minute until cancelled."""
        while True:
            await self._clock.sleep(FLUSH_S)
            await self.flush()

    def _write(self, unit: Unit, more: dict[Kind, Tally], now_ms: int) -> None:
        for kind, tally in more.items():
            detail: JsonObject = {
                "count": tally.count,
                "first_at": to_rfc3339(tally.first_ms),
                "last_at": to_rfc3339(tally.last_ms),
            }
            entry = AuditEntry(
                kind.actor,
                kind.action,
                tally.target,
                AuditOutcome.REFUSED,
                tally.reason,
                detail,
                kind.tenant,
            )
            self._audit.record(unit, entry, now_ms)

    def _count(self, kind: Kind, target: str, reason: str) -> None:
        now_ms = self._clock.now_ms()
        if kind not in self._more and len(self._more) >= REMEMBERED:
            kind, target, reason = Kind(kind.tenant, OTHERS, OTHERS), "", "many callers at once"
        tally = self._more.setdefault(kind, Tally(0, now_ms, now_ms, target, reason))
        tally.count, tally.last_ms = tally.count + 1, now_ms
        tally.target, tally.reason = target, reason

    def _is_news(self, kind: Kind) -> bool:
        """Whether nothing like it was written within a minute, nor too much of anything."""
        now_ms = self._clock.now_ms()
        while self._told:
            oldest, at_ms = next(iter(self._told.items()))
            if now_ms - at_ms < EVERY_MS:
                break
            del self._told[oldest]
        if kind in self._told or len(self._told) >= REMEMBERED:
            return False
        self._told[kind] = now_ms
        return True
