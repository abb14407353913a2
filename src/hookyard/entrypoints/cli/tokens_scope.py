"""Words of the command line that say which token: whose, for how long, for what; pure."""

import re
from collections.abc import Sequence

import click

from hookyard.kit.json import Json

_UNITS = {"s": 1, "m": 60, "h": 3_600}


def target_of(text: str) -> tuple[str, str]:
    """`installation` with its number, or `account` with its name."""
    if text.isascii() and text.isdigit():
        return "installation", text
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise click.UsageError(f"{text!r} is neither an installation's number nor an account")
    return "account", text


def permissions_of(words: Sequence[str]) -> dict[str, Json]:
    """`contents:read` and its like as an object."""
    found: dict[str, Json] = {}
    for word in words:
        name, colon, access = word.partition(":")
        if not colon or access not in ("read", "write", "admin"):
            raise click.UsageError(f"--permission looks like contents:read, not {word!r}")
        found[name] = access
    return found


def seconds_of(text: str | None) -> int:
    """`90s`, `10m`, `1h` in seconds; 0 for nothing."""
    if text is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}[smh]", text):
        raise click.UsageError(f"--min-ttl looks like 10m, not {text!r}")
    return int(text[:-1]) * _UNITS[text[-1]]
