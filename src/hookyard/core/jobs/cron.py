"""Jobs by the calendar: declared in code, fenced by a row, each due time once.

One process at a time keeps the calendar (see `election`); should two believe that they do, the
term refuses the one that was replaced, and the row of a due time lets one tick win.

Expressions are read in UTC. Ticks that were missed while nothing ran collapse into one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from sqlalchemy import insert, select, update

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.election import Fence
from hookyard.core.jobs.model import JobId, KeyPolicy, Lane, NewJob
from hookyard.core.jobs.port import JobRequests
from hookyard.core.jobs.store import CRON
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import JsonObject, as_object

TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class CronSpec:
    """A job to enqueue at every match of a five-field cron expression, in UTC.

    While a run is unfinished the next one is dropped into it, unless `overlaps`.
    """

    name: str
    expression: str
    kind: str
    payload: JsonObject = field(default_factory=dict)
    lane: Lane | None = None
    overlaps: bool = False


def next_after(expression: str, now_ms: int) -> int:
    """The first instant after `now_ms` that matches; ConfigurationError when none ever will."""
    after = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
    try:
        match: datetime = next(CronSim(expression, after))
    except (CronSimError, StopIteration):
        raise ConfigurationError(
            f"the cron expression {expression!r} is not valid or never matches"
        ) from None
    return int(match.timestamp() * 1000)


class Cron:
    """Enqueues what is due, however many tick."""

    def __init__(self, requests: JobRequests, specs: Sequence[CronSpec], clock: Clock) -> None:
        self._requests = requests
        self._specs = {spec.name: spec for spec in specs}
        self._clock = clock
        if len(self._specs) != len(specs):
            raise ConfigurationError("two cron jobs have the same name")

    def sync(self, unit: Unit) -> None:
        """Make the rows say what the code declares; what it no longer names is switched off."""
        now_ms = self._clock.now_ms()
        unit.lock("cron-sync")
        there = {row["name"]: row for row in unit.fetch(select(CRON))}
        for spec in self._specs.values():
            values: dict[str, str | int] = {
                "expression": spec.expression,
                "kind": spec.kind,
                "payload": store.encode(spec.payload),
                "enabled": 1,
            }
            row = there.get(spec.name)
            kept = row is not None and row["expression"] == spec.expression and row["enabled"]
            if not kept:
                values["next_run_ms"] = next_after(spec.expression, now_ms)
            if row is None:
                unit.run(insert(CRON).values(name=spec.name, **values))
            else:
                unit.run(update(CRON).where(CRON.c.name == spec.name).values(**values))
        gone = [name for name in there if name not in self._specs]
        if gone:
            unit.run(update(CRON).where(CRON.c.name.in_(gone)).values(enabled=0))

    def tick(self, unit: Unit, now_ms: int) -> Sequence[JobId]:
        """Enqueue every cron job that is due, once; the jobs that will do the work."""
        due = unit.fetch(
            select(CRON).where(CRON.c.enabled == 1, CRON.c.next_run_ms <= now_ms)
            .order_by(CRON.c.name)
        )  # fmt: skip
        return [
            job_id
            for row in due
            if (
                job_id := self._fire(
                    unit, str(row["name"]), int(row["next_run_ms"]), str(row["expression"]),
                    str(row["kind"]), str(row["payload"]), now_ms,
                )
            )
            is not None
        ]  # fmt: skip

    def _fire(
        self,
        unit: Unit,
        name: str,
        due_ms: int,
        expression: str,
        kind: str,
        payload: str,
        now_ms: int,
    ) -> JobId | None:
        fence = update(CRON).where(
            CRON.c.name == name, CRON.c.next_run_ms == due_ms, CRON.c.enabled == 1
        )
        later_ms = next_after(expression, now_ms)
        if not unit.run(fence.values(next_run_ms=later_ms, last_run_ms=now_ms)):
            return None
        spec = self._specs.get(name)
        overlaps = spec is not None and spec.overlaps
        asked = self._requests.enqueue(
            unit,
            NewJob(
                kind=kind,
                payload=as_object(store.decoded(payload)),
                lane=None if spec is None else spec.lane,
                key=None if overlaps else f"cron:{name}",
                policy=None if overlaps else KeyPolicy.DROP_NEW,
            ),
        )
        unit.run(update(CRON).where(CRON.c.name == name).values(last_job_id=asked.job_id))
        return asked.job_id

    async def turn(self, fence: Fence) -> Sequence[JobId]:
        """One tick under the term of whoever keeps the calendar."""
        return await fence.write(lambda unit: self.tick(unit, self._clock.now_ms()))
