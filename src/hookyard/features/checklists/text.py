"""Small readers of text: what can be kept, comments, code, bare words. Linear time."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from hookyard.kit.text import storable

MAX_TEXT = 1000
MAX_DETAIL = 4000
MAX_BYTES = 262_144
MAX_LINES = 12_000
MAX_LINE = 16_384

_TICKS = re.compile(r"`+")
_HTML_CODE = re.compile(r"<(pre|code|samp|kbd)\b[^<>]{0,200}>[^<]{0,65536}</\1>", re.IGNORECASE)
_WORD_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")


def bounded(body: str) -> tuple[str, bool]:
    """(text, was cut): at most MAX_BYTES, MAX_LINES and MAX_LINE a line, with plain line ends."""
    # why: a body of a stranger's making may be far longer; the rest of it is never looked at.
    text = storable(body[: MAX_BYTES + 1]).replace("\r\n", "\n").replace("\r", "\n")
    raw = text.encode()
    is_cut = len(raw) > MAX_BYTES or len(body) > MAX_BYTES + 1
    if len(raw) > MAX_BYTES:
        text = raw[:MAX_BYTES].decode("utf-8", "ignore")
    lines = text.split("\n", MAX_LINES)
    is_cut = is_cut or len(lines) > MAX_LINES
    # why: no person writes such a line, and block rules look at a line again at every level.
    if len(text) > MAX_LINE and any(len(line) > MAX_LINE for line in lines[:MAX_LINES]):
        return "\n".join(line[:MAX_LINE] for line in lines[:MAX_LINES]), True
    return "\n".join(lines[:MAX_LINES]) if len(lines) > MAX_LINES else text, is_cut


def without_code(text: str) -> str:
    """The text without code: spans between equal runs of backticks, `<pre>` and `<code>`."""
    text = _HTML_CODE.sub(" ", text) if "<" in text else text
    if "`" not in text:
        return text
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(text)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[index][1] - runs[index][0], []).append(index)
    parts: list[str] = []
    at = index = 0
    while index < len(runs):
        start, end = runs[index]
        same = later[end - start]
        while same and same[-1] <= index:
            same.pop()
        if same:
            parts.append(text[at:start])
            at, index = runs[same[-1]][1], same[-1]
        index += 1
    return " ".join([*parts, text[at:]])


def without_comments(text: str) -> str:
    """The text without closed HTML comments."""
    return "".join(_outside_comments(text, "")) if "<!--" in text else text


def blank_comments(text: str) -> str:
    """The text with nothing but line ends in the place of closed HTML comments."""
    return "".join(_outside_comments(text, "\n")) if "<!--" in text else text


def _outside_comments(text: str, kept: str) -> Iterator[str]:
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        yield text[at:start]
        if kept:
            yield kept * text.count(kept, start, end)
        at = end + 3
    yield text[at:]


def one_line(text: str) -> str:
    """Comments out, white space collapsed, at most MAX_TEXT characters."""
    return capped(" ".join(without_comments(text).split()), MAX_TEXT)


def capped(text: str, at_most: int) -> str:
    """The text, or its beginning and a fingerprint of the rest.

    # why: a change in the part that is not kept must show, or evidence would outlive it.
    """
    if len(text) <= at_most:
        return text
    mark = f"… [{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}]"
    return text[: at_most - len(mark)].rstrip() + mark


def plain(text: str) -> str:
    """The text without emphasis, code and strike marks: what its words say."""
    bare = text.replace("*", "").replace("`", "").replace("~", "")
    if "_" in bare:
        bare = _WORD_EDGE_UNDERSCORE.sub("", bare)
    return " ".join(bare.split())


def normal(text: str) -> str:
    """The text as compared over edits: plain, caseless, without closing punctuation."""
    bare = plain(text)
    folded = bare if bare.isascii() else unicodedata.normalize("NFKC", bare)
    return folded.casefold().rstrip(" .;,:!。；，")
