"""Spans sent to an OTLP collector over HTTP; the only importer of OpenTelemetry.

Needs the extra: `pip install "hookyard[otel]"`. Batches and headers follow OpenTelemetry's own
variables (`OTEL_BSP_*`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`,
`OTEL_RESOURCE_ATTRIBUTES`).
"""

from threading import Thread
from typing import TYPE_CHECKING

from hookyard.adapters.telemetry.traces import Place, Span, SpanKind
from hookyard.kit.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor

PATH = "/v1/traces"
EXPORT_TIMEOUT_S = 5.0
CLOSE_AT_MOST_S = 5.0
LAST_THREAD = "hookyard-last-spans"


def traces_url(endpoint: str) -> str:
    """The address spans are posted to, from a collector's base address or that address itself.

    # spec: OTLP exporter configuration: a base address gets `/v1/traces` appended.
    """
    base = endpoint.rstrip("/")
    return base if base.endswith(PATH) else base + PATH


def open_sink(endpoint: str, version: str) -> "OtlpSink":
    """A sink that batches spans to a collector; ConfigurationError when the extra is missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            f"HOOKYARD_OTEL_ENDPOINT is set, but {error.name or 'opentelemetry'} is not installed; "
            'pip install "hookyard[otel]", or unset it'
        ) from None
    exporter = OTLPSpanExporter(endpoint=traces_url(endpoint), timeout=EXPORT_TIMEOUT_S)
    return OtlpSink(BatchSpanProcessor(exporter), version)


class OtlpSink:
    """Hands ended spans to an OpenTelemetry processor."""

    def __init__(self, processor: "SpanProcessor", version: str) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        ours = Resource({"service.name": "hookyard", "service.version": version})
        self._processor = processor
        self._resource = ours.merge(OTELResourceDetector().detect())
        self._scope = InstrumentationScope("hookyard", version)
        self._span = ReadableSpan
        self._api = trace
        self._sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        self._kinds = {
            SpanKind.SERVER: trace.SpanKind.SERVER,
            SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
            SpanKind.CLIENT: trace.SpanKind.CLIENT,
        }
        self._failed = trace.Status(trace.StatusCode.ERROR)
        self._plain = trace.Status(trace.StatusCode.UNSET)

    def emit(self, span: Span) -> None:
        """Queue one span; the oldest are dropped when a collector does not keep up."""
        self._processor.on_end(
            self._span(
                name=span.name,
                context=self._context(span.place, is_remote=False),
                parent=None if span.parent is None else self._context(span.parent, is_remote=True),
                resource=self._resource,
                attributes=span.attributes,
                kind=self._kinds[span.kind],
                status=self._failed if span.failed else self._plain,
                start_time=span.start_ns,
                end_time=span.end_ns,
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Send what is queued, waiting for it some seconds at most."""
        # why: shutting down retries a dead collector for half a minute, and may not hold the exit.
        last = Thread(target=self._processor.shutdown, name=LAST_THREAD, daemon=True)
        last.start()
        last.join(CLOSE_AT_MOST_S)

    def _context(self, place: Place, *, is_remote: bool) -> "trace.SpanContext":
        return self._api.SpanContext(
            place.trace_id, place.span_id, is_remote=is_remote, trace_flags=self._sampled
        )
