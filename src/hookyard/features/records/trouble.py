"""Refusals of what a request says, each with the place in it as a JSON pointer."""

from hookyard.kit.errors import Invalid

MAX_SHOWN = 60


def wrong(pointer: str, code: str, detail: str) -> Invalid:
    """A 400 that names the place (`/where/userId/in`), with a stable code."""
    error = Invalid(detail, code=code)
    error.facts = {"pointer": pointer}
    return error


def under(pointer: str, key: str | int) -> str:
    """The pointer of a key below a place.

    # spec: RFC 6901: `~` is written `~0` and `/` is written `~1`.
    """
    return f"{pointer}/{str(key)[:200].replace('~', '~0').replace('/', '~1')}"


def shown(value: object) -> str:
    """A stranger's word, cut, as it may stand in a message."""
    text = str(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
