"""GitHub's primary and secondary rate limits, metered per installation (or App)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from hookyard_sandbox.github.http import Refusal

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@dataclass(slots=True)
class Limits:
    """The numbers, changeable at run time. `status` is 403 or 429: GitHub uses both."""

    primary_per_hour: int = 5000
    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900
    concurrent: int = 100
    status: int = 403
    retry_after: bool = True


@dataclass(slots=True)
class _Meter:
    window_from_ms: int = 0
    used: int = 0
    content: deque[int] = field(default_factory=deque)
    points: deque[tuple[int, int]] = field(default_factory=deque)
    running: int = 0


@dataclass(slots=True)
class RateLimiter:
    """Counts calls. `admit` before a call, `refund` when it turned out free, `leave` after it."""

    limits: Limits = field(default_factory=Limits)
    _meters: dict[str, _Meter] = field(default_factory=dict)

    def admit(self, who: str, subject: str, now_ms: int, write: bool, content: bool) -> None:
        """Count a call, or refuse it: `who` is the meter's key, `subject` names it to people."""
        meter, limits = self._meter(who, now_ms), self.limits
        if meter.used >= limits.primary_per_hour:
            raise primary_refusal(limits, subject)
        # spec: GET, HEAD and OPTIONS cost 1 point, writes cost 5.
        cost = 5 if write else 1
        _expire(meter, now_ms)
        spent = sum(points for _, points in meter.points)
        if meter.running >= limits.concurrent:
            raise secondary_refusal(limits, 60)
        if spent + cost > limits.points_per_minute:
            raise secondary_refusal(limits, _wait_s(meter.points[0][0] + MINUTE_MS, now_ms))
        if content:
            self._admit_content(meter, now_ms)
        meter.points.append((now_ms, cost))
        meter.used += 1
        meter.running += 1

    def _admit_content(self, meter: _Meter, now_ms: int) -> None:
        recent = [at for at in meter.content if at > now_ms - MINUTE_MS]
        if len(recent) >= self.limits.content_per_minute:
            raise secondary_refusal(self.limits, _wait_s(recent[0] + MINUTE_MS, now_ms))
        if len(meter.content) >= self.limits.content_per_hour:
            raise secondary_refusal(self.limits, _wait_s(meter.content[0] + HOUR_MS, now_ms))
        meter.content.append(now_ms)

    def leave(self, who: str) -> None:
        """The call is over."""
        self._meters[who].running -= 1

    def running(self) -> int:
        """How many calls were admitted and are not over."""
        return sum(meter.running for meter in self._meters.values())

    def refund(self, who: str) -> None:
        """Give back one call: an unchanged answer (304) is free on the primary limit."""
        self._meters[who].used -= 1

    def headers(self, who: str, now_ms: int) -> Mapping[str, str]:
        """The `x-ratelimit-*` headers as they stand."""
        state = self.state(who, now_ms)
        headers = {f"x-ratelimit-{name}": str(value) for name, value in state.items()}
        return headers | {"x-ratelimit-resource": "core"}

    def state(self, who: str, now_ms: int) -> dict[str, int]:
        """Limit, remaining, reset (seconds since the epoch) and used."""
        meter, limit = self._meter(who, now_ms), self.limits.primary_per_hour
        return {
            "limit": limit,
            "remaining": max(0, limit - meter.used),
            "reset": (meter.window_from_ms + HOUR_MS) // 1000,
            "used": meter.used,
        }

    def reset(self) -> None:
        """Forget every count."""
        self._meters.clear()

    def _meter(self, who: str, now_ms: int) -> _Meter:
        meter = self._meters.setdefault(who, _Meter(window_from_ms=now_ms))
        if now_ms >= meter.window_from_ms + HOUR_MS:
            meter.window_from_ms, meter.used = now_ms, 0
        return meter


def _expire(meter: _Meter, now_ms: int) -> None:
    while meter.points and meter.points[0][0] <= now_ms - MINUTE_MS:
        meter.points.popleft()
    while meter.content and meter.content[0] <= now_ms - HOUR_MS:
        meter.content.popleft()


def _wait_s(until_ms: int, now_ms: int) -> int:
    return max(1, -(-(until_ms - now_ms) // 1000))


def primary_refusal(limits: Limits, subject: str) -> Refusal:
    """The hourly quota is used up; `x-ratelimit-remaining` is 0 beside it."""
    return Refusal(limits.status, f"API rate limit exceeded for {subject}.")


def secondary_refusal(limits: Limits, wait_s: int) -> Refusal:
    """Too fast, too many at once, or too much content."""
    headers = {"retry-after": str(wait_s)} if limits.retry_after else {}
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    return Refusal(limits.status, message, headers=headers)
