"""Which policy holds for a commit: `health:` of the repository's configuration."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from hookyard.core.ingress.context import ConfigLookup
from hookyard.core.publishing.port import InstallationOf
from hookyard.core.repositories.config import (
    ConfigInvalid,
    HealthConfig,
    RepositoryConfig,
    effective,
)
from hookyard.features.codehealth.model import Level
from hookyard.features.codehealth.rules import Policy

Policies: TypeAlias = "Callable[[str, str, str | None, bool], Awaitable[Held]]"
"""(repository, head sha, base sha, from a fork) → what holds. Raises GitHubError."""

Held: TypeAlias = HealthConfig | ConfigInvalid


class ConfiguredPolicies:
    """Reads the head's configuration; for a fork the base's, whose author may loosen it."""

    def __init__(self, configs: ConfigLookup, installation_of: InstallationOf) -> None:
        self._configs = configs
        self._installation_of = installation_of

    async def __call__(
        self, repository: str, head_sha: str, base_sha: str | None, from_fork: bool
    ) -> Held:
        installation = await self._installation_of(repository)
        if installation is None or (from_fork and base_sha is None):
            return HealthConfig()
        head = await self._configs.read_config(installation, repository, head_sha)
        base: RepositoryConfig | ConfigInvalid = head
        if from_fork and base_sha is not None:
            base = await self._configs.read_config(installation, repository, base_sha)
        found = effective(base, head, is_fork=from_fork)
        return found if isinstance(found, ConfigInvalid) else found.health


def policy_of(config: HealthConfig) -> Policy:
    """The configuration as the rules want it."""
    return Policy(
        max_new=config.max_new,
        level=Level(config.level),
        lenient=config.unknown_baseline == "pass",
        absent=config.missing_report == "pass",
    )
