"""Bodies of requests at consumers and subscriptions, read member by member. Pure."""

from collections.abc import Mapping

from hookyard.features.records.query.params import decoded
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.kit.json import Json

MAX_SEQ = 10**18


def members(raw: bytes, known: frozenset[str]) -> Mapping[str, Json]:
    """The members of a JSON object; Invalid for one that is unknown. No body is an empty one."""
    found = decoded(raw, "") if raw else {}
    if not isinstance(found, dict):
        raise wrong("", "wrong_type", "the body is a JSON object")
    for name in found:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none at all"
            raise wrong(
                under("", name), "unknown_field", f"there is no {shown(name)}; there is {listed}"
            )
    return found


def text(found: Mapping[str, Json], name: str, most: int) -> str:
    """A member that is printable text, "" where it is absent."""
    value = found.get(name, "")
    if not isinstance(value, str):
        raise wrong(f"/{name}", "wrong_type", f"{name} is text")
    if len(value) > most:
        raise wrong(f"/{name}", "too_long", f"{name} has {most} characters at most")
    if not value.isprintable():
        raise wrong(f"/{name}", "bad_text", f"{name} has characters it must not have")
    return value


def whole(found: Mapping[str, Json], name: str, most: int = MAX_SEQ) -> int | None:
    """A member that is a whole number from 0, None where it is absent."""
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(f"/{name}", "wrong_type", f"{name} is a whole number")
    if not 0 <= value <= most:
        raise wrong(f"/{name}", "out_of_range", f"{name} is from 0 to {most}")
    return value


def required(found: Mapping[str, Json], name: str) -> int:
    """A member that is a whole number from 0 and must be there."""
    value = whole(found, name)
    if value is None:
        raise wrong(f"/{name}", "required", f"{name} is missing")
    return value
