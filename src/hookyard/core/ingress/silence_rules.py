"""When is a source silent? Pure: how often it usually delivers by the hour, and how long it has
not, measured in its own usual gaps.

A minute in which something came counts once, however much came in it: webhooks come in bursts,
and a burst says little of how soon the next one is due. For each hour of a working day and of a
weekend day an exponentially weighted rate is kept: such minutes against time watched. A silence
is measured by what should have come in it: an hour with a usual gap of ten minutes adds six, an
hour of the night in which nothing ever comes adds nothing. It is too long at `factor` usual
gaps, at more than this source's own longest silences, and never before fifteen minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FLOOR_MS = 15 * MINUTE_MS
# why: an hour of the day comes once a day; half of what is known of it is of the last two weeks.
HALF_LIFE_MS = 14 * HOUR_MS
LEAST_MINUTES = 12.0
LEAST_WATCHED_MS = 12 * HOUR_MS
PEAK_SLACK = 1.5
PEAK_HALF_LIFE_MS = 7 * DAY_MS
PEAK_AT_MOST = 4.0
# why: 1970-01-01 was a Thursday.
_THURSDAY = 3


@dataclass(frozen=True, slots=True)
class Hour:
    """What is known of one hour of the day: minutes with a delivery, and time watched."""

    minutes: float = 0.0
    watched_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A source's habits. `quiet` is the present silence in usual gaps, `peak` the longest of the
    recent past (fading), `minutes` and `watched_ms` everything ever learned."""

    hours: Mapping[str, Hour] = field(default_factory=dict)
    quiet: float = 0.0
    peak: float = 0.0
    minutes: float = 0.0
    watched_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a source is silent, and why."""

    silent: bool
    reason: str


def bucket_of(at_ms: int) -> str:
    """The hour of the day (UTC) an instant is in, apart for weekends: `d09`, `w23`."""
    weekday = (at_ms // DAY_MS + _THURSDAY) % 7
    return f"{'w' if weekday >= 5 else 'd'}{at_ms % DAY_MS // HOUR_MS:02d}"


def gap_ms(rhythm: Rhythm, at_ms: int) -> float | None:
    """The usual gap at this hour; None when nothing is known, or nothing ever comes."""
    hour = rhythm.hours.get(bucket_of(at_ms))
    if hour is None or hour.minutes <= 0:
        return None
    return max(float(MINUTE_MS), hour.watched_ms / hour.minutes)


def heard(rhythm: Rhythm, at_ms: int, span_ms: int, minutes: int) -> Rhythm:
    """The rhythm after watching a span that ends now, with deliveries in so many minutes."""
    peak = rhythm.peak * 0.5 ** (span_ms / PEAK_HALF_LIFE_MS)
    learned = replace(_learn(rhythm, at_ms, span_ms, minutes), peak=peak)
    if not minutes:
        return replace(learned, quiet=rhythm.quiet + _gaps(rhythm, at_ms, span_ms))
    return replace(learned, quiet=0.0, peak=max(rhythm.quiet, peak))


def waited(rhythm: Rhythm, at_ms: int, span_ms: int) -> Rhythm:
    """The rhythm after more of a silence that was found already: nothing is learned from it."""
    return replace(rhythm, quiet=rhythm.quiet + _gaps(rhythm, at_ms, span_ms))


def back(rhythm: Rhythm, factor: float) -> Rhythm:
    """The rhythm when a source that was called silent delivers again.

    # why: the alarm may have been false, so the limit rises by half for a while; an outage of days
    # teaches no more than that.
    """
    return replace(rhythm, quiet=0.0, peak=max(rhythm.peak, limit_of(rhythm, factor)))


def limit_of(rhythm: Rhythm, factor: float) -> float:
    """How many usual gaps are too many for this source."""
    return max(factor, min(rhythm.peak * PEAK_SLACK, factor * PEAK_AT_MOST))


def _learn(rhythm: Rhythm, at_ms: int, span_ms: int, minutes: int) -> Rhythm:
    name = bucket_of(at_ms)
    hour = rhythm.hours.get(name, Hour())
    fade = 0.5 ** (span_ms / HALF_LIFE_MS)
    now = Hour(hour.minutes * fade + minutes, hour.watched_ms * fade + span_ms)
    return replace(
        rhythm,
        hours={**rhythm.hours, name: now},
        minutes=rhythm.minutes + minutes,
        watched_ms=rhythm.watched_ms + span_ms,
    )


def _gaps(rhythm: Rhythm, at_ms: int, span_ms: int) -> float:
    usual_ms = gap_ms(rhythm, at_ms)
    return 0.0 if usual_ms is None else span_ms / usual_ms


def judge(rhythm: Rhythm, silent_ms: int, factor: float) -> Verdict:
    """Whether a silence of so long is one to worry about. `factor` is in usual gaps."""
    if rhythm.minutes < LEAST_MINUTES or rhythm.watched_ms < LEAST_WATCHED_MS:
        return Verdict(silent=False, reason="too little is known of this source yet")
    if silent_ms < FLOOR_MS:
        return Verdict(silent=False, reason="it delivered within the last fifteen minutes")
    limit = limit_of(rhythm, factor)
    said = f"nothing for {rhythm.quiet:.1f} of its usual gaps; {limit:.1f} are too many"
    return Verdict(silent=rhythm.quiet >= limit, reason=said)
