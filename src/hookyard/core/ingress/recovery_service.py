"""Asking for recovery, and what can be said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress import recovery_store as store
from hookyard.core.ingress.recovery_jobs import KIND, key_of
from hookyard.core.ingress.recovery_model import ItemState, Plan, Unplanned
from hookyard.core.jobs.model import KeyPolicy, NewJob
from hookyard.core.jobs.port import JobRequests
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.json import Json


@dataclass(frozen=True, slots=True)
class Asked:
    """The job that will do it for one source."""

    source: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a source was looked through, and what is still to be had."""

    possible: bool
    reason: str | None
    watermark_ms: int | None
    pending: int


class Recovery:
    """What can be recovered, and from where."""

    def __init__(
        self, jobs: JobRequests, plans: Mapping[str, Plan | Unplanned], *, automatic: bool
    ) -> None:
        self._jobs = jobs
        self._plans = plans
        self._automatic = automatic

    def request(
        self, unit: Unit, source: str | None, since_ms: int, *, dry_run: bool
    ) -> Sequence[Asked]:
        """One job for the source, or for each that can be recovered.

        NotFound for no such source; Invalid (`not_recoverable`) says what it lacks.
        """
        return [
            Asked(plan.source, self._enqueue(unit, plan.source, since_ms, dry_run=dry_run))
            for plan in self._chosen(source)
        ]

    def request_now(self, unit: Unit, source: str) -> str | None:
        """Look through everything since the watermark, for a source that has fallen silent; the
        job, or None where nothing can be recovered or nobody wants it by itself."""
        if not self._automatic or not isinstance(self._plans.get(source), Plan):
            return None
        payload: dict[str, Json] = {"source": source, "everything": True}
        # why: a look of another kind may be under way, and must not swallow this one.
        job = NewJob(KIND.name, payload, key=key_of(source), policy=KeyPolicy.QUEUE)
        return self._jobs.enqueue(unit, job).job_id

    def standings(self, unit: Unit) -> Mapping[str, Standing]:
        """Every configured source."""
        marks = store.watermarks(unit)
        return {source: self._standing(unit, source, marks) for source in self._plans}

    def _standing(self, unit: Unit, source: str, marks: Mapping[str, int]) -> Standing:
        plan = self._plans[source]
        if isinstance(plan, Unplanned):
            return Standing(possible=False, reason=plan.reason, watermark_ms=None, pending=0)
        pending = store.counts(unit, source).get(ItemState.PENDING.value, 0)
        return Standing(possible=True, reason=None, watermark_ms=marks.get(source), pending=pending)

    def _chosen(self, source: str | None) -> Sequence[Plan]:
        if source is None:
            plans = [plan for plan in self._plans.values() if isinstance(plan, Plan)]
            if not plans:
                raise Invalid("no source can be recovered; see GET /api/sources for what each "
                              "lacks", code="not_recoverable")  # fmt: skip
            return plans
        found = self._plans.get(source)
        if found is None:
            raise NotFound(f"there is no source {source}")
        if isinstance(found, Unplanned):
            raise Invalid(
                f"source {source} cannot be recovered: {found.reason}", code="not_recoverable"
            )
        return [found]

    def _enqueue(self, unit: Unit, source: str, since_ms: int, *, dry_run: bool) -> str:
        payload: dict[str, Json] = {"source": source, "since_ms": since_ms, "dry_run": dry_run}
        job = NewJob(KIND.name, payload, key=key_of(source), policy=KeyPolicy.QUEUE)
        return self._jobs.enqueue(unit, job).job_id
