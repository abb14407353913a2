"""Spans: whose trace they join, what they say, and that they reach a collector."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from random import Random

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hookyard.adapters.github.report import CallReport
from hookyard.adapters.telemetry import otlp
from hookyard.adapters.telemetry.otlp import OtlpSink, open_sink, traces_url
from hookyard.adapters.telemetry.traces import (
    AttemptFacts,
    Traces,
    place_of_attempt,
    place_of_delivery,
)
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from tests.support.collector import attributes, collecting

NS = 1_000_000


class Desk:
    """Traces into memory."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self._memory = InMemorySpanExporter()
        self.traces = Traces(OtlpSink(SimpleSpanProcessor(self._memory), "1.2"), clock, Random(1))

    def receive(self, *, duplicate: bool = False) -> ReadableSpan:
        self.traces.received("d1", "github", "main", 0.25, duplicate=duplicate)
        return self.last

    def attempt(self, **changed: object) -> ReadableSpan:
        given: dict[str, object] = {
            "job_id": "j1",
            "lease": 3,
            "kind": "criteria.extract",
            "lane": "high",
            "attempt": 2,
            "outcome": "succeeded",
            "failed": False,
            "started_at_ms": self.clock.now_ms() - 1_500,
            "delivery_id": "d1",
            "repository": "acme/shop",
        }
        self.traces.attempted(AttemptFacts(**{**given, **changed}))  # type: ignore[arg-type]
        return self.last

    def call(self, status: int = 201, request_id: str = "AB:12") -> ReadableSpan:
        self.traces.called(
            CallReport(
                method="POST",
                route="/repos/{}/{}/issues/{}/comments",
                status=status,
                duration_ms=80.0,
                remaining=10,
                limit=5000,
                reset_ms=1,
                resource="core",
                request_id=request_id,
                installation_id=7,
            )
        )
        return self.last

    @property
    def last(self) -> ReadableSpan:
        return self._memory.get_finished_spans()[-1]


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    made = Desk(clock)
    yield made
    made.traces.close()


