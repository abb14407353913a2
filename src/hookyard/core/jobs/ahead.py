"""Jobs a worker claims before it has a slot for them: how many, and where they wait.

# why: while the database commits one turn, short jobs all end and their slots stand idle until the
# next claim. A worker that ends many jobs in a short time therefore claims ahead what it will end
# while a turn is under way. One whose jobs take longer, or that has just started, claims for its
# free slots and no more: what waits here, another worker could have started.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from hookyard.core.jobs import rules
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.rules import LANES

AHEAD_S = 0.025
AHEAD_AT_MOST = 480
AHEAD_AT_MOST_EMBEDDED = 128
MEASURE_AT_LEAST_S = 0.002
FORGET_AFTER_S = 0.02


class Ahead:
    """Measures how many jobs end in a second, by lane, and says how many to claim ahead.

    In hand shall be what ends within `AHEAD_S`, or what the slots hold where that is more; and
    never more than `at_most` beyond the slots.
    """

    def __init__(self, capacity: int, at_most: int) -> None:
        self._capacity = capacity
        self._at_most = at_most
        self._ended = dict.fromkeys(LANES, 0)
        self._rates = dict.fromkeys(LANES, 0.0)
        self._since: float | None = None

    def ended(self, lane: Lane) -> None:
        """A job of this lane has ended."""
        self._ended[lane] += 1

    def measure(self, now_s: float) -> None:
        """Work out the rates anew where enough time has passed; call it at every turn."""
        if self._since is None:
            self._since = now_s
        elapsed = now_s - self._since
        if elapsed < MEASURE_AT_LEAST_S:
            return
        self._since = now_s
        weight = min(1.0, elapsed / FORGET_AFTER_S)
        for lane, count in self._ended.items():
            self._rates[lane] += (count / elapsed - self._rates[lane]) * weight
            self._ended[lane] = 0

    def by_lane(self) -> dict[Lane, int]:
        """How many jobs of each lane to have in hand beyond the slots."""
        rate = sum(self._rates.values())
        wanted = min(int(rate * AHEAD_S) - self._capacity, self._at_most)
        if wanted <= 0:
            return dict.fromkeys(LANES, 0)
        return {lane: int(wanted * self._rates[lane] / rate) for lane in LANES}


class Line:
    """Claimed jobs without a slot, in order; lanes share the slots here as they do at the claim."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: dict[Lane, deque[Run]] = {lane: deque() for lane in LANES}
        self._credit: Mapping[Lane, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def counts(self) -> dict[Lane, int]:
        """How many wait, by lane."""
        return {lane: len(runs) for lane, runs in self._waiting.items()}

    def add(self, runs: Iterable[Run]) -> None:
        """Put them at the end."""
        for run in runs:
            self._waiting[run.job.lane].append(run)

    def next(self, begun: Mapping[Lane, int]) -> list[Run]:
        """Take those that may begin beside what has begun already."""
        share, self._credit = rules.split(self._capacity, begun, self.counts(), self._credit)
        return [self._waiting[lane].popleft() for lane in LANES for _ in range(share[lane])]

    def clear(self) -> list[Run]:
        """Take all of them."""
        runs = [run for waiting in self._waiting.values() for run in waiting]
        for waiting in self._waiting.values():
            waiting.clear()
        return runs
