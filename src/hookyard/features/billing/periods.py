"""Days and months in UTC, as text and as instants; pure."""

from datetime import UTC, date, datetime, timedelta

from hookyard.features.billing.model import Period

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def day_of(now_ms: int) -> date:
    """The day an instant lies in."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date()


def start_of(period: Period, day: date) -> date:
    """The first day of the period a day lies in."""
    return day if period is Period.DAY else day.replace(day=1)


def next_start(period: Period, start: date) -> date:
    """The first day of the period after the one that begins on `start`."""
    if period is Period.DAY:
        return start + timedelta(days=1)
    return (start + timedelta(days=32)).replace(day=1)


def starts(today: date) -> tuple[str, str]:
    """The first days of the present day and month, as they are kept."""
    return today.isoformat(), start_of(Period.MONTH, today).isoformat()


def instant(day: date) -> int:
    """The first millisecond of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def named(period: Period, start: date) -> str:
    """`November` or `2026-11-29`, as a sentence says it."""
    return MONTHS[start.month - 1] if period is Period.MONTH else start.isoformat()
