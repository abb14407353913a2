"""What the doctor finds, as values."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`ok`; `warn`: works, and could be better; `bad`: does not work."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fix` is set unless all is well."""

    name: str
    level: Level
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, detail)


def warn(name: str, detail: str, fix: str) -> Finding:
    """Works, and could be better."""
    return Finding(name, Level.WARN, detail, fix)


def bad(name: str, detail: str, fix: str) -> Finding:
    """Does not work."""
    return Finding(name, Level.BAD, detail, fix)
