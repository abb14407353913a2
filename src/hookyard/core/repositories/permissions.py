"""What a person may do in a repository, as GitHub says it; remembered for five minutes."""

from collections import OrderedDict

from hookyard.adapters.github.paths import repo_path, segment
from hookyard.adapters.github.port import GitHub, GitHubMissing
from hookyard.core.repositories.rules import read_permission
from hookyard.kit.clock import Clock
from hookyard.kit.json import as_object

_KEEP_MS = 300_000
_REMEMBERED = 10_000


class Permissions:
    """Asks GitHub for roles. A person or repository GitHub does not know has none."""

    def __init__(self, github: GitHub, clock: Clock) -> None:
        self._github = github
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()
        self._generation = 0

    async def permission_of(self, installation_id: int, repository: str, login: str) -> str:
        """One of `rules.PERMISSIONS`. Raises what `GitHub.call` raises, but never for 404."""
        key = (repository.lower(), login.lower())
        kept = self._known.get(key)
        if kept is not None and self._clock.now_ms() < kept[0]:
            return kept[1]
        generation = self._generation
        role = await self._ask(installation_id, repository, login)
        if generation == self._generation:
            self._known[key] = (self._clock.now_ms() + _KEEP_MS, role)
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return role

    def forget(self, scope: str) -> None:
        """Drop what is known of "owner/name", or of every repository of "owner/".

        An answer still on its way is given to its caller, but not remembered.
        """
        self._generation += 1
        scope = scope.lower()
        is_owner = scope.endswith("/")
        for key in list(self._known):
            if key[0] == scope or (is_owner and key[0].startswith(scope)):
                del self._known[key]

    async def _ask(self, installation_id: int, repository: str, login: str) -> str:
        try:
            path = f"{repo_path(repository)}/collaborators/{segment(login)}/permission"
            response = await self._github.call("GET", path, installation_id=installation_id)
        except GitHubMissing:
            return "none"
        return read_permission(as_object(response.data))
