"""Which patterns a mint policy may hold; `kit.globs` compares them, whole and by segment.

# why: a search in place of a whole comparison, and a star that crosses separators, are how such
# policies have been opened by accident (Argo CD's projects, unanchored claims of OIDC trust).
"""

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
