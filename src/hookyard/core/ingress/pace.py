"""Deliveries first: while they wait to be committed, workers claim less often, and never stop."""

BUSY = 8
WAIT_S = 0.5


class Pace:
    """Knows how many deliveries wait for their commit, and how long a worker should hold back.

    # why: one delivery or two in flight is an ordinary moment; many mean that senders wait, and
    # routing what was stored can follow when they no longer do. Half a second bounds the delay.
    """

    def __init__(self, busy: int = BUSY) -> None:
        self._busy = busy
        self._most = 0
        self.in_flight = 0

    def enter(self) -> None:
        """A delivery is on its way to disk."""
        self.in_flight += 1
        if self.in_flight > self._most:
            self._most = self.in_flight

    def leave(self) -> None:
        """It is there, or could not be stored."""
        self.in_flight -= 1

    def __call__(self) -> float:
        """Seconds to wait before the next claim; looks at the most since the last call."""
        most, self._most = self._most, self.in_flight
        return WAIT_S if most >= self._busy else 0.0
