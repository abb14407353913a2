"""Patterns for names with slashes in them: each segment matches whole, a star stays in its own.

`refs/heads/*` fits `refs/heads/main` and neither `refs/heads/a/b` nor `x/refs/heads/main`. There
are no other signs; matching takes time in proportion to the lengths, whatever the pattern.
"""

MAX_PATTERN = 512


def is_pattern(pattern: str) -> bool:
    """Whether this can be used as a pattern: no empty segment, and no `**`, which means nothing."""
    return 0 < len(pattern) <= MAX_PATTERN and "**" not in pattern and all(pattern.split("/"))


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, letter by letter and segment by segment."""
    if "*" not in pattern:
        return pattern == text
    wanted, found = pattern.split("/"), text.split("/")
    return len(wanted) == len(found) and all(map(_segment_fits, wanted, found))


def _segment_fits(pattern: str, text: str) -> bool:
    head, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    # why: a star stands for something; `refs/heads/*` must not fit `refs/heads/`.
    if not text or not text.startswith(head):
        return False
    *middle, tail = rest
    at = len(head)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(tail) and text.endswith(tail)
