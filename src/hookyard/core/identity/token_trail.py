"""Refusals of tokens that a trusted issuer did sign go into the audit trail.

Each kind of each issuer at most once a minute: whoever keeps trying cannot fill the disk. What
nobody we trust has signed is not recorded, since anybody can send that.
"""

import structlog

from hookyard.adapters.database.port import Database
from hookyard.core.audit.model import DEFAULT_TENANT, AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Refused
from hookyard.kit.errors import HookyardError

EVERY_MS = 60_000
ACTION = "tokens.accept"

log = structlog.get_logger("hookyard.identity")


class TokenTrail:
    """Implements `Trail`. Its memory is bounded by the issuers and the kinds there are."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        self._told_ms: dict[tuple[str, str], int] = {}

    async def refused(self, issuer_id: str, refusal: Refused, now_ms: int) -> None:
        """One refused token. Nothing that it holds is repeated."""
        key = (issuer_id, refusal.code)
        if abs(now_ms - self._told_ms.get(key, -EVERY_MS)) < EVERY_MS:
            return
        self._told_ms[key] = now_ms
        label = f"issuer:{issuer_id}"
        entry = AuditEntry(
            label, ACTION, refusal.code, AuditOutcome.REFUSED, refusal.detail, tenant=DEFAULT_TENANT
        )
        try:
            await self._database.write(lambda unit: self._audit.record(unit, entry, now_ms))
        except HookyardError as error:
            log.warning("token_refusal_not_recorded", issuer=issuer_id, reason=error.detail)
