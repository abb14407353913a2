"""Words of strangers, made fit to show."""

import re

# why: control characters, marks that are not seen, and the bidirectional overrides that make text
# read as something else.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")


def plain(text: str, most: int) -> str:
    """A text without what is hidden, in a form UTF-8 can carry, cut to so many characters."""
    clean = HIDDEN.sub("", text[: most * 4].encode("utf-8", "replace").decode())
    return clean if len(clean) <= most else clean[: most - 1] + "…"
