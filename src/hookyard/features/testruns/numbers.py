"""Times and counts as reports write them; pure. What is no sensible number is None."""

import re
from math import isfinite

_DECIMAL_COMMA = re.compile(r"\d+,(?:\d{1,2}|\d{4,})")
_CLOCK = re.compile(r"(?:(\d{1,6})[.:])?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:[.,]\d{1,9})?)")
LONGEST_S = 1e9


def seconds(text: str | None) -> float | None:
    """Seconds of `0.5`, `1,234.5`, `0,5` or `1e-3`; None for negative, NaN and endless ones."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = _odd(text)
    return value if 0 <= value < LONGEST_S else None


def _odd(text: str) -> float:
    """A number with commas: of thousands, or the decimal one of some locales; else NaN."""
    text = text.strip()[:40]
    is_decimal = _DECIMAL_COMMA.fullmatch(text) is not None
    try:
        return float(text.replace(",", "." if is_decimal else ""))
    except ValueError:
        return float("nan")


def clock_seconds(text: str | None) -> float | None:
    """Seconds of a .NET TimeSpan: `00:00:01.5`, or `1.02:03:04` with days."""
    match = _CLOCK.fullmatch(text or "")
    if match is None:
        return seconds(text)
    days, hours, minutes, rest = match.groups()
    whole = (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)
    return seconds(str(whole * 60 + float(rest.replace(",", "."))))


def milliseconds(value: float | int | str | None) -> float | None:
    """Seconds of a count of milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = value / 1000
    except OverflowError:
        return None
    return found if isfinite(found) and 0 <= found < LONGEST_S else None


def count(text: str | None) -> int | None:
    """A count, also `1,234` or `5.0`; None for what is none."""
    value = seconds(text)
    return None if value is None or value != int(value) else int(value)


def line_number(text: str | None) -> int | None:
    """A line of a file, from 0 on."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text)
