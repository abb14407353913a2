"""Text of an error as it may be kept: without credentials, and short."""

import re

from hookyard.core.jobs.store_cold import clip
from hookyard.kit.errors import HookyardError

MAX_BYTES = 1_000
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
