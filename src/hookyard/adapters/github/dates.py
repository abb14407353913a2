"""HTTP dates as milliseconds, and GitHub's instants moved onto our own clock."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def http_date_ms(text: str) -> int | None:
    """Milliseconds of an RFC 9110 date, or None when it is none. Never raises."""
    try:
        stamp = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if stamp.tzinfo is None:
        return None
    return int(stamp.timestamp() * 1000)


def to_local_ms(remote_ms: int, headers: Mapping[str, str], now_ms: int) -> int:
    """An instant GitHub named, on our clock: `Date` in the same answer says what its clock showed.

    # why: a machine whose clock is minutes off would otherwise use dead tokens or wait too short.
    """
    date_ms = http_date_ms(headers.get("date", ""))
    return remote_ms if date_ms is None else now_ms + (remote_ms - date_ms)
