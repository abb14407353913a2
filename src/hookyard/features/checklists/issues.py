"""Where an issue's words come from when no event carried them: GitHub, over its narrow slice."""

from typing import Protocol

from hookyard.adapters.github.paths import repo_path
from hookyard.adapters.github.port import GitHub, GitHubMissing
from hookyard.core.publishing.port import InstallationOf
from hookyard.features.checklists.model import IssueText
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.json import JsonObject, as_object, as_text


class Issues(Protocol):
    """Reads one issue as it stands now."""

    async def read(
        self, repository: str, number: int, installation_id: int | None
    ) -> IssueText | None:
        """Its words; None when there is no such issue, or it is a pull request.

        Raises GitHubError as the GitHub port does.
        """
        ...


class GitHubIssues:
    """Issues over REST. `installation_of` finds the installation that sees a repository."""

    def __init__(self, github: GitHub, installation_of: InstallationOf) -> None:
        self._github = github
        self._installation_of = installation_of

    async def read(
        self, repository: str, number: int, installation_id: int | None
    ) -> IssueText | None:
        """# spec: GET /repos/{owner}/{repo}/issues/{issue_number}."""
        if installation_id is None:
            installation_id = await self._installation_of(repository)
        if installation_id is None:
            return None
        try:
            response = await self._github.call(
                "GET", f"{repo_path(repository)}/issues/{number}", installation_id=installation_id
            )
        except GitHubMissing:
            return None
        issue = as_object(response.data)
        return None if "pull_request" in issue else issue_text(issue)


def issue_text(issue: JsonObject) -> IssueText | None:
    """Title, body (null is empty) and time of an issue object; None when the time is missing."""
    try:
        updated_at_ms = from_rfc3339(as_text(issue.get("updated_at")))
    except (ValueError, OverflowError):
        return None
    if updated_at_ms < 0:
        return None
    return IssueText(
        title=as_text(issue.get("title")),
        body=as_text(issue.get("body")),
        updated_at_ms=updated_at_ms,
        state="closed" if issue.get("state") == "closed" else "open",
        author=as_text(as_object(issue.get("user")).get("login")),
        url=as_text(issue.get("html_url")),
    )
