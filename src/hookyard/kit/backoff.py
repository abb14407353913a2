"""Exponential backoff with full jitter.

# spec: "full jitter" as in Brooker, Exponential Backoff And Jitter (2015): uniform over
# [0, min(cap, base * 2**attempt)].
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds; attempt 1 is the first failure."""

    base_s: float = 1.0
    cap_s: float = 300.0
    floor_s: float = 0.0

    def ceiling(self, attempt: int) -> float:
        """The longest delay that may follow this attempt."""
        exponent = min(max(attempt, 1) - 1, 40)
        return max(self.floor_s, min(self.cap_s, self.base_s * 2.0**exponent))

    def delay(self, attempt: int, random: Random) -> float:
        """A delay drawn uniformly from [floor, ceiling]."""
        return random.uniform(self.floor_s, self.ceiling(attempt))
