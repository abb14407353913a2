"""Reads teams and organisations from GitHub with the token of the installation there.

# spec: docs.github.com/rest/teams/members: the list of a team holds the members of its child teams
# too, and says by `inherited` who is there only through one, where the organisation has that
# feature. Elsewhere nothing says so: then whoever is in a child team as well is left out.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from hookyard.adapters.github.paths import segment
from hookyard.adapters.github.port import GitHub, GitHubError, GitHubMissing
from hookyard.core.identity.teams import Gone, Unknown
from hookyard.core.identity.teams_rules import Circle
from hookyard.kit.json import Json, JsonObject, as_int, as_text

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
        inherited: dict[int, bool | None] = {}
        async for person in self._many(f"{team}/members", installation, MOST_MEMBERS):
            inherited[as_int(person.get("id")) or 0] = _flag(person.get("inherited"))
        if circle.include_children:
            return frozenset(inherited) - {0}
        direct = frozenset(who for who, flag in inherited.items() if flag is False)
        unsaid = frozenset(who for who, flag in inherited.items() if flag is None)
        if unsaid:
            unsaid -= await self._of_children(base, team, installation)
        return (direct | unsaid) - {0}

    async def _of_children(self, base: str, team: str, installation: int) -> frozenset[int]:
        """Who is in a child team, or in one below it."""
        found: frozenset[int] = frozenset()
        async for child in self._many(f"{team}/teams", installation, MOST_CHILDREN):
            slug = segment(as_text(child.get("slug")))
            found |= await self._people(f"{base}/teams/{slug}/members", installation)
        return found

    async def _people(self, path: str, installation: int) -> frozenset[int]:
        people = self._many(path, installation, MOST_MEMBERS)
        return frozenset([as_int(person.get("id")) or 0 async for person in people]) - {0}

    async def _many(self, path: str, installation: int, most: int) -> AsyncIterator[JsonObject]:
        """Every object of a list over all pages. Unknown where there are too many: a part of the
        list would be a wrong answer."""
        count = 0
        async for item in self._github.pages(path, installation_id=installation, limit=most + 1):
            count += 1
            if count > most:
                raise Unknown(f"the list is longer than {most}: {path}")
            yield item


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None
