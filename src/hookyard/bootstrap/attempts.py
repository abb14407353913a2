"""What surrounds an attempt: log lines inside carry its ids, calls join its delivery's trace."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from structlog.contextvars import bind_contextvars

from hookyard.adapters.telemetry.traces import AttemptFacts, Traces
from hookyard.core.jobs.model import Job, JobContext, JobHandler, Outcome
from hookyard.core.jobs.rules import AttemptEnd, Step
from hookyard.kit.json import as_object, as_text

FAILURES = frozenset({AttemptEnd.RETRIED, AttemptEnd.FAILED, AttemptEnd.LOST})


Around: TypeAlias = Callable[[Sequence[JobHandler]], Sequence[JobHandler]]


def as_they_are(handlers: Sequence[JobHandler]) -> Sequence[JobHandler]:
    """The handlers, run in this process."""
    return handlers


class Surrounded:
    """A handler whose task is named in logs and, where tracing is on, placed in a trace.

    Every attempt runs in a task of its own, so what is set here ends with it.
    """

    def __init__(self, handler: JobHandler, traces: Traces | None) -> None:
        self.kind = handler.kind
        self._handler = handler
        self._traces = traces

    async def __call__(self, ctx: JobContext) -> Outcome:
        job = ctx.job
        if job.delivery_id is None:
            bind_contextvars(job_id=job.id)
        else:
            bind_contextvars(job_id=job.id, delivery_id=job.delivery_id)
        if self._traces is not None:
            self._traces.enter(job.id, job.lease, job.delivery_id)
        return await self._handler(ctx)


def surround(handlers: Sequence[JobHandler], traces: Traces | None) -> tuple[JobHandler, ...]:
    """The same handlers, each surrounded."""
    return tuple(Surrounded(handler, traces) for handler in handlers)


class TracedEndings:
    """Tells traces of attempts that ended; listens to the runner."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def __call__(self, job: Job, step: Step) -> None:
        """One attempt. Its error's words stay in the ledger; only their code is told."""
        if job.started_at_ms is None:
            return
        self._traces.attempted(
            AttemptFacts(
                job_id=job.id,
                lease=job.lease,
                kind=job.kind,
                lane=job.lane.value,
                attempt=job.attempt,
                outcome=step.ended.value,
                failed=step.ended in FAILURES,
                started_at_ms=job.started_at_ms,
                delivery_id=job.delivery_id,
                repository=job.repository,
                code=as_text(as_object(step.error).get("code")),
            )
        )
