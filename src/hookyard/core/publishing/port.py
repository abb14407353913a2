"""What landing effects needs from other rooms, each the narrowest slice."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import GitHubResponse
from hookyard.core.jobs.model import Enqueued, Job, NewJob
from hookyard.kit.json import JsonObject


class GitHubCalls(Protocol):
    """The part of the GitHub port used here; `adapters.github.port.GitHub` satisfies it."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        body: JsonObject | None = None,
    ) -> GitHubResponse:
        """One request; raises the errors of the GitHub port."""
        ...

    def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[JsonObject]:
        """Objects of a paginated list."""
        ...


class InstallationOf(Protocol):
    """Which installation may write to a repository."""

    async def __call__(self, repository: str) -> int | None:
        """The installation of this "owner/name", or None when the App is not installed there."""
        ...


class LandingJobs(Protocol):
    """The part of the job ledger used here."""

    def enqueue(self, unit: Unit, job: NewJob) -> Enqueued:
        """Add a job inside this transaction."""
        ...

    def get(self, unit: Unit, job_id: str) -> Job:
        """The job as it stands; NotFound when there is none (purged)."""
        ...
