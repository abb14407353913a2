"""Keyset pages: a list and an opaque cursor that names where the next one starts."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hookyard.kit.errors import Invalid
from hookyard.kit.ids import is_id

Item = TypeVar("Item")

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in order, and the cursor of the next page or None at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None


def encode_cursor(*keys: str | int) -> str:
    """The keys of the last row as one URL-safe word."""
    raw = json.dumps(keys, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str, kinds: tuple[type, ...]) -> tuple[str | int, ...]:
    """The keys back; Invalid (`bad_cursor`) when the word is not one of ours."""
    if len(cursor) > 1024:
        raise Invalid("the cursor is not one this list gave out", code="bad_cursor")
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        keys = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        keys = None
    if (
        not isinstance(keys, list)
        or len(keys) != len(kinds)
        or not all(type(k) is kind for k, kind in zip(keys, kinds, strict=True))
        or not all(_storable(k) for k in keys)
    ):
        raise Invalid("the cursor is not one this list gave out", code="bad_cursor")
    return tuple(keys)


def number_in(cursor: str | None) -> int | None:
    """The number a cursor names, brought into a column's 32 bits; None without a cursor."""
    if not cursor:
        return None
    return max(0, min(int(decode_cursor(cursor, (int,))[0]), 2**31 - 1))


def id_in(cursor: str | None) -> str | None:
    """The id a cursor names, None without one; Invalid (`bad_cursor`) when it names none."""
    if not cursor:
        return None
    found = str(decode_cursor(cursor, (str,))[0])
    if not is_id(found):
        raise Invalid("the cursor is not one this list gave out", code="bad_cursor")
    return found


def page_of(rows: Sequence[Item], limit: int, key: Callable[[Item], str | int]) -> Page[Item]:
    """The first `limit` of rows; one more than that, and the cursor is the last one's `key`."""
    more = encode_cursor(key(rows[limit - 1])) if len(rows) > limit else None
    return Page(tuple(rows[:limit]), more)


def _storable(key: str | int) -> bool:
    """Whether a database can compare with it: 64 bits, no NUL, no lone surrogate."""
    if isinstance(key, int):
        return -(2**63) <= key < 2**63
    return "\x00" not in key and not any("\ud800" <= c <= "\udfff" for c in key)


def clamp_limit(limit: int | None) -> int:
    """A page size between 1 and 200; 50 when none was asked for."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise Invalid("limit must be between 1 and 200", code="bad_limit")
    return min(limit, MAX_LIMIT)
