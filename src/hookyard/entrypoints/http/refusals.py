"""Refusals of known callers go into the audit trail, each kind at most once a minute."""

from collections import OrderedDict

import structlog
from starlette.requests import Request

from hookyard.adapters.database.port import Database
from hookyard.core.audit.model import AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

EVERY_MS = 60_000
REMEMBERED = 1_024

log = structlog.get_logger("hookyard.http")


class RefusalTrail:
    """Records who was refused what. A caller who keeps trying cannot fill the disk."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._told: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def record(self, request: Request, reason: str) -> None:
        """One refused request; nothing for a caller nobody knows."""
        actor: Actor | None = getattr(request.state, "actor", None)
        action: str | None = getattr(request.state, "action", None)
        if actor is None or action is None or not self._is_news(actor.label, action):
            return
        target = f"{request.method} {request.url.path}"[:300]
        entry = AuditEntry(actor.label, action, target, AuditOutcome.REFUSED, reason)
        now_ms = self._clock.now_ms()
        try:
            await self._database.write(lambda unit: self._audit.record(unit, entry, now_ms))
        except HookyardError as error:
            log.warning("refusal_not_recorded", actor=actor.label, reason=error.detail)

    def _is_news(self, label: str, action: str) -> bool:
        now_ms = self._clock.now_ms()
        key = (label, action)
        told = self._told.pop(key, None)
        if told is not None and now_ms - told < EVERY_MS:
            self._told[key] = told
            return False
        self._told[key] = now_ms
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True
