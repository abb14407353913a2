"""Strangers' words as they can be kept and shown."""

import re

# why: control characters, marks that are not seen, and the bidirectional overrides that make text
# read as something else.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")


def storable(text: str) -> str:
    """The text as UTF-8 and every database can hold it: for NUL U+FFFD, for a lone surrogate `?`.

    # why: Postgres text holds neither.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def plain(text: str, most: int) -> str:
    """A text without what is hidden, in a form UTF-8 can carry, cut to so many characters."""
    clean = HIDDEN.sub("", text[: most * 4].encode("utf-8", "replace").decode())
    return clean if len(clean) <= most else clean[: most - 1] + "…"
