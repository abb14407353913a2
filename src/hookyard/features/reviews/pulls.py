"""Where a pull request and its policy come from when no event carried them: GitHub."""

from hookyard.adapters.github.port import GitHub, GitHubMissing, GitHubRefused
from hookyard.adapters.github.pullfiles import PullReader
from hookyard.adapters.github.references import closing_issues
from hookyard.core.publishing.port import InstallationOf
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig
from hookyard.core.repositories.reader import ConfigReader
from hookyard.kit.json import JsonObject


class GitHubPulls:
    """Pull requests over REST. `installation_of` finds the installation that sees a repository."""

    def __init__(self, github: GitHub, installation_of: InstallationOf) -> None:
        self._github = github
        self._installation_of = installation_of

    async def read(
        self, repository: str, number: int, installation_id: int | None
    ) -> JsonObject | None:
        """GitHub's object; None when there is no such pull request, or the App does not see it."""
        installation_id = installation_id or await self._installation_of(repository)
        if installation_id is None:
            return None
        reader = PullReader(self._github, repository, installation_id)
        try:
            return await reader.pull(number)
        except GitHubMissing:
            return None

    async def references(
        self, repository: str, number: int, installation_id: int | None
    ) -> tuple[tuple[str, int], ...]:
        """Issues linked to it; none where GitHub does not let the App ask."""
        installation_id = installation_id or await self._installation_of(repository)
        if installation_id is None:
            return ()
        try:
            return await closing_issues(self._github, repository, number, installation_id)
        except GitHubRefused:
            return ()


class ConfigsAt:
    """Configuration at a commit, over the repositories room."""

    def __init__(self, reader: ConfigReader, installation_of: InstallationOf) -> None:
        self._reader = reader
        self._installation_of = installation_of

    async def at(
        self, repository: str, commit_sha: str, installation_id: int | None
    ) -> RepositoryConfig | ConfigInvalid:
        """What holds there; the defaults where the App is not installed."""
        installation_id = installation_id or await self._installation_of(repository)
        if installation_id is None:
            return RepositoryConfig()
        return (await self._reader.at(installation_id, repository, commit_sha)).config
