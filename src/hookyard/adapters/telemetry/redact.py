"""Secrets taken out of text before it is shown.

# why: GitHub's installation tokens have two shapes since 2026, `ghs_` with 36 characters and
# `ghs_<app id>_<JWT>` with about 520, dots and dashes included.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from hookyard.kit.json import Json, JsonObject

MASK = "***"

_SHAPES = re.compile(
    r"gh[pousr]_[A-Za-z0-9._-]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{8,}"
    r"|whsec_[A-Za-z0-9+/=]{8,}"
    r"|hky_[A-Za-z0-9]+_[A-Za-z0-9]{8,}(?:_[A-Za-z0-9]+)?"
    r"|hks_[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_BEARER = re.compile(r"(?i)\b(bearer|token|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_NAMES = frozenset(
    {
        "authorization",
        "client_secret",
        "code_verifier",
        "cookie",
        "password",
        "private_key",
        "secret",
        "secrets",
        "set-cookie",
        "signature",
        "token",
        "admin_key",
    }
)


_HINTS = re.compile(
    r"gh[pousr]_|github_pat_|xox|whsec_|hky_|hks_|eyJ|PRIVATE KEY|://|(?i:bearer|token|basic)\s"
)


class Redactor:
    """Knows the shapes of secrets, and the exact values this process was given."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._values: re.Pattern[str] | None = None
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Take more values for secrets; those known before stay so."""
        self._known |= {v for v in values if len(v) >= 6}
        known = sorted(self._known, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, value: str) -> str:
        """The text with every secret in it replaced."""
        if self._values is not None:
            value = self._values.sub(MASK, value)
        if _HINTS.search(value) is None:
            return value
        value = _SHAPES.sub(MASK, value)
        return _BEARER.sub(lambda match: f"{match[1]} {MASK}", value)

    def names(self, value: JsonObject) -> JsonObject:
        """The object without the values of keys that name a secret; texts are left as they are."""
        nested = any(isinstance(inner, Mapping | list) for inner in value.values())
        if not nested and _NAMES.isdisjoint(value):
            return value
        return {key: _without(key, inner, 0) for key, inner in value.items()}

    def value(self, value: Json, depth: int = 0) -> Json:
        """The same through objects and lists; keys that name a secret lose their value."""
        if isinstance(value, str):
            return self.text(value)
        if depth > 8:
            return MASK
        if isinstance(value, Mapping):
            return {
                key: MASK if key.lower() in _NAMES and inner else self.value(inner, depth + 1)
                for key, inner in value.items()
            }
        if isinstance(value, Sequence):
            return [self.value(inner, depth + 1) for inner in value]
        return value


def _without(key: str, value: Json, depth: int) -> Json:
    if key.lower() in _NAMES and value:
        return MASK
    if depth > 8:
        return MASK
    if isinstance(value, Mapping):
        return {inner: _without(inner, v, depth + 1) for inner, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without("", v, depth + 1) for v in value]
    return value
