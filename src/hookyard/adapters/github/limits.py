"""What GitHub's rate headers say, read into values; no clock, no I/O.

# spec: docs.github.com, REST API, "Rate limits" and "Best practices": obey `retry-after` first,
# then `x-ratelimit-reset` when `x-ratelimit-remaining` is 0, else wait at least a minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hookyard.adapters.github.dates import http_date_ms, to_local_ms

SECONDARY_WAIT_MS = 60_000
_LONGEST_WAIT_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class RateReading:
    """The budget one answer shows. Instants are milliseconds on our clock; None is unsaid."""

    limit: int | None = None
    remaining: int | None = None
    used: int | None = None
    reset_ms: int | None = None
    resource: str = ""
    retry_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RateHold:
    """A limit that refuses requests: `kind` is primary or secondary, and until when."""

    kind: str
    until_ms: int
    reason: str


def read_rate(headers: Mapping[str, str], now_ms: int) -> RateReading:
    """The rate headers of an answer (lower-case names). Nonsense reads as None."""
    reset_s = _number(headers.get("x-ratelimit-reset"))
    return RateReading(
        limit=_number(headers.get("x-ratelimit-limit")),
        remaining=_number(headers.get("x-ratelimit-remaining")),
        used=_number(headers.get("x-ratelimit-used")),
        reset_ms=None if reset_s is None else to_local_ms(reset_s * 1000, headers, now_ms),
        resource=headers.get("x-ratelimit-resource", ""),
        retry_at_ms=_retry_at(headers, now_ms),
    )


def hold_of(status: int, rate: RateReading, message: str, now_ms: int) -> RateHold | None:
    """The limit behind a 403 or 429, or None when the answer is a plain refusal."""
    if status not in (403, 429):
        return None
    spent = rate.remaining == 0
    secondary = _speaks_of_secondary(message)
    if rate.retry_at_ms is not None:
        kind = "primary" if spent and not secondary else "secondary"
        return RateHold(kind, _bounded(rate.retry_at_ms, now_ms), "retry-after")
    if spent and rate.reset_ms is not None:
        kind = "secondary" if secondary else "primary"
        return RateHold(kind, _bounded(rate.reset_ms, now_ms), "x-ratelimit-reset")
    if status == 429 or secondary or "rate limit" in message.lower():
        return RateHold("secondary", now_ms + SECONDARY_WAIT_MS, "no header says until when")
    return None


def _speaks_of_secondary(message: str) -> bool:
    lowered = message.lower()
    return "secondary rate limit" in lowered or "abuse detection" in lowered


def _bounded(until_ms: int, now_ms: int) -> int:
    return min(max(until_ms, now_ms + 1000), now_ms + _LONGEST_WAIT_MS)


def _retry_at(headers: Mapping[str, str], now_ms: int) -> int | None:
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return now_ms + seconds * 1000
    date_ms = http_date_ms(text)
    return None if date_ms is None else to_local_ms(date_ms, headers, now_ms)


def _number(text: str | None) -> int | None:
    if text is None or len(text) > 15 or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
