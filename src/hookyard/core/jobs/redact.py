"""Text as it may be kept: without what looks like a credential, and without what was given out.

A `Mask` knows the very values an attempt was given, whatever they look like.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from hookyard.core.jobs.store_cold import clip
from hookyard.kit.errors import HookyardError
from hookyard.kit.json import Json

MAX_BYTES = 1_000
GONE = "[redacted]"
LEAST_PART = 12
_SECRETS = re.compile(
    r"""
      gh[opusr]_[A-Za-z0-9_.\-]{8,}          # GitHub tokens, old and new shape
    | github_pat_[A-Za-z0-9_]{8,}
    | xox[a-z]-[A-Za-z0-9-]{8,}              # Slack
    | hky_[A-Za-z0-9_\-]{8,}
    | eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*
    | AKIA[0-9A-Z]{12,}
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)
    | (?i:(?<=bearer[ ])|(?<=basic[ ])|(?<=token[ ]))[A-Za-z0-9+/=_.\-]{12,}
    | (?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=signature=)|(?<=key=))[^\s&"',;]+
    """,
    re.VERBOSE | re.DOTALL,
)


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced by `[redacted]`."""
    return _SECRETS.sub("[redacted]", text[: 16 * MAX_BYTES])


def describe(error: BaseException) -> str:
    """The kind of an error and its message, safe to keep: redacted, at most 1 kB."""
    said = error.detail if isinstance(error, HookyardError) else str(error)
    name = type(error).__name__
    return clip(redact(f"{name}: {said}" if said else name), MAX_BYTES)


def code_of(error: BaseException) -> str:
    """A stable word for an error: ours keep theirs, all others are `error`."""
    return error.problem_code if isinstance(error, HookyardError) else "error"


class Mask:
    """Takes values out of text and JSON: as they are, as JSON, URLs and Base64 write them, and
    each longer line of one that has several."""

    __slots__ = ("_parts",)

    def __init__(self, values: Iterable[str]) -> None:
        found = {part for value in values for part in _shapes(value)}
        self._parts = tuple(sorted(found, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without the values; also without the beginning of one at its very end, where
        something may have been cut off."""
        for part in self._parts:
            text = text.replace(part, GONE)
        for part in self._parts:
            at = _cut_part(text, part)
            if at is not None:
                return text[:at] + GONE
        return text

    def json(self, value: Json) -> Json:
        """The same in every string of a value, keys included."""
        if not self._parts:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.json(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.json(inner) for inner in value]
        return value

    def __repr__(self) -> str:
        return f"Mask({len(self._parts)} parts)"


NO_MASK = Mask(())


def _shapes(value: str) -> set[str]:
    raw = value.encode("utf-8", "replace")
    encoded = {quote(value, safe=""), base64.b64encode(raw).decode().rstrip("=")}
    encoded.add(base64.urlsafe_b64encode(raw).decode().rstrip("="))
    encoded.add(json.dumps(value)[1:-1])
    encoded.add(json.dumps(value, ensure_ascii=False)[1:-1])
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= LEAST_PART}
    return {value, *encoded, *lines} - {""}


def _cut_part(text: str, part: str) -> int | None:
    """Where the text ends in the beginning of this part, `LEAST_PART` characters or more."""
    if len(part) <= LEAST_PART:
        return None
    at = text.find(part[:LEAST_PART], max(0, len(text) - len(part) + 1))
    while at >= 0:
        if part.startswith(text[at:]):
            return at
        at = text.find(part[:LEAST_PART], at + 1)
    return None
