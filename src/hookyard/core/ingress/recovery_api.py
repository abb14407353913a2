"""Recovery and sources over HTTP: pull what never arrived; how each source is doing."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Gate
from hookyard.core.identity.model import Action, Actor
from hookyard.core.ingress.api import Trail
from hookyard.core.ingress.recovery_rules import instant_of
from hookyard.core.ingress.recovery_service import Recovery, Standing
from hookyard.core.ingress.silence_service import Pulse, Pulses
from hookyard.kit.clock import Clock, to_rfc3339

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class RecoverIn(BaseModel):
    """What to pull. `since` is `30m`, `6h`, `3d` or an RFC 3339 instant; all sources unless one
    is named. A dry run only counts."""

    model_config = ConfigDict(extra="forbid")

    source: SourceName | None = None
    since: Annotated[str, Field(max_length=40)] = "6h"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AskedOut:
    """The job of one source."""

    source: str
    job_id: str


@dataclass(frozen=True, slots=True)
class RecoverOut:
    """The jobs that recover; `job_id` is the first of them."""

    job_id: str
    jobs: list[AskedOut]


@dataclass(frozen=True, slots=True)
class RecoveryOut:
    """Whether a source can be recovered, and how far it was looked through."""

    possible: bool
    reason: str | None
    watermark: str | None
    pending: int


@dataclass(frozen=True, slots=True)
class SourceOut:
    """A configured source and how it is doing. `usual_gap_s` is that of the present hour; a
    source that has said too little yet has none, and is never called silent."""

    id: str
    provider: str
    last_delivery_at: str | None
    usual_gap_s: float | None
    silent: bool
    silent_since: str | None
    recovery: RecoveryOut


@dataclass(frozen=True, slots=True)
class SourcesOut:
    """Every configured source, by id."""

    items: list[SourceOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SourcePorts:
    """What these routes are made of."""

    recovery: Recovery
    pulses: Pulses


def router(
    database: Database, ports: SourcePorts, trail: Trail, gate: Gate, clock: Clock
) -> APIRouter:
    """`POST /api/deliveries/recover` and `GET /api/sources`."""
    routes = APIRouter(tags=["deliveries"])

    @routes.post("/api/deliveries/recover", status_code=202)
    async def recover_deliveries(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.DELIVERIES_REPLAY))],
        wanted: RecoverIn,
    ) -> RecoverOut:
        """Pull deliveries that never arrived from the provider's own record, as a job."""
        since_ms = instant_of(wanted.since, clock.now_ms())

        def ask(unit: Unit) -> RecoverOut:
            asked = ports.recovery.request(unit, wanted.source, since_ms, dry_run=wanted.dry_run)
            for one in asked:
                trail(unit, actor, "deliveries.recover", one.source)
            return RecoverOut(asked[0].job_id, [AskedOut(o.source, o.job_id) for o in asked])

        return await database.write(ask)

    @routes.get("/api/sources")
    async def list_sources(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.DELIVERIES_READ))],
    ) -> SourcesOut:
        """Every source: when it last delivered, whether it is silent, what recovery can do."""

        def look(unit: Unit) -> SourcesOut:
            standings = ports.recovery.standings(unit)
            pulses = ports.pulses.of_all(unit)
            items = [_source_out(pulse, standings[pulse.source]) for pulse in pulses]
            return SourcesOut(items, None)

        return await database.read(look)

    return routes


def _source_out(pulse: Pulse, standing: Standing) -> SourceOut:
    return SourceOut(
        pulse.source,
        pulse.provider,
        _instant(pulse.last_delivery_ms),
        None if pulse.usual_gap_ms is None else round(pulse.usual_gap_ms / 1000, 1),
        pulse.silent_since_ms is not None,
        _instant(pulse.silent_since_ms),
        RecoveryOut(
            standing.possible, standing.reason, _instant(standing.watermark_ms), standing.pending
        ),
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
