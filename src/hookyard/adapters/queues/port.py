"""The queue port: pointers to jobs that are ready, one queue for each lane.

A pointer is a hint and never the truth: whoever gets one must still claim a row in the database.
So a broker may lose, double, delay or reorder pointers, and may be emptied at any time; it only
must not invent them. What was received and not acknowledged comes again after a while, to whoever
asks then. Every method raises `Unavailable` while the broker cannot be reached, within seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pointer:
    """Says that a job is ready: its id, its lane, and the instant it was due."""

    job_id: str
    lane: str
    run_at_ms: int


@dataclass(frozen=True, slots=True)
class Received:
    """A pointer in hand; `receipt` is the broker's own name for this hand-over."""

    pointer: Pointer
    receipt: str


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """Answer of a probe: which engine, and how long it took."""

    engine: str
    latency_ms: float
    version: str


class Broker(Protocol):
    """Carries pointers from the relay to the workers. `name` is the word of its setting."""

    name: str

    async def publish(self, pointers: Sequence[Pointer]) -> None:
        """Send pointers to the queues of their lanes. Some may have been sent when it raises."""
        ...

    async def receive(
        self, lanes: Sequence[str], at_most: int, wait_s: float
    ) -> Sequence[Received]:
        """Up to `at_most` pointers, looking into the lanes in the order given.

        Comes back as soon as there is one, and empty after about `wait_s`.
        """
        ...

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """These need not come again. One that is not known any more is no error."""
        ...

    async def depth(self, lane: str) -> int:
        """About how many pointers of a lane are not acknowledged yet."""
        ...

    async def probe(self) -> BrokerHealth:
        """Reach the broker."""
        ...

    async def close(self) -> None:
        """Let go of connections; what is not acknowledged comes again elsewhere."""
        ...


def by_lane(pointers: Iterable[Pointer]) -> dict[str, list[Pointer]]:
    """Pointers sorted into their lanes, each in the order given."""
    found: dict[str, list[Pointer]] = {}
    for pointer in pointers:
        found.setdefault(pointer.lane, []).append(pointer)
    return found


def received_by_lane(received: Iterable[Received]) -> dict[str, list[str]]:
    """Receipts sorted into the lanes of their pointers."""
    found: dict[str, list[str]] = {}
    for item in received:
        found.setdefault(item.pointer.lane, []).append(item.receipt)
    return found


def in_chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """A sequence in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
