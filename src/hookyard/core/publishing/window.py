"""A sliding window of counts, kept as a few buckets so that it fits in one small column."""

from dataclasses import dataclass

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
BUCKETS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """Counts by bucket, oldest first. A bucket leaves when its last instant has left."""

    span_ms: int
    counts: tuple[tuple[int, int], ...] = ()

    def used(self, now_ms: int) -> int:
        """What the window that ends now may hold at most."""
        first = self._first(now_ms)
        return sum(count for index, count in self.counts if index >= first)

    def added(self, now_ms: int, count: int) -> "Window":
        """The window with `count` more at this instant; what has left it is dropped.

        A clock that went back counts into the newest bucket, so nothing leaves too early.
        """
        if count <= 0:
            return self
        first = self._first(now_ms)
        kept = [item for item in self.counts if item[0] >= first]
        index = max(now_ms // self._width, kept[-1][0] if kept else 0)
        if kept and kept[-1][0] == index:
            kept[-1] = (index, kept[-1][1] + count)
        else:
            kept.append((index, count))
        return Window(self.span_ms, tuple(kept))

    def free_at(self, now_ms: int, count: int, cap: int) -> int:
        """The earliest instant from now at which `count` more stay within `cap`.

        A `count` over `cap` counts as a whole window for each `cap` in it.
        """
        wholes, rest = divmod(count - 1, max(1, cap))
        rest += 1
        used = self.used(now_ms)
        at_ms = now_ms
        for index, held in self.counts:
            if used + rest <= cap:
                break
            if index >= self._first(now_ms):
                used -= held
                at_ms = self._leaves_at(index)
        return at_ms + wholes * (self.span_ms + self._width)

    @property
    def _width(self) -> int:
        return self.span_ms // BUCKETS

    def _first(self, now_ms: int) -> int:
        """The oldest bucket with an instant inside (now - span, now]."""
        return (now_ms - self.span_ms) // self._width

    def _leaves_at(self, index: int) -> int:
        return (index + 1) * self._width + self.span_ms


EMPTY_MINUTE = Window(MINUTE_MS)
EMPTY_HOUR = Window(HOUR_MS)
