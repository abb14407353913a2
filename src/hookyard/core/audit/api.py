"""The audit trail over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from hookyard.adapters.database.port import Database
from hookyard.core.audit.export import Report, export, verify
from hookyard.core.audit.model import AuditFilter, AuditOutcome, AuditRecord
from hookyard.core.audit.service import Audit, as_kept
from hookyard.core.audit.signing import trust
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.pages import clamp_limit

LINES = "application/x-ndjson"
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
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the trail, newest first."""

    items: list[AuditOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AuditReportOut:
    """What verifying the trail found. `broken_at` is the number of the first entry that does not
    hold; `keys` are the public keys whose checkpoints count."""

    tenant: str
    holds: bool
    entries: int
    checkpoints: int
    head: int
    head_hash: str
    broken_at: int | None
    reason: str
    keys: list[str]


def audit_filter(
    actor: Text = None,
    action: Text = None,
    target: Text = None,
    outcome: Annotated[AuditOutcome | None, Query()] = None,
) -> AuditFilter:
    """Which records a list shows."""
    actor, action, target = (
        None if text is None else as_kept(text) for text in (actor, action, target)
    )
    return AuditFilter(actor, action, target, outcome)


class Reader(Protocol):
    """The part of a caller that is used: whose trail is read."""

    @property
    def tenant(self) -> str:
        """The tenant."""
        ...


def router(
    database: Database,
    audit: Audit,
    reader: Callable[[Request], Awaitable[Reader]],
    keys: Sequence[str],
) -> APIRouter:
    """The routes of /api/admin/audit. `reader` refuses who may not read the whole trail; `keys`
    are the public keys whose checkpoints count."""
    routes = APIRouter(prefix="/api/admin/audit", tags=["identity"])

    @routes.get("")
    async def list_audit(
        caller: Annotated[Reader, Depends(reader)],
        wanted: Annotated[AuditFilter, Depends(audit_filter)],
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int | None, Query(ge=1, le=200)] = None,
    ) -> AuditPage:
        """What was done or refused, by whom and why; newest first."""
        page = await database.read(
            lambda u: audit.list_page(u, wanted, cursor, clamp_limit(limit), caller.tenant)
        )
        return AuditPage([audit_out(found) for found in page.items], page.next_cursor)

    @routes.get(
        "/export",
        response_class=StreamingResponse,
        responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}},
    )
    async def export_audit(caller: Annotated[Reader, Depends(reader)]) -> StreamingResponse:
        """The whole trail with its chain as JSON lines: head, checkpoints, entries, end."""
        return StreamingResponse(export(database, caller.tenant), media_type=LINES)

    @routes.get("/verify")
    async def verify_audit(caller: Annotated[Reader, Depends(reader)]) -> AuditReportOut:
        """Whether the trail holds from its first kept entry to its head, and where it breaks."""
        return report_out(await verify(database, caller.tenant, trust(keys)), keys)

    return routes


def report_out(found: Report, keys: Sequence[str]) -> AuditReportOut:
    """A report on the wire."""
    broken = found.broken
    return AuditReportOut(
        tenant=found.tenant,
        holds=broken is None,
        entries=found.entries,
        checkpoints=found.checkpoints,
        head=found.head_seq,
        head_hash=found.head_hash,
        broken_at=None if broken is None else broken.seq,
        reason="" if broken is None else broken.what,
        keys=list(keys),
    )


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
        seq=found.seq,
        hash=found.hash,
    )
