"""Series about the pointers this process sent and received; none where there is no broker."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric

from hookyard.bootstrap.pointers import Pointers


class PointerNumbers:
    """A collector over the counts of the relay and of the reader."""

    def __init__(self, registry: CollectorRegistry, pointers: Pointers) -> None:
        self._pointers = pointers
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the series come with the counts."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The counts as they are."""
        tally, reader = self._pointers.relay.tally, self._pointers.reader
        for name, text, count in (
            ("published", "Pointers to ready jobs sent for the first time", tally.published),
            ("swept", "Pointers sent again to jobs that stayed ready", tally.swept),
            ("failed", "Pointers the broker did not take", tally.failed),
            ("received", "Pointers this process's worker received", reader.received),
        ):
            yield CounterMetricFamily(f"hookyard_pointers_{name}", text, count)
