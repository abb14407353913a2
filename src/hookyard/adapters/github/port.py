"""The GitHub port: one REST call at a time, every outcome typed.

Errors a caller must tell apart (all raised by `call`):

GitHubError
├── GitHubRefused        4xx that repeating will not change; has `status`, `message`
│   └── GitHubMissing    404, and 410
├── GitHubLimited        primary or secondary limit; nothing was done; `until_ms`
├── GitHubFailed         5xx or no answer before the request was sent: nothing is known to be done
└── GitHubUnclear        a write was sent and no answer came (reset, timeout, 502 or 504 from a
                         gateway that stopped waiting): it may have been applied
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.kit.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class GitHubResponse:
    """Status, lower-case headers and decoded JSON (None for an empty body).

    `unchanged` is True when GitHub answered 304 and `data` comes from the cache; `status` is then
    the 200 that was kept.
    """

    status: int
    headers: Mapping[str, str]
    data: Json = field(repr=False)
    unchanged: bool = False


class GitHubError(Exception):
    """GitHub did not do what was asked."""


class GitHubRefused(GitHubError):
    """GitHub refused the request; repeating it will not help."""

    def __init__(self, status: int, message: str, data: Json = None) -> None:
        self.status = status
        self.message = message
        self.data = data
        super().__init__(f"GitHub answered {status}: {message}")


class GitHubMissing(GitHubRefused):
    """GitHub has no such thing, or does not show it to this App."""


class GitHubLimited(GitHubError):
    """A rate limit holds the request; nothing was done. `kind` is primary or secondary."""

    def __init__(self, kind: str, until_ms: int, message: str = "") -> None:
        self.kind = kind
        self.until_ms = until_ms
        super().__init__(f"GitHub's {kind} rate limit holds until {until_ms}. {message}".strip())


class GitHubFailed(GitHubError):
    """GitHub failed or could not be reached; the request is not known to be applied."""


class GitHubUnclear(GitHubError):
    """The request was sent and no answer came; it may have been applied. Look before repeating."""


class GitHub(Protocol):
    """REST over one App's credentials."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        body: JsonObject | None = None,
    ) -> GitHubResponse:
        """One request. `installation_id` None authenticates as the App itself (JWT).

        Waits out nothing: a limit raises GitHubLimited at once, and until it ends every call of
        that installation does so without being sent. GET is retried a few times on GitHubFailed
        inside the call; writes never are. A 401, 403 or 404 right after a mint, when GitHub's
        replicas may not know the token yet, is tried again for up to 14 s: it proves that nothing
        was done.
        """
        ...

    async def graph(self, query: str, variables: JsonObject, *, installation_id: int) -> JsonObject:
        """What a GraphQL query finds. Raises as `call` does; what GitHub answers with errors in
        place of data is GitHubMissing, GitHubLimited or GitHubRefused."""
        ...

    def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[JsonObject]:
        """Objects of a paginated list (100 a page, `Link: rel=next`), at most `limit`.

        A list wrapped in an object (`{"total_count": …, "check_runs": […]}`) is unwrapped.
        """
        ...
