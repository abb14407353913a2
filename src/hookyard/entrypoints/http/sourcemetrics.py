"""Prometheus series of sources. Labels are ids of configured sources: few, and ours."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from hookyard.core.ingress.silence_service import Pulse


def source_series(pulses: Sequence[Pulse], now_ms: int) -> Iterator[Metric]:
    """Whether each source is silent, and for how long it has delivered nothing."""
    silent = GaugeMetricFamily(
        "hookyard_source_silent",
        "1 while a source has delivered nothing for many of its usual gaps",
        labels=["source"],
    )
    age = GaugeMetricFamily(
        "hookyard_source_last_delivery_seconds",
        "How long ago a source last delivered by itself; absent for one that never did",
        labels=["source"],
    )
    for pulse in pulses:
        silent.add_metric([pulse.source], float(pulse.silent_since_ms is not None))
        if pulse.last_delivery_ms is not None:
            age.add_metric([pulse.source], max(0, now_ms - pulse.last_delivery_ms) / 1000)
    yield silent
    yield age
