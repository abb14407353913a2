"""A failed mint as others read it, so that a hundred processes need not find out one by one."""

import msgspec

from hookyard.adapters.github.port import GitHubError, GitHubFailed, GitHubLimited, GitHubRefused
from hookyard.core.tokens.model import InstallationGone, InstallationSuspended

GONE_MS = 30_000
BRIEFLY_MS = 2_000


class _Failure(msgspec.Struct):
    kind: str
    message: str = ""
    status: int = 0
    until_ms: int = 0
    limit: str = ""


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(_Failure).decode


def written(error: GitHubError, now_ms: int) -> tuple[str, int]:
    """The text kept for others, and until when it holds."""
    match error:
        case GitHubLimited():
            failure = _Failure("limited", str(error), until_ms=error.until_ms, limit=error.kind)
            until_ms = error.until_ms
        case InstallationGone() | InstallationSuspended():
            failure = _Failure(error.reason, error.message, error.status)
            until_ms = now_ms + GONE_MS
        case GitHubRefused():
            failure = _Failure("refused", error.message, error.status)
            until_ms = now_ms + BRIEFLY_MS
        case _:
            failure = _Failure("failed", str(error))
            until_ms = now_ms + BRIEFLY_MS
    return _ENCODE(failure).decode(), until_ms


def read(text: str, installation_id: int) -> GitHubError:
    """The error again."""
    try:
        found = _DECODE(text)
    except msgspec.DecodeError:
        return GitHubFailed("a mint failed a moment ago")
    match found.kind:
        case "limited":
            return GitHubLimited(found.limit, found.until_ms, "Held back without asking.")
        case "gone":
            return InstallationGone(installation_id, "gone", found.status, found.message)
        case "suspended":
            return InstallationSuspended(installation_id, "suspended", found.status, found.message)
        case "refused":
            return GitHubRefused(found.status, found.message)
    return GitHubFailed(found.message)
