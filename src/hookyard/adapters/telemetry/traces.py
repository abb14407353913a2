"""Traces: what a delivery led to, as spans of one trace.

Every id is derived from the id of what the span is about, so nothing has to be stored or handed
on for a delivery's jobs to join its trace, in whichever process they run. Spans are written once
they have ended. None carries a secret, a body or words from outside.

delivery ─┬─ job (one span for each attempt) ── GitHub call
          └─ job …
"""

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Protocol, TypeAlias

from hookyard.adapters.github.report import CallReport
from hookyard.kit.clock import Clock

Attribute: TypeAlias = str | int
NS_OF_MS = 1_000_000
MAX_CODE = 64


class SpanKind(Enum):
    """Which side of an exchange a span tells of."""

    SERVER = "server"
    CONSUMER = "consumer"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a trace something happens: 128 bits of trace, 64 bits of span."""

    trace_id: int
    span_id: int


@dataclass(frozen=True, slots=True)
class Span:
    """Something that happened, with instants in nanoseconds since the epoch."""

    name: str
    kind: SpanKind
    place: Place
    parent: Place | None
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Attribute]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """An ended attempt of a job. `outcome` is how it ended, `failed` whether that is a failure."""

    job_id: str
    lease: int
    kind: str
    lane: str
    attempt: int
    outcome: str
    failed: bool
    started_at_ms: int
    delivery_id: str | None = None
    repository: str | None = None
    code: str = ""


_HERE: ContextVar[Place | None] = ContextVar("hookyard_trace_place", default=None)


class SpanSink(Protocol):
    """Takes spans away; must be quick and must not raise."""

    def emit(self, span: Span) -> None:
        """Take one span."""
        ...

    def close(self) -> None:
        """Send what is left; gives up after some seconds."""
        ...


def place_of_delivery(delivery_id: str) -> Place:
    """The root of everything a delivery led to."""
    return Place(_bits(f"delivery/{delivery_id}", 16), _bits(f"received/{delivery_id}", 8))


def place_of_attempt(job_id: str, lease: int, delivery_id: str | None) -> Place:
    """One attempt: in its delivery's trace, or in its job's own where no delivery led to it."""
    trace = place_of_delivery(delivery_id).trace_id if delivery_id else _bits(f"job/{job_id}", 16)
    return Place(trace, _bits(f"attempt/{job_id}/{lease}", 8))


class Traces:
    """Tells a sink what was received, run and called. Used on the event loop only."""

    def __init__(self, sink: SpanSink, clock: Clock, random: Random) -> None:
        self._sink = sink
        self._clock = clock
        self._random = random

    def received(
        self, delivery_id: str, provider: str, source: str, seconds: float, *, duplicate: bool
    ) -> None:
        """A delivery was taken in and is on disk; `seconds` since its request began.

        A duplicate belongs to the trace of the delivery that it repeats.
        """
        root, end_ns = place_of_delivery(delivery_id), self._now_ns()
        self._sink.emit(
            Span(
                name=f"receive {provider}",
                kind=SpanKind.SERVER,
                place=self._next(root) if duplicate else root,
                parent=root if duplicate else None,
                start_ns=end_ns - round(seconds * 1e9),
                end_ns=end_ns,
                attributes={
                    "hookyard.delivery.id": delivery_id,
                    "hookyard.provider": provider,
                    "hookyard.source": source,
                    "hookyard.delivery.status": "duplicate" if duplicate else "accepted",
                },
            )
        )

    def enter(self, job_id: str, lease: int, delivery_id: str | None) -> None:
        """What this task and those it starts do from here on is done for this attempt."""
        _HERE.set(place_of_attempt(job_id, lease, delivery_id))

    def attempted(self, facts: AttemptFacts) -> None:
        """An attempt ended and that is recorded."""
        attributes: dict[str, Attribute] = {
            "hookyard.job.id": facts.job_id,
            "hookyard.job.kind": facts.kind,
            "hookyard.job.lane": facts.lane,
            "hookyard.job.attempt": facts.attempt,
            "hookyard.job.outcome": facts.outcome,
        }
        named = {
            "hookyard.delivery.id": facts.delivery_id,
            "hookyard.repository": facts.repository,
            "error.type": facts.code[:MAX_CODE],
        }
        attributes |= {name: value for name, value in named.items() if value}
        self._sink.emit(
            Span(
                name=f"job {facts.kind}",
                kind=SpanKind.CONSUMER,
                place=place_of_attempt(facts.job_id, facts.lease, facts.delivery_id),
                parent=place_of_delivery(facts.delivery_id) if facts.delivery_id else None,
                start_ns=facts.started_at_ms * NS_OF_MS,
                end_ns=max(self._now_ns(), facts.started_at_ms * NS_OF_MS),
                attributes=attributes,
                failed=facts.failed,
            )
        )

    def called(self, report: CallReport) -> None:
        """An exchange with GitHub, in the attempt that made it or in a trace of its own.

        # spec: opentelemetry.io, semantic conventions for HTTP client spans: status 400 and above
        is an error there; `error.type` is the status, or a word where no answer came.
        """
        here, end_ns = _HERE.get(), self._now_ns()
        attributes: dict[str, Attribute] = {
            "http.request.method": report.method,
            "url.template": report.route,
            "peer.service": "github",
        }
        if report.status:
            attributes["http.response.status_code"] = report.status
        if report.request_id:
            attributes["github.request_id"] = report.request_id
        failed = not 0 < report.status < 400
        if failed:
            attributes["error.type"] = str(report.status) if report.status else "no_answer"
        self._sink.emit(
            Span(
                name=f"{report.method} {report.route}",
                kind=SpanKind.CLIENT,
                place=self._next(here),
                parent=here,
                start_ns=end_ns - round(report.duration_ms * NS_OF_MS),
                end_ns=end_ns,
                attributes=attributes,
                failed=failed,
            )
        )

    def close(self) -> None:
        """Send what is left; may block for some seconds."""
        self._sink.close()

    def _next(self, parent: Place | None) -> Place:
        """A place nobody had before, under a parent or in a trace of its own."""
        trace_id = self._random.getrandbits(128) or 1 if parent is None else parent.trace_id
        return Place(trace_id, self._random.getrandbits(64) or 1)

    def _now_ns(self) -> int:
        return self._clock.now_ms() * NS_OF_MS


def _bits(text: str, size: int) -> int:
    """`size` bytes of a digest as a number that is not zero, which no trace or span may have."""
    digest = hashlib.blake2b(text.encode(), digest_size=size, person=b"hookyard-trace").digest()
    return int.from_bytes(digest) or 1
