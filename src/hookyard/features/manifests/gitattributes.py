"""Which paths a repository's `.gitattributes` calls generated, vendored or documentation.

Only `linguist-generated`, `linguist-vendored` and `linguist-documentation` are read. A pattern
without a slash fits the file's name, one with a slash its path; `*`, `?` and `**` are known.
# spec: gitattributes(5): the last line that fits decides, for each attribute by itself.
"""

from dataclasses import dataclass

from hookyard.features.manifests.quoting import text, unquote

MAX_BYTES = 256 * 1024
MAX_RULES = 2_000
MAX_PATTERN = 256
_NAMES = ("linguist-generated", "linguist-vendored", "linguist-documentation")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: its pattern, and what it sets, takes away (False) or leaves alone (absent)."""

    pattern: tuple[str, ...]
    by_name: bool
    values: tuple[tuple[str, bool], ...]


def read(raw: bytes) -> tuple[Rule, ...]:
    """The rules of a file at the root of a repository, in its order."""
    found: list[Rule] = []
    for line in raw[:MAX_BYTES].split(b"\n"):
        rule = _rule(line.strip())
        if rule is not None and len(found) < MAX_RULES:
            found.append(rule)
    return tuple(found)


def _rule(line: bytes) -> Rule | None:
    if not line or line.startswith((b"#", b"[", b"!")) or b"linguist-" not in line:
        return None
    if line.startswith(b'"'):
        end = line.find(b'"', 1)
        name, rest = unquote(line[: end + 1]), line[end + 1 :]
    else:
        name, *more = line.split(None, 1)
        rest = more[0] if more else b""
    pattern = text(name)
    values = tuple(v for v in map(_value, rest.decode("utf-8", "replace").split()) if v)
    if not values or not 0 < len(pattern) <= MAX_PATTERN or pattern.endswith("/"):
        return None
    by_name = "/" not in pattern
    return Rule(tuple(pattern.strip("/").split("/")), by_name, values)


def _value(word: str) -> tuple[str, bool] | None:
    for sign, value in (("-", False), ("!", False), ("", True)):
        name, _, given = word.removeprefix(sign).partition("=")
        if word.startswith(sign) and name in _NAMES:
            return name, value and given.lower() not in ("false", "0", "unset")
    return None


def lookup(rules: tuple[Rule, ...], path: str) -> dict[str, bool]:
    """What the rules say of a path, by attribute; an attribute that nobody sets is absent."""
    parts = tuple(path.split("/"))
    said: dict[str, bool] = {}
    for rule in rules:
        name = parts[-1:] if rule.by_name else parts
        if _fits(rule.pattern, name):
            said.update(rule.values)
    return said


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Segments against segments, `**` for any number of them; time is their product at most."""
    open_at = {0}
    for segment in pattern:
        if segment == "**":
            open_at = set(range(min(open_at), len(parts) + 1)) if open_at else set()
        else:
            open_at = {n + 1 for n in open_at if n < len(parts) and _segment(segment, parts[n])}
        if not open_at:
            return False
    return len(parts) in open_at


def _segment(pattern: str, name: str) -> bool:
    """`*` any letters, `?` one; two pointers, so that no pattern costs more than the product."""
    p = n = 0
    star, mark = -1, 0
    while n < len(name):
        if p < len(pattern) and pattern[p] in ("?", name[n]) and pattern[p] != "*":
            p, n = p + 1, n + 1
        elif p < len(pattern) and pattern[p] == "*":
            star, mark, p = p, n, p + 1
        elif star >= 0:
            mark += 1
            p, n = star + 1, mark
        else:
            return False
    return all(letter == "*" for letter in pattern[p:])
