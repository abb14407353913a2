"""The audit trail over HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request

from hookyard.adapters.database.port import Database
from hookyard.core.audit.model import AuditFilter, AuditOutcome, AuditRecord
from hookyard.core.audit.service import Audit, storable
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.pages import clamp_limit

Reader = TypeVar("Reader")
Text = Annotated[str | None, Query(max_length=300)]


@dataclass(frozen=True, slots=True)
class AuditOut:
    """One thing somebody did or was refused."""

    id: str
    at: str
    actor: str
    action: str
    target: str
    outcome: Literal["done", "refused", "failed"]
    reason: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the trail, newest first."""

    items: list[AuditOut]
    next_cursor: str | None


def audit_filter(
    actor: Text = None,
    action: Text = None,
    target: Text = None,
    outcome: Annotated[AuditOutcome | None, Query()] = None,
) -> AuditFilter:
    """Which records a list shows."""
    actor, action, target = (
        None if text is None else storable(text) for text in (actor, action, target)
    )
    return AuditFilter(actor, action, target, outcome)


def router(
    database: Database, audit: Audit, reader: Callable[[Request], Awaitable[Reader]]
) -> APIRouter:
    """The route /api/admin/audit. `reader` refuses who may not read the whole trail."""
    routes = APIRouter(prefix="/api/admin/audit", tags=["identity"], dependencies=[Depends(reader)])

    @routes.get("")
    async def list_audit(
        wanted: Annotated[AuditFilter, Depends(audit_filter)],
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int | None, Query(ge=1, le=200)] = None,
    ) -> AuditPage:
        """What was done or refused, by whom and why; newest first."""
        page = await database.read(
            lambda unit: audit.list_page(unit, wanted, cursor, clamp_limit(limit))
        )
        return AuditPage([audit_out(found) for found in page.items], page.next_cursor)

    return routes


def audit_out(found: AuditRecord) -> AuditOut:
    """A record on the wire."""
    entry = found.entry
    return AuditOut(
        id=found.id,
        at=to_rfc3339(found.at_ms),
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        outcome=entry.outcome.value,
        reason=entry.reason,
        detail=dict(entry.detail),
    )
