"""The type of decoded JSON, and narrow readers for values that came from strangers."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = Mapping[str, Json]


def as_object(value: Json) -> JsonObject:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Json) -> Sequence[Json]:
    """The value when it is an array, else an empty one."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return ()


def as_text(value: Json) -> str:
    """The value when it is a string, else ""."""
    return value if isinstance(value, str) else ""


def as_int(value: Json) -> int | None:
    """The value when it is an integer (never a boolean), else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def dig(value: Json, *path: str) -> Json:
    """The value at a path of object keys, or None where the path ends early."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
