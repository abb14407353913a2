"""Prometheus series of the front door. No label carries a repository, PR or delivery id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hookyard.adapters.github.report import CallReport
from hookyard.core.jobs.model import TERMINAL, Job
from hookyard.core.jobs.rules import Step
from hookyard.kit.clock import Clock

DURATIONS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
RESOURCES = frozenset({"core", "search", "graphql", "code_search", "integration_manifest"})


class WebhookMetrics:
    """Counters of the webhook route; children are looked up once and kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "webhook_requests_total",
            "Webhook requests by provider and what became of them",
            ["provider", "status"],
            registry=registry,
        )
        self._failures = Counter(
            "webhook_signature_validation_failures_total",
            "Webhook requests whose signature was missing, wrong or stale",
            ["provider"],
            registry=registry,
        )
        self._children: dict[tuple[str, str], Counter] = {}

    def requests(self, provider: str, status: str) -> None:
        """Count one request."""
        key = (provider, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(provider, status)
        child.inc()

    def signature_failures(self, provider: str) -> None:
        """Count one refusal for its signature."""
        self._failures.labels(provider).inc()


class JobMetrics:
    """How jobs end and how long their attempts take; listens to the runner."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._duration = Histogram(
            "task_processing_duration_seconds",
            "How long attempts of jobs ran, by kind and how they ended",
            ["kind", "outcome"],
            registry=registry,
            buckets=DURATIONS,
        )
        self._ended = Counter(
            "hookyard_jobs_ended_total",
            "Jobs that reached a final state",
            ["kind", "outcome"],
            registry=registry,
        )

    def __call__(self, job: Job, step: Step) -> None:
        """Count one ended attempt."""
        if job.started_at_ms is not None:
            seconds = max(0, self._clock.now_ms() - job.started_at_ms) / 1000
            self._duration.labels(job.kind, step.ended.value).observe(seconds)
        if step.life.state in TERMINAL:
            self._ended.labels(job.kind, step.life.state.value).inc()


class GitHubMetrics:
    """Exchanges with GitHub; listens to the client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "hookyard_github_calls_total",
            "Requests to GitHub by method, route template and status (0: no answer)",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hookyard_github_call_duration_seconds",
            "How long requests to GitHub took",
            ["method"],
            registry=registry,
            buckets=DURATIONS,
        )
        self._remaining = Gauge(
            "hookyard_github_rate_remaining",
            "Requests left in GitHub's present window, as its last answer said",
            ["resource"],
            registry=registry,
        )

    def __call__(self, report: CallReport) -> None:
        """Count one exchange."""
        self._calls.labels(report.method, report.route, str(report.status)).inc()
        self._seconds.labels(report.method).observe(report.duration_ms / 1000)
        resource = report.resource or "core"
        if report.remaining is not None and resource in RESOURCES:
            self._remaining.labels(resource).set(report.remaining)


class TokenMetrics:
    """What became of requests for installation tokens; listens to the desk."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._asked = Counter(
            "hookyard_token_requests_total",
            "Requests for installation tokens: cached, minted, refused, limited or failed",
            ["outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hookyard_token_mint_duration_seconds",
            "How long requests took for which a token had to be minted, or none could be",
            ["outcome"],
            registry=registry,
            buckets=DURATIONS,
        )
        self._cached = self._asked.labels("cached")

    def __call__(self, outcome: str, seconds: float) -> None:
        """Count one request."""
        if outcome == "cached":
            self._cached.inc()
            return
        self._asked.labels(outcome).inc()
        self._seconds.labels(outcome).observe(seconds)


class BatchMetrics:
    """How many deliveries shared a commit; listens to the receiver."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._size = Histogram(
            "hookyard_delivery_batch_size",
            "Deliveries that were committed together",
            registry=registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        )

    def __call__(self, count: int) -> None:
        """Note one commit."""
        self._size.observe(count)
