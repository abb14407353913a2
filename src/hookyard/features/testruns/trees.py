"""The list of a commit's files, from GitHub."""

from typing import Protocol

from hookyard.adapters.github.paths import repo_path, segment
from hookyard.adapters.github.port import GitHub, GitHubMissing, GitHubRefused
from hookyard.features.testruns.files import Tree
from hookyard.kit.json import as_list, as_object, as_text


class Trees(Protocol):
    """Reads the files of a commit."""

    async def read(self, repository: str, sha: str, installation_id: int) -> Tree | None:
        """The files; None when GitHub shows none. Raises GitHubError for what may pass."""
        ...


class GitHubTrees:
    """Trees over REST."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    async def read(self, repository: str, sha: str, installation_id: int) -> Tree | None:
        """# spec: GET /repos/{owner}/{repo}/git/trees/{sha}?recursive=1; `truncated` when cut."""
        try:
            response = await self._github.call(
                "GET",
                f"{repo_path(repository)}/git/trees/{segment(sha)}",
                installation_id=installation_id,
                query={"recursive": 1},
            )
        except (GitHubMissing, GitHubRefused):
            return None
        data = as_object(response.data)
        paths = [
            as_text(as_object(entry).get("path"))
            for entry in as_list(data.get("tree"))
            if as_object(entry).get("type") == "blob"
        ]
        return Tree(paths, partial=data.get("truncated") is True)
