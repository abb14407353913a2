"""Reads teams and organisations from GitHub with the token of the installation there.

# spec: docs.github.com/rest/teams/members: the list of a team holds the members of its child
# teams too. Nothing in REST says which way somebody is in it, so who is in a team and in a child
# of it as well counts as being there through the child.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from hookyard.adapters.github.paths import segment
from hookyard.adapters.github.port import GitHub, GitHubError, GitHubMissing
from hookyard.core.identity.access_rules import Circle
from hookyard.core.identity.teams import Gone, Unknown
from hookyard.kit.json import as_int, as_text

MOST_MEMBERS = 50_000
MOST_CHILDREN = 1_000

InstallationOn: TypeAlias = Callable[[str], Awaitable[int | None]]
"""The installation of the App on an account, by the account's login."""


class GitHubTeams:
    """Implements `TeamReader`."""

    def __init__(self, github: GitHub, installation_on: InstallationOn) -> None:
        self._github = github
        self._installation_on = installation_on

    async def members(self, circle: Circle) -> frozenset[int]:
        """Everybody in a circle, over all pages; see the port."""
        installation = await self._installation_on(circle.org)
        if installation is None:
            raise Gone(f"the App is not installed on {circle.org}")
        try:
            return await self._read(circle, installation)
        except GitHubMissing:
            raise Gone(f"GitHub has no {circle}") from None
        except GitHubError as error:
            raise Unknown(f"GitHub could not be asked: {error}") from None

    async def _read(self, circle: Circle, installation: int) -> frozenset[int]:
        base = f"/orgs/{segment(circle.org)}"
        if not circle.team:
            return await self._people(f"{base}/members", installation)
        team = f"{base}/teams/{segment(circle.team)}"
        everybody = await self._people(f"{team}/members", installation)
        if circle.include_children or not everybody:
            return everybody
        async for child in self._github.pages(
            f"{team}/teams", installation_id=installation, limit=MOST_CHILDREN
        ):
            slug = as_text(child.get("slug"))
            inherited = await self._people(f"{base}/teams/{segment(slug)}/members", installation)
            everybody -= inherited
        return everybody

    async def _people(self, path: str, installation: int) -> frozenset[int]:
        found: set[int] = set()
        count = 0
        async for person in self._github.pages(
            path, installation_id=installation, limit=MOST_MEMBERS + 1
        ):
            count += 1
            number = as_int(person.get("id"))
            if number is not None:
                found.add(number)
        if count > MOST_MEMBERS:
            raise Unknown(f"more than {MOST_MEMBERS} members: {path}")
        return frozenset(found)
