"""Deliveries over HTTP: list, look, take the body, replay, and the counts of what was refused."""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.service import Audit
from hookyard.core.identity.gate import (
    Cursor,
    Gate,
    Id,
    Limit,
    RepositoryQuery,
    Require,
    Text,
    allow,
    may,
    visible,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.core.ingress.dictionary import decompress
from hookyard.core.ingress.model import DeliveryStatus, StoredBody
from hookyard.core.ingress.recovery_store import is_recovered
from hookyard.core.ingress.service import Deliveries, list_rejections
from hookyard.core.ingress.views import (
    DeliveriesOut,
    DeliveryDetailOut,
    RejectionsOut,
    ReplayOut,
    delivery_out,
    detail_out,
    rejection_out,
)
from hookyard.core.publishing.model import EffectFilter
from hookyard.core.publishing.service import Publisher
from hookyard.kit.clock import Clock
from hookyard.kit.pages import MAX_LIMIT, clamp_limit
from hookyard.kit.text import storable

MAX_BODY = 1 << 30
LARGE = 256 * 1024
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,100}(?:; ?[\w-]{1,20}=[\w.-]{1,60})?", re.ASCII)


class Trail:
    """Notes who did what to a delivery."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    def __call__(self, unit: Unit, actor: Actor, action: str, delivery_id: str) -> None:
        target = f"delivery:{delivery_id}"
        now_ms = self._clock.now_ms()
        self._audit.done(unit, actor.label, action, target, now_ms, actor.tenant)


def delivery_filters(
    source: Text = None,
    provider: Text = None,
    event: Text = None,
    action: Text = None,
    repository: RepositoryQuery = None,
    status: Annotated[DeliveryStatus | None, Query()] = None,
) -> Mapping[str, str]:
    """Which deliveries a list shows."""
    given = {
        "source": source,
        "provider": provider,
        "event": event,
        "action": action,
        "repository": repository,
        "status": status,
    }
    return {name: storable(value) for name, value in given.items() if value is not None}


def router(
    database: Database, deliveries: Deliveries, publisher: Publisher, trail: Trail, gate: Gate
) -> APIRouter:
    """The routes under /api/deliveries. Replays, and bodies taken, go into the audit trail."""
    routes = APIRouter(prefix="/api/deliveries", tags=["deliveries"])
    _lists(routes, database, deliveries, gate)
    _looks(routes, database, deliveries, publisher, gate.require)
    _takes(routes, database, deliveries, trail, gate.require)
    _replays(routes, database, deliveries, trail, gate.require)
    return routes


def _lists(routes: APIRouter, database: Database, deliveries: Deliveries, gate: Gate) -> None:
    @routes.get("")
    async def list_deliveries(
        actor: Annotated[Actor, Depends(gate.require(Action.DELIVERIES_READ))],
        filters: Annotated[Mapping[str, str], Depends(delivery_filters)],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> DeliveriesOut:
        """Deliveries, newest first. A key that reaches only some repositories must name one."""
        allow(actor, Action.DELIVERIES_READ, filters.get("repository"))
        page = await database.read(
            lambda unit: deliveries.list_page(unit, filters, cursor, clamp_limit(limit))
        )
        items = [delivery_out(row.delivery, row.jobs) for row in page.items]
        return DeliveriesOut(items, page.next_cursor)

    @routes.get("/rejections")
    async def list_refused(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.DELIVERIES_READ))],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> RejectionsOut:
        """How many requests were refused, by source, code and hour; newest hour first."""
        page = await database.read(lambda unit: list_rejections(unit, cursor, limit))
        return RejectionsOut([rejection_out(found) for found in page.items], page.next_cursor)


def _looks(
    routes: APIRouter,
    database: Database,
    deliveries: Deliveries,
    publisher: Publisher,
    require: Require,
) -> None:
    @routes.get("/{delivery_id}")
    async def get_delivery(
        actor: Annotated[Actor, Depends(require(Action.DELIVERIES_READ))], delivery_id: Id
    ) -> DeliveryDetailOut:
        """A delivery with its jobs and effects."""

        def look(unit: Unit) -> DeliveryDetailOut:
            row = deliveries.row(unit, delivery_id)
            visible(actor, Action.DELIVERIES_READ, row.delivery.repository, "delivery")
            wanted = EffectFilter(delivery_id=delivery_id)
            effects = publisher.list(unit, wanted, limit=MAX_LIMIT).items
            return detail_out(
                row.delivery,
                [job for job in row.jobs if not _is_foreign(actor, job.repository)],
                [found for found in effects if not _is_foreign(actor, found.repository)],
                recovered=is_recovered(unit, delivery_id),
            )

        return await database.read(look)


def _takes(
    routes: APIRouter, database: Database, deliveries: Deliveries, trail: Trail, require: Require
) -> None:
    @routes.get(
        "/{delivery_id}/payload",
        response_class=Response,
        responses={
            200: {
                "description": "The body, byte for byte as it came.",
                "content": {"*/*": {"schema": {}}},
            }
        },
    )
    async def get_payload(
        actor: Annotated[Actor, Depends(require(Action.DELIVERIES_REPLAY))], delivery_id: Id
    ) -> Response:
        """The body as it came, to save; its content type is kept."""

        def look(unit: Unit) -> StoredBody:
            delivery = deliveries.get(unit, delivery_id)
            visible(actor, Action.DELIVERIES_REPLAY, delivery.repository, "delivery")
            trail(unit, actor, "deliveries.payload", delivery_id)
            return deliveries.body(unit, delivery_id)

        body = await database.write(look)
        return await _as_file(delivery_id, body, await deliveries.packed(body))


def _replays(
    routes: APIRouter, database: Database, deliveries: Deliveries, trail: Trail, require: Require
) -> None:
    @routes.post("/{delivery_id}/replay", status_code=202)
    async def replay_delivery(
        actor: Annotated[Actor, Depends(require(Action.DELIVERIES_REPLAY))], delivery_id: Id
    ) -> ReplayOut:
        """Route the delivery again as if it had just come; 409 while it is being routed."""

        def again(unit: Unit) -> ReplayOut:
            delivery = deliveries.get(unit, delivery_id)
            visible(actor, Action.DELIVERIES_REPLAY, delivery.repository, "delivery")
            job = deliveries.replay(unit, delivery_id)
            trail(unit, actor, "deliveries.replay", delivery_id)
            return ReplayOut(delivery_id, job.id)

        return await database.write(again)


def _is_foreign(actor: Actor, repository: str | None) -> bool:
    """Whether it is about a repository the actor may not see."""
    return repository is not None and not may(actor, Action.DELIVERIES_READ, repository)


async def _as_file(delivery_id: str, body: StoredBody, payload: bytes) -> Response:
    """An answer that browsers save and never show, whatever a sender called it."""
    if len(payload) > LARGE:
        content = await asyncio.to_thread(decompress, payload, MAX_BODY, body.dictionary)
    else:
        content = decompress(payload, MAX_BODY, body.dictionary)
    known = _MEDIA_TYPE.fullmatch(body.content_type)
    headers = {
        "content-disposition": f'attachment; filename="{delivery_id}.body"',
        "content-type": body.content_type if known else "application/octet-stream",
    }
    return Response(content, headers=headers)