def ids(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def test_places_follow_from_ids_alone_and_differ() -> None:
    assert place_of_delivery("d1") == place_of_delivery("d1")
    root = place_of_delivery("d1")
    of_jobs = [place_of_attempt(job, lease, "d1") for job in ("j1", "j2") for lease in (1, 2)]
    assert {place.trace_id for place in of_jobs} == {root.trace_id}
    assert len({place.span_id for place in (root, *of_jobs)}) == 5
    others = {place_of_delivery("d2").trace_id, place_of_attempt("j1", 1, None).trace_id}
    assert len(others | {root.trace_id}) == 3
    assert place_of_attempt("j1", 1, None).trace_id == place_of_attempt("j1", 2, None).trace_id
    assert 0 < root.trace_id < 2**128
    assert 0 < root.span_id < 2**64


def test_a_delivery_is_the_root_of_its_trace(desk: Desk) -> None:
    span = desk.receive()
    root, now_ns = place_of_delivery("d1"), desk.clock.now_ms() * NS
    assert ids(span) == (root.trace_id, root.span_id)
    assert (span.name, span.kind, span.parent) == ("receive github", SpanKind.SERVER, None)
    assert (span.start_time, span.end_time) == (now_ns - 250 * NS, now_ns)
    assert dict(span.attributes or {}) == {
        "hookyard.delivery.id": "d1",
        "hookyard.provider": "github",
        "hookyard.source": "main",
        "hookyard.delivery.status": "accepted",
    }


def test_a_duplicate_joins_the_trace_of_what_it_repeats(desk: Desk) -> None:
    first, again = desk.receive(), desk.receive(duplicate=True)
    assert ids(again)[0] == ids(first)[0]
    assert again.parent is not None
    assert again.parent.span_id == ids(first)[1] != ids(again)[1]
    assert (again.attributes or {})["hookyard.delivery.status"] == "duplicate"


def test_an_attempt_hangs_under_its_delivery(desk: Desk) -> None:
    span, root = desk.attempt(), place_of_delivery("d1")
    assert ids(span)[0] == root.trace_id
    assert span.parent is not None
    assert span.parent.span_id == root.span_id
    assert (span.name, span.kind) == ("job criteria.extract", SpanKind.CONSUMER)
    assert span.status.status_code is StatusCode.UNSET
    assert (span.end_time or 0) - (span.start_time or 0) == 1_500 * NS
    assert dict(span.attributes or {}) == {
        "hookyard.job.id": "j1",
        "hookyard.job.kind": "criteria.extract",
        "hookyard.job.lane": "high",
        "hookyard.job.attempt": 2,
        "hookyard.job.outcome": "succeeded",
        "hookyard.delivery.id": "d1",
        "hookyard.repository": "acme/shop",
    }


def test_a_failed_attempt_is_an_error_with_its_code(desk: Desk) -> None:
    span = desk.attempt(outcome="retried", failed=True, code="timeout")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "timeout"


def test_a_job_without_a_delivery_has_a_trace_of_its_own(desk: Desk) -> None:
    span = desk.attempt(delivery_id=None, repository=None)
    assert span.parent is None
    assert ids(span)[0] != place_of_delivery("d1").trace_id
    assert not {"hookyard.delivery.id", "hookyard.repository"} & set(span.attributes or {})


def test_an_attempt_ends_no_earlier_than_it_began_when_the_clock_was_set_back(desk: Desk) -> None:
    span = desk.attempt(started_at_ms=desk.clock.now_ms() + 5_000)
    assert span.start_time == span.end_time


async def test_calls_belong_to_the_attempt_whose_task_made_them(desk: Desk) -> None:
    async def attempt(job_id: str) -> tuple[ReadableSpan, ReadableSpan]:
        desk.traces.enter(job_id, 3, "d1")
        await asyncio.sleep(0)
        return desk.call(), await asyncio.to_thread(desk.call)

    made = await asyncio.gather(
        asyncio.create_task(attempt("j1")), asyncio.create_task(attempt("j2"))
    )
    for job_id, calls in zip(("j1", "j2"), made, strict=True):
        place = place_of_attempt(job_id, 3, "d1")
        for span in calls:
            assert span.parent is not None
            assert (span.parent.trace_id, span.parent.span_id) == (place.trace_id, place.span_id)
            assert ids(span)[0] == place.trace_id
    assert len({ids(span)[1] for calls in made for span in calls}) == 4
    assert desk.call().parent is None


def test_a_call_says_its_route_and_status(desk: Desk) -> None:
    span = desk.call()
    assert (span.name, span.kind) == ("POST /repos/{}/{}/issues/{}/comments", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert (span.end_time or 0) - (span.start_time or 0) == 80 * NS
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.template": "/repos/{}/{}/issues/{}/comments",
        "http.response.status_code": 201,
        "github.request_id": "AB:12",
        "peer.service": "github",
    }


@pytest.mark.parametrize(("status", "error"), [(0, "no_answer"), (404, "404"), (502, "502")])
def test_a_call_that_failed_says_so(desk: Desk, status: int, error: str) -> None:
    span = desk.call(status, "")
    assert span.status.status_code is StatusCode.ERROR
    found = dict(span.attributes or {})
    assert found["error.type"] == error
    assert found.get("http.response.status_code") == (status or None)
    assert "github.request_id" not in found


def test_every_span_names_the_service(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.receive().resource.attributes["service.name"] == "hookyard"
    assert desk.last.resource.attributes["service.version"] == "1.2"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    assert Desk(desk.clock).receive().resource.attributes["service.name"] == "ours"


@pytest.mark.parametrize("endpoint", ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"])
def test_a_base_address_gets_the_path_of_traces(endpoint: str) -> None:
    assert traces_url(endpoint) == "http://c:4318/v1/traces"


def test_spans_reach_a_collector(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with collecting() as collector:
        traces = Traces(open_sink(collector.url, "1.2"), clock, Random(1))
        traces.received("d1", "github", "main", 0.25, duplicate=False)
        traces.close()
    assert collector.paths == ["/v1/traces"]
    assert collector.resources[0]["service.name"] == "hookyard"
    (span,) = collector.named("receive github")
    assert int.from_bytes(span.trace_id) == place_of_delivery("d1").trace_id
    assert attributes(span)["hookyard.delivery.id"] == "d1"


def test_a_collector_that_is_silent_does_not_hold_up_the_exit(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(otlp, "CLOSE_AT_MOST_S", 0.1)
    monkeypatch.setattr(otlp, "EXPORT_TIMEOUT_S", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink = open_sink(f"http://127.0.0.1:{silent.getsockname()[1]}", "1")
        Traces(sink, clock, Random(1)).received("d1", "github", "main", 0.25, duplicate=False)
        sink.close()
        last = [thread for thread in threading.enumerate() if thread.name == otlp.LAST_THREAD]
        assert len(last) == 1
        last[0].join(30)


def test_without_the_extra_the_start_is_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError) as refused:
        open_sink("http://127.0.0.1:4318", "1")
    assert 'pip install "hookyard[otel]"' in str(refused.value)
    assert "HOOKYARD_OTEL_ENDPOINT" in str(refused.value)
