"""Values of fields: what a client sent, checked and made plain. Pure.

A checker takes a decoded JSON value and its pointer, and gives the value as it is answered: text
without what a database cannot hold, instants in UTC with milliseconds, numbers in 64 bits.
"""

import math
import struct
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from hookyard.features.records.ids import is_sound
from hookyard.features.records.schema.model import Field, FieldType
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.kit.clock import from_rfc3339, to_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json

Checker: TypeAlias = Callable[[Json, str], Json]

MAX_JSON_DEPTH = 32
_encode = msgspec.json.Encoder().encode
_MOST = 2**63
# why: a year is written with four digits, and only then do instants sort as their texts do.
_FIRST_MS, _LAST_MS = -30_610_224_000_000, 253_402_300_799_999
_FLOAT32 = 3.4028234663852886e38


def checker_of(field: Field) -> Checker:
    """What checks values of this field; null is a matter of `required`, and never comes here."""
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return _text_checker(field.maximum or 0)
        case FieldType.ID:
            return _id
        case FieldType.INT:
            return whole
        case FieldType.FLOAT:
            return number
        case FieldType.BOOL:
            return _boolean
        case FieldType.TIMESTAMP:
            return instant
        case FieldType.ENUM:
            return _enum_checker(field.values)
        case FieldType.VECTOR:
            return _vector_checker(field.dimension or 0)
        case FieldType.JSON:
            return _json


def text(value: Json, pointer: str) -> str:
    """Text that a database can hold."""
    if not isinstance(value, str):
        raise _type(pointer, "text", value)
    if "\x00" in value or not is_encodable(value):
        raise wrong(pointer, "bad_text", "text holds no NUL and no lone surrogates")
    return value


def is_encodable(value: str) -> bool:
    """Whether text can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(value: Json, pointer: str) -> int:
    """A whole number in 64 bits."""
    if type(value) is not int:
        raise _type(pointer, "a whole number", value)
    if not -_MOST <= value < _MOST:
        raise wrong(pointer, "out_of_range", "a whole number has 64 bits at most")
    return value


def number(value: Json, pointer: str) -> float:
    """A finite number."""
    if type(value) is not int and type(value) is not float:
        raise _type(pointer, "a number", value)
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise wrong(pointer, "out_of_range", "the number is too large")
    return found


def instant(value: Json, pointer: str) -> str:
    """An instant as RFC 3339, in UTC with milliseconds."""
    if not isinstance(value, str):
        raise _type(pointer, "an instant as 2026-01-31T12:00:00Z", value)
    try:
        ms = from_rfc3339(value)
    except (ValueError, OverflowError):
        ms = _LAST_MS + 1
    if not _FIRST_MS <= ms <= _LAST_MS:
        raise wrong(
            pointer, "bad_timestamp",
            f"an instant is written 2026-01-31T12:00:00Z, with its zone, not {shown(value)}",
        )  # fmt: skip
    return to_rfc3339(ms)


def packed(vector: Json) -> bytes:
    """A vector as SQLite keeps it: 32-bit floats, least significant byte first."""
    assert isinstance(vector, list)  # noqa: S101
    return struct.pack(f"<{len(vector)}f", *vector)


def unpacked(raw: bytes) -> list[float]:
    """A kept vector."""
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _text_checker(maximum: int) -> Checker:
    def check(value: Json, pointer: str) -> str:
        found = text(value, pointer)
        if len(found) > maximum:
            raise wrong(pointer, "too_long", f"{len(found)} characters, and {maximum} at most")
        return found

    return check


def _id(value: Json, pointer: str) -> str:
    found = text(value, pointer)
    if not is_sound(found):
        raise wrong(pointer, "bad_id", "an id is 1 to 200 printable signs")
    return found


def _boolean(value: Json, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise _type(pointer, "true or false", value)
    return value


def _enum_checker(values: tuple[str, ...]) -> Checker:
    known = frozenset(values)

    def check(value: Json, pointer: str) -> str:
        if not isinstance(value, str) or value not in known:
            raise wrong(pointer, "not_in_enum", f"must be one of {', '.join(values)}")
        return value

    return check


def _vector_checker(dimension: int) -> Checker:
    def check(value: Json, pointer: str) -> list[float]:
        if not isinstance(value, list) or len(value) != dimension:
            raise wrong(pointer, "bad_vector", f"must be a list of {dimension} numbers")
        found = [number(one, under(pointer, n)) for n, one in enumerate(value)]
        if any(abs(one) > _FLOAT32 for one in found):
            raise wrong(pointer, "out_of_range", "the numbers of a vector have 32 bits")
        # why: what is answered at once must be what is read later, and that has 32 bits.
        return unpacked(packed(found))

    return check


def _json(value: Json, pointer: str) -> Json:
    # why: most values show at a glance that nothing in them can be wrong; a walk costs far more.
    try:
        raw = _encode(value)
    except (OverflowError, UnicodeEncodeError, RecursionError):
        raise wrong(pointer, "out_of_range", "a number or text in it cannot be kept") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_JSON_DEPTH or b"u0000" in raw:
        _walk(value, pointer, MAX_JSON_DEPTH)
    return value


def _walk(value: Json, pointer: str, depth: int) -> None:
    """Refuse what a database's JSON cannot hold."""
    match value:
        case str():
            text(value, pointer)
        case bool() | int() | float() | None:
            pass
        case _ if depth == 0:
            raise wrong(pointer, "too_deep", f"JSON is nested {MAX_JSON_DEPTH} deep at most")
        case Mapping():
            for key, inner in value.items():
                text(key, pointer)
                _walk(inner, under(pointer, key), depth - 1)
        case _:
            for place, inner in enumerate(value):
                _walk(inner, under(pointer, place), depth - 1)


def _type(pointer: str, wanted: str, value: Json) -> Invalid:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text",
             dict: "an object", list: "a list", type(None): "null"}  # fmt: skip
    return wrong(pointer, "wrong_type", f"must be {wanted}, not {kinds[type(value)]}")
