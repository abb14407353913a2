"""Artifacts of workflow runs: listed by REST, fetched from where GitHub says they lie.

# spec: REST, actions/artifacts: `…/zip` answers 302 with an address that lives for a minute and
# lies on another host. Our token is not shown there, and an address that ended is asked for anew.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from hookyard.adapters.github.paths import repo_path
from hookyard.adapters.github.port import GitHubMissing
from hookyard.adapters.http.port import Ask, Outbound, OutboundError, OutboundFailed
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import Clock, from_rfc3339
from hookyard.kit.json import JsonObject, as_int, as_text

MAX_LISTED = 500
TRIES = 4
TOTAL_S = 300.0
_BACKOFF = Backoff(base_s=0.5, cap_s=8.0, floor_s=0.05)


class ArtifactCalls(Protocol):
    """The slice of the client that artifacts need."""

    def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[JsonObject]:
        """Objects of a list."""
        ...

    async def location(self, path: str, *, installation_id: int | None = None) -> str:
        """Where a GET leads that another host answers."""
        ...


@dataclass(frozen=True, slots=True)
class ListedArtifact:
    """An artifact as GitHub lists it. `digest` is "sha256:…", "" where GitHub gives none.

    `size` is what GitHub says of the zip, in bytes; `created_at_ms` orders artifacts of a name.
    """

    id: int
    name: str
    size: int
    digest: str
    expired: bool
    created_at_ms: int


class ArtifactLost(Exception):
    """An artifact cannot be had, and asking again will not help. `reason` is one word: expired,
    too_large, digest_mismatch, or unreachable for what a setting forbids."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


class ArtifactAway(Exception):
    """An artifact could not be had now; asking later may help."""


class Artifacts:
    """Lists and fetches artifacts of one GitHub."""

    def __init__(
        self, github: ArtifactCalls, outbound: Outbound, clock: Clock, random: Random
    ) -> None:
        self._github = github
        self._outbound = outbound
        self._clock = clock
        self._random = random

    async def of_run(
        self, repository: str, run_id: int, installation_id: int
    ) -> list[ListedArtifact]:
        """Every artifact of a run, of all its attempts. Raises GitHubError."""
        path = f"{repo_path(repository)}/actions/runs/{run_id}/artifacts"
        return [
            _listed(item)
            async for item in self._github.pages(
                path, installation_id=installation_id, limit=MAX_LISTED
            )
        ]

    async def fetch(
        self,
        repository: str,
        artifact: ListedArtifact,
        installation_id: int,
        begin: Callable[[], Callable[[bytes], object]],
        max_bytes: int,
    ) -> str:
        """Fetch an artifact's zip; its digest, "sha256:…", which is GitHub's where that gives one.

        `begin` is called for each try and gives what takes the bytes from the start. Raises
        ArtifactLost, ArtifactAway, GitHubError.
        """
        if artifact.expired:
            raise ArtifactLost("expired", "GitHub no longer keeps it")
        if artifact.size > max_bytes:
            raise ArtifactLost("too_large", f"{artifact.size} bytes, and {max_bytes} are read")
        path = f"{repo_path(repository)}/actions/artifacts/{artifact.id}/zip"
        said = ""
        for attempt in range(1, TRIES + 1):
            if attempt > 1:
                await self._clock.sleep(_BACKOFF.delay(attempt - 1, self._random))
            digest = hashlib.sha256()
            said = await self._once(path, installation_id, _both(digest, begin()), max_bytes)
            if not said:
                found = f"sha256:{digest.hexdigest()}"
                if artifact.digest and artifact.digest != found:
                    raise ArtifactLost("digest_mismatch", "its bytes are not those GitHub names")
                return found
        raise ArtifactAway(said)

    async def _once(
        self,
        path: str,
        installation_id: int,
        take: Callable[[bytes], object],
        max_bytes: int,
    ) -> str:
        """ "" when it came whole, else why it did not and may the next time."""
        try:
            place = await self._github.location(path, installation_id=installation_id)
        except GitHubMissing as error:
            reason = "expired" if error.status == 410 else "gone"
            raise ArtifactLost(reason, "GitHub no longer has it") from None
        ask = Ask(place, accept=(), max_bytes=max_bytes, total_s=TOTAL_S, redirects=2, into=take)
        try:
            answer = await self._outbound.send(ask)
        except OutboundFailed as error:
            if error.code == "too_large":
                raise ArtifactLost("too_large", f"more than {max_bytes} bytes") from None
            return str(error)
        except OutboundError as error:
            raise ArtifactLost("unreachable", str(error)) from None
        return "" if answer.status == 200 else f"where it lies, {answer.status} was answered"


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _both(digest: _Hash, take: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def receive(data: bytes) -> None:
        digest.update(data)
        take(data)

    return receive


def _listed(item: JsonObject) -> ListedArtifact:
    digest = as_text(item.get("digest"))
    try:
        created = from_rfc3339(as_text(item.get("created_at")))
    except (ValueError, OverflowError):
        created = 0
    return ListedArtifact(
        id=as_int(item.get("id")) or 0,
        name=as_text(item.get("name"))[:300],
        size=as_int(item.get("size_in_bytes")) or 0,
        digest=digest if digest.startswith("sha256:") else "",
        expired=item.get("expired") is True,
        created_at_ms=created,
    )
