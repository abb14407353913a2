"""The clock of one simulated process: off by some seconds, and set forward or back at times."""

from collections.abc import Callable
from typing import Any

from hookyard.kit.clock import Clock
from tests.simulation.loop import SimLoop

# why: on a real machine time goes on in every turn, so that nobody can wait for it by yielding
# and wait for ever.
YIELD_S = 0.0001
START_MS = 1_700_000_000_000


class SimClock(Clock):
    """See `Clock`. `offset_s` is how far it is ahead of the true time.

    `slack` makes every wait longer, as on a busy machine: 0.5 by a half. `late_s` adds to one wait.
    """

    def __init__(
        self,
        loop: SimLoop,
        offset_s: float = 0.0,
        slack: float = 0.0,
        late_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._loop = loop
        self._late_s = late_s
        self.offset_s = offset_s
        self.slack = slack

    def now_ms(self) -> int:
        return START_MS + int((self._loop.time() + self.offset_s) * 1000)

    def monotonic(self) -> float:
        return 1_000.0 + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        future = self._loop.create_future()
        if seconds <= 0:
            self._loop.call_later(YIELD_S, _wake, future)
        else:
            self._loop.call_later(seconds * (1 + self.slack) + self._late_s(), _wake, future)
        await future


def _wake(future: Any) -> None:
    if not future.done():
        future.set_result(None)
