"""Cutting Markdown to GitHub's limits without breaking what is left, and saying what was cut.

# why: comments and issues are limited in characters ("body is too long (maximum is 65536
# characters)"), check run output in UTF-8 bytes ("summary exceeds a maximum bytesize of 65535").
# 65,535 keeps both.
"""

import re
from collections.abc import Callable

from hookyard.kit.text import storable

MAX_TEXT = 65_535
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_DETAILS = re.compile(r"<(/?)details\b", re.IGNORECASE)
_ROOM_FOR_NOTE = 200
Measure = Callable[[str], int]


def characters(text: str) -> int:
    """Length as GitHub counts comment bodies."""
    return len(text)


def octets(text: str) -> int:
    """Length as GitHub counts check run output: UTF-8 bytes."""
    return len(text.encode())


def encodable(text: str) -> str:
    """The text with lone surrogates and NUL replaced, so that UTF-8 can carry it."""
    return storable(text)


def fit(text: str, limit: int = MAX_TEXT, measure: Measure = characters) -> str:
    """The text, or its beginning with open blocks closed and a note of how much was cut.

    The result never measures more than `limit`, which must be at least 400.
    """
    if measure(text) <= limit:
        return text
    kept = _head(text, limit - _ROOM_FOR_NOTE, measure)
    kept = _at_line_end(kept)
    while True:
        closing = closers(kept)
        cut = len(text) - len(kept)
        note = f"\n\n*Cut to fit GitHub's limit: {cut:,} of {len(text):,} characters not shown.*"
        result = f"{kept.rstrip()}{closing}{note}"
        excess = measure(result) - limit
        if excess <= 0:
            return result
        kept = _head(kept, max(0, measure(kept) - excess), measure)


def clip(text: str, limit: int, measure: Measure = characters) -> str:
    """One short field cut to its limit, ending in an ellipsis when it was longer."""
    if measure(text) <= limit:
        return text
    return _head(text, limit - measure("…"), measure) + "…"


def closers(text: str) -> str:
    """What must follow so that later text stands outside every fence and `<details>` of this."""
    fence, opened = "", 0
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence:
            if found and _closes(fence, found.group(1), found.group(2)):
                fence = ""
        elif found and not (found.group(1)[0] == "`" and "`" in found.group(2)):
            fence = found.group(1)
        else:
            for slash in _DETAILS.findall(line):
                opened = max(0, opened - 1) if slash else opened + 1
    ending = f"\n{fence}" if fence else ""
    return ending + "\n\n</details>" * opened


def _closes(fence: str, run: str, rest: str) -> bool:
    return run[0] == fence[0] and len(run) >= len(fence) and not rest.strip()


def _head(text: str, limit: int, measure: Measure) -> str:
    """The longest beginning that measures at most `limit`, never splitting a character."""
    if measure is octets:
        return text.encode()[: max(0, limit)].decode("utf-8", "ignore")
    return text[: max(0, limit)]


def _at_line_end(text: str) -> str:
    """Back to the last line end when one is near, else the text as it is."""
    end = text.rfind("\n")
    return text[:end] if end >= len(text) - 2_000 and end > 0 else text
