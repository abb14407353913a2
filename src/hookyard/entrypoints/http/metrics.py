"""`GET /metrics`: what the process counted, and what the database says, read seldom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from hookyard.adapters.database.port import Unit
from hookyard.bootstrap import Yard
from hookyard.core.identity.model import Action
from hookyard.core.identity.rules import may_enter
from hookyard.core.ingress.silence_service import Pulse
from hookyard.core.jobs.model import JobState, Lane
from hookyard.core.publishing.model import EffectState
from hookyard.entrypoints.http.once import Seldom
from hookyard.entrypoints.http.security import Guard
from hookyard.entrypoints.http.sourcemetrics import source_series
from hookyard.kit.errors import Forbidden

log = structlog.get_logger("hookyard.http")

EVERY_S = 5.0
RECENT_MS = 600_000
LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the database said at one instant."""

    jobs: Mapping[tuple[JobState, Lane], int]
    oldest_s: Mapping[Lane, float]
    effects: Mapping[EffectState, int]
    deliveries: Mapping[str, int]
    commits: int
    unknown: int
    sources: Sequence[Pulse]
    budgets: Mapping[str, int]
    at_ms: int


class DatabaseNumbers:
    """A collector of the numbers that were read last; reading is not its work."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.latest: Numbers | None = None
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the series come with the first numbers."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The series of the last numbers."""
        numbers = self.latest
        if numbers is None:
            return
        queue = GaugeMetricFamily(
            "tasks_in_queue", "Jobs by lane and state", labels=["lane", "state"]
        )
        for (state, lane), count in numbers.jobs.items():
            queue.add_metric([lane.value, state.value], count)
        yield queue
        oldest = GaugeMetricFamily(
            "hookyard_queue_oldest_seconds",
            "How long the oldest ready job of a lane has been waiting",
            labels=["lane"],
        )
        for lane in Lane:
            oldest.add_metric([lane.value], numbers.oldest_s.get(lane, 0.0))
        yield oldest
        effects = GaugeMetricFamily("hookyard_effects", "Effects by state", labels=["state"])
        for found, count in numbers.effects.items():
            effects.add_metric([found.value], count)
        yield effects
        recent = GaugeMetricFamily(
            "hookyard_deliveries_recent",
            "Deliveries received in the last ten minutes, by status",
            labels=["status"],
        )
        for status, count in numbers.deliveries.items():
            recent.add_metric([status], count)
        yield recent
        yield GaugeMetricFamily(
            "hookyard_jobs_unknown_kind",
            "Jobs that wait because no worker knows their kind or its version",
            numbers.unknown,
        )
        budgets = GaugeMetricFamily(
            "hookyard_budgets",
            "Budgets of projects in the present day or month: nearly used up, or used up",
            labels=["state"],
        )
        for name, count in numbers.budgets.items():
            budgets.add_metric([name], count)
        yield budgets
        yield from source_series(numbers.sources, numbers.at_ms)
        yield CounterMetricFamily(
            "hookyard_database_commits", "Commits of the embedded database", numbers.commits
        )


class MetricsPage:
    """Answers /metrics: to local clients, and to those who may do `metrics.read`."""

    def __init__(self, yard: Yard, registry: CollectorRegistry, guard: Guard) -> None:
        self._yard = yard
        self._registry = registry
        self._guard = guard
        self._numbers = DatabaseNumbers(registry)
        self._reading = Seldom(self._read, EVERY_S, yard.clock)

    async def show(self, request: Request) -> Response:
        """The text; without the database's numbers while it cannot be reached."""
        await self._allow(request)
        try:
            self._numbers.latest = await self._reading.get()
        except Exception as error:
            log.warning("metrics_incomplete", error=f"{type(error).__name__}: {error}")
            self._numbers.latest = None
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _allow(self, request: Request) -> None:
        """# why: a proxy on this machine speaks from loopback too, and says for whom it does."""
        client = request.client.host if request.client else ""
        forwarded = any(name in request.headers for name in FORWARDED)
        if client in LOOPBACK and not forwarded:
            return
        actor = await self._guard.caller(request)
        decision = may_enter(actor, Action.METRICS_READ, everywhere=False)
        if not decision.allowed:
            raise Forbidden(decision.reason)

    async def _read(self) -> Numbers:
        return await self._yard.database.read(self._look)

    def _look(self, unit: Unit) -> Numbers:
        yard = self._yard
        now_ms = yard.clock.now_ms()
        since = yard.ledger.oldest_ready(unit)
        return Numbers(
            jobs=yard.ledger.counts(unit),
            oldest_s={lane: max(0, now_ms - at_ms) / 1000 for lane, at_ms in since.items()},
            effects=yard.publisher.counts(unit),
            deliveries=yard.deliveries.counts(unit, now_ms - RECENT_MS),
            commits=getattr(yard.database, "commits", 0),
            unknown=sum(yard.ledger.unknown_kinds(unit).values()),
            sources=yard.recovering.pulses.of_all(unit),
            budgets=yard.billing.ports.projects.marked(unit),
            at_ms=now_ms,
        )
