"""Commands in text that people wrote: `/hookyard …`, `/testbot …`, `@app …`.

Only what the author says counts: code fences, indented code, inline code, quotes and HTML
comments are skipped. One pass over the lines, no backtracking.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hookyard.core.ingress.providers.wire import clean

PREFIXES = ("/hookyard", "/testbot")
MAX_COMMANDS = 10
MAX_TEXT = 65_536
_MAX_LINE = 4_000
# why: str.lower can change the length of a text ("İ"); offsets must stay true.
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_REFERENCE = re.compile(
    r"(?<![\w./-])([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/([A-Za-z0-9._-]{1,100})#([0-9]{1,9})(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A command as written. `name` is lower-case, "help" where nothing follows the prefix."""

    name: str
    text: str
    is_mention: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """`owner/name#12` as named in a text."""

    repository: str
    number: int


def find(text: str, app_slug: str = "") -> tuple[Found, ...]:
    """The first ten commands of a Markdown text, in order."""
    found: list[Found] = []
    for line in _spoken(text[:MAX_TEXT]):
        command = _command(line, app_slug.translate(_LOWER))
        if command is not None:
            found.append(command)
            if len(found) == MAX_COMMANDS:
                break
    return tuple(found)


def split(rest: str, is_mention: bool) -> Found:
    """Name and text of what follows a prefix or a mention."""
    body = clean(rest, MAX_TEXT).strip()
    if is_mention:
        body = body.lstrip(",:;.!? \t\r\n")
    parts = body.split(maxsplit=1)
    name = parts[0].strip(".,:;!?").lower()[:64] if parts else ""
    return Found(name or "help", parts[1].strip() if len(parts) > 1 else "", is_mention)


def reference(text: str) -> Reference | None:
    """The first `owner/name#12` in a text."""
    match = _REFERENCE.search(text[:MAX_TEXT])
    if match is None:
        return None
    return Reference(f"{match[1]}/{match[2]}", int(match[3]))


def _spoken(text: str) -> Iterator[str]:
    fence = ""
    in_comment = False
    for raw in text.splitlines():
        line = raw[:_MAX_LINE]
        if fence:
            if _closes(line, fence):
                fence = ""
            continue
        if not in_comment:
            fence = _opens(line)
            if fence:
                continue
        line, in_comment = _without_comments(line, in_comment)
        if line.startswith(("    ", "\t")) or line.lstrip().startswith(">"):
            continue
        yield line


def _opens(line: str) -> str:
    """The run of backticks or tildes that opens a fence, "" when the line opens none."""
    text = line.lstrip(" ")
    if len(line) - len(text) > 3:
        return ""
    for mark in "`~":
        run = len(text) - len(text.lstrip(mark))
        if run >= 3 and not (mark == "`" and "`" in text[run:]):
            return mark * run
    return ""


def _closes(line: str, fence: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and not text.strip(fence[0])


def _without_comments(line: str, inside: bool) -> tuple[str, bool]:
    """The line outside `<!-- … -->`, and whether a comment is still open at its end."""
    kept: list[str] = []
    rest = line
    while rest:
        if inside:
            _, end, rest = rest.partition("-->")
            inside = not end
        else:
            before, start, rest = rest.partition("<!--")
            kept.append(before)
            inside = bool(start)
    return "".join(kept), inside


def _command(line: str, slug: str) -> Found | None:
    text = line.strip()
    lowered = text.translate(_LOWER)
    for prefix in PREFIXES:
        if lowered.startswith(prefix) and not lowered[len(prefix) : len(prefix) + 1].strip():
            return split(text[len(prefix) :], is_mention=False)
    if not slug:
        return None
    end = _mention_end(lowered, slug)
    return None if end is None else split(text[end:], is_mention=True)


def _mention_end(lowered: str, slug: str) -> int | None:
    """Where the first `@slug` outside inline code ends."""
    name = "@" + slug
    at = lowered.find(name)
    while at >= 0:
        end = at + len(name)
        if lowered.startswith("[bot]", end):
            end += 5
        before = lowered[at - 1] if at else " "
        after = lowered[end] if end < len(lowered) else " "
        is_whole = not (before.isalnum() or before in "_-/.@") and not (
            after.isalnum() or after in "_-/"
        )
        if is_whole and lowered.count("`", 0, at) % 2 == 0:
            return end
        at = lowered.find(name, at + 1)
    return None
