"""Patterns of the mint policy: whole words, with `*` inside a segment; pure.

A pattern is compared from its first character to its last. `*` stands for any characters of one
segment, never for the separator, so `acme/*` covers no `acme/a/b` and `refs/heads/*` no
`refs/heads/a/b`. Nothing else has a meaning of its own: there are no regular expressions.

# why: a search in place of a whole comparison, and a star that crosses separators, are how such
# policies have been opened by accident (Argo CD's projects, unanchored claims of OIDC trust).
"""

SEPARATOR = "/"
MAX_PATTERN = 300
MAX_STARS = 8


class BadPattern(ValueError):
    """A pattern that is not accepted; the text says why."""


def checked(pattern: str) -> str:
    """The pattern; BadPattern for one that is empty, too long, or has too many stars."""
    if not pattern or len(pattern) > MAX_PATTERN:
        raise BadPattern(f"a pattern has 1 to {MAX_PATTERN} characters")
    if not pattern.isprintable() or pattern != pattern.strip():
        raise BadPattern("a pattern has printable characters and no space around it")
    if "**" in pattern:
        raise BadPattern("`**` is not accepted: `*` stays inside one segment")
    if pattern.count("*") > MAX_STARS:
        raise BadPattern(f"a pattern has at most {MAX_STARS} stars")
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits the whole pattern; linear in both but for the stars."""
    if "*" not in pattern:
        return pattern == text
    wanted, given = pattern.split(SEPARATOR), text.split(SEPARATOR)
    if len(wanted) != len(given):
        return False
    return all(_segment(w, g) for w, g in zip(wanted, given, strict=True))


def _segment(pattern: str, text: str) -> bool:
    """# why: the leftmost fit of each piece leaves the most to those after it, so no backtracking
    is needed and hostile text costs no more than any other."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)
