"""Prometheus series of records. Labels are what was done and how it ended, never whose it was."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from hookyard.features.records.gateway import Reply

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class RecordMetrics:
    """Counts calls; children are looked up once and kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "hookyard_records_requests_total",
            "Requests for records by what was done and the status of the answer",
            ["operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hookyard_records_duration_seconds",
            "How long requests for records took",
            ["operation"],
            registry=registry,
            buckets=SECONDS,
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def __call__(self, reply: Reply, seconds: float) -> None:
        """Count one answer."""
        key = (reply.label, reply.status)
        found = self._children.get(key)
        if found is None:
            label = reply.label or "other"
            found = (self._calls.labels(label, str(reply.status)), self._seconds.labels(label))
            self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)
