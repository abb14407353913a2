"""Effects over HTTP: what should stand on GitHub, what stands there, and what holds the rest."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import (
    Cursor,
    Id,
    IdQuery,
    Limit,
    RepositoryQuery,
    Require,
    allow,
    visible,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.core.publishing.model import EffectFilter, EffectRecord, EffectState
from hookyard.core.publishing.service import Publisher
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import NotFound
from hookyard.kit.pages import clamp_limit


@dataclass(frozen=True, slots=True)
class EffectOut:
    """One write to GitHub. `held_by` names the limit it waits for, `url` where it landed."""

    id: str
    key: str
    kind: str
    repository: str
    state: Literal["pending", "landed", "dead"]
    urgency: Literal["interactive", "check", "campaign"]
    generation: int
    landed_generation: int
    external_id: str | None
    url: str | None
    error: str | None
    held_by: str | None
    held_until: str | None
    job_id: str | None
    delivery_id: str | None
    requested_at: str
    landed_at: str | None
    desired: object


@dataclass(frozen=True, slots=True)
class EffectsOut:
    """A page of effects, newest first."""

    items: list[EffectOut]
    next_cursor: str | None


def effect_filter(
    delivery_id: IdQuery = None,
    job_id: IdQuery = None,
    repository: RepositoryQuery = None,
    state: Annotated[EffectState | None, Query()] = None,
) -> EffectFilter:
    """Which effects a list shows."""
    return EffectFilter(delivery_id, job_id, repository, state)


def router(database: Database, publisher: Publisher, require: Require) -> APIRouter:
    """The routes under /api/effects."""
    routes = APIRouter(prefix="/api/effects", tags=["effects"])
    reader = Depends(require(Action.EFFECTS_READ))

    @routes.get("")
    async def list_effects(
        actor: Annotated[Actor, reader],
        wanted: Annotated[EffectFilter, Depends(effect_filter)],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> EffectsOut:
        """Effects, newest first. A key that reaches only some repositories must name one."""
        allow(actor, Action.EFFECTS_READ, wanted.repository)
        page = await database.read(
            lambda unit: publisher.list(unit, wanted, cursor, clamp_limit(limit))
        )
        return EffectsOut([effect_out(found) for found in page.items], page.next_cursor)

    @routes.get("/{effect_id}")
    async def get_effect(actor: Annotated[Actor, reader], effect_id: Id) -> EffectOut:
        """One effect: what is wanted, what GitHub shows, why it waits or died."""
        found = await database.read(lambda unit: publisher.get(unit, effect_id))
        if found is None:
            raise NotFound("there is no such effect")
        visible(actor, Action.EFFECTS_READ, found.repository, "effect")
        return effect_out(found)

    return routes


def effect_out(found: EffectRecord) -> EffectOut:
    """An effect on the wire."""
    return EffectOut(
        id=found.id,
        key=found.key,
        kind=found.kind,
        repository=found.repository,
        state=found.state.value,
        urgency=found.urgency.value,
        generation=found.generation,
        landed_generation=found.landed_generation,
        external_id=found.external_id,
        url=found.url,
        error=found.error,
        held_by=found.held_by,
        held_until=_instant(found.held_until_ms),
        job_id=found.job_id,
        delivery_id=found.delivery_id,
        requested_at=to_rfc3339(found.requested_at_ms),
        landed_at=_instant(found.landed_at_ms),
        desired=found.desired,
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
