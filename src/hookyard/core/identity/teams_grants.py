"""What people hold by rules: of the teams file, of the settings, of GitHub's teams."""

import asyncio
from collections.abc import Sequence

from hookyard.core.identity.model import Grant
from hookyard.core.identity.teams import Teams
from hookyard.core.identity.teams_rules import (
    Circle,
    Issuers,
    Membership,
    Missed,
    Rule,
    circles_of,
    grants_by,
)
from hookyard.core.identity.users import Identity

NO_GITHUB = "no GitHub App is configured here, so teams cannot be read"


class RuleGrants:
    """Decides by the rules. `teams` is None where no GitHub App is configured."""

    def __init__(self, rules: tuple[Rule, ...], issuers: Issuers, teams: Teams | None) -> None:
        self._rules = rules
        self._issuers = issuers
        self._teams = teams

    async def grants_of(self, identity: Identity) -> Sequence[Grant]:
        """What somebody holds now; the source of each grant is the rule that gives it."""
        held, _ = await self.explain(identity)
        return held

    async def explain(self, identity: Identity) -> tuple[Sequence[Grant], Sequence[Missed]]:
        """The same, with the rules that could not be decided and why."""
        circles = list(circles_of(self._rules, identity, self._issuers))
        found = await asyncio.gather(*map(self._membership, circles))
        known = dict(zip(circles, found, strict=True))
        return grants_by(self._rules, identity, self._issuers, known)

    def forget(self, scope: str) -> None:
        """Memberships of the account of "owner/" or "owner/name" changed."""
        if self._teams is not None:
            self._teams.forget(scope)

    def forget_all(self) -> None:
        """Some membership changed somewhere."""
        if self._teams is not None:
            self._teams.forget_all()

    async def _membership(self, circle: Circle) -> Membership:
        if self._teams is None:
            return Membership(None, NO_GITHUB)
        return await self._teams.of(circle)
