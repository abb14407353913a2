"""What the router must ask GitHub before it can decide: configuration and permissions.

Declared as narrow protocols next to their one user; a server without a GitHub App has none of
them, and then the defaults hold and GitHub commands are refused with that reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hookyard.core.ingress.model import Command, Event
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig, effective
from hookyard.core.repositories.rules import PermissionDecision, may_command
from hookyard.kit.json import as_text, dig


class ConfigLookup(Protocol):
    """A repository's configuration at a commit or branch; raises GitHubError."""

    async def read_config(
        self, installation_id: int, repository: str, ref: str
    ) -> RepositoryConfig | ConfigInvalid:
        """The configuration that holds there, or why the file cannot be used."""
        ...


class PermissionLookup(Protocol):
    """What GitHub says a person may do; raises GitHubError."""

    async def permission_of(self, installation_id: int, repository: str, login: str) -> str:
        """GitHub's role name: none, read, triage, write, maintain or admin."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for one event."""

    config: RepositoryConfig
    invalid: ConfigInvalid | None
    permissions: tuple[PermissionDecision | None, ...]


@dataclass(frozen=True, slots=True)
class Refs:
    """Where an event's configuration is read: base, and head where it is a pull request."""

    base: str
    head: str | None = None
    is_fork: bool = False


def refs_of(event: Event) -> Refs | None:
    """The refs an event names: a pull request's base and head commits, else the default branch."""
    payload = event.payload
    base = as_text(dig(payload, "pull_request", "base", "sha"))
    head = as_text(dig(payload, "pull_request", "head", "sha"))
    if base and head:
        head_repo = dig(payload, "pull_request", "head", "repo", "id")
        base_repo = dig(payload, "pull_request", "base", "repo", "id")
        return Refs(base, head, is_fork=head_repo != base_repo)
    default = as_text(dig(payload, "repository", "default_branch"))
    return Refs(default) if default else None


class ContextReader:
    """Gathers a `Context`; `lookup` None means that no GitHub App is configured."""

    def __init__(
        self,
        configs: ConfigLookup | None,
        permissions: PermissionLookup | None,
        defaults: RepositoryConfig,
    ) -> None:
        self._configs = configs
        self._permissions = permissions
        self._defaults = defaults

    async def gather(self, event: Event, commands: Sequence[Command]) -> Context:
        """Configuration and permissions for a GitHub event; the defaults for any other."""
        installation, repository = event.installation_id, event.repository
        if event.provider != "github" or installation is None or repository is None:
            return Context(self._defaults, None, (None,) * len(commands))
        found = await self._config(event, installation, repository)
        config = self._defaults if isinstance(found, ConfigInvalid) else found
        decisions = [
            await self._permission(installation, repository, command, config)
            for command in commands
        ]
        invalid = found if isinstance(found, ConfigInvalid) else None
        return Context(config, invalid, tuple(decisions))

    async def _config(
        self, event: Event, installation: int, repository: str
    ) -> RepositoryConfig | ConfigInvalid:
        refs = refs_of(event)
        if self._configs is None or refs is None:
            return self._defaults
        base = await self._configs.read_config(installation, repository, refs.base)
        if refs.head is None:
            return base
        head = await self._configs.read_config(installation, repository, refs.head)
        return effective(base, head, is_fork=refs.is_fork)

    async def _permission(
        self, installation: int, repository: str, command: Command, config: RepositoryConfig
    ) -> PermissionDecision | None:
        if self._permissions is None:
            return None
        have = await self._permissions.permission_of(installation, repository, command.actor)
        return may_command(
            command.actor,
            have,
            minimum=config.commands.minimum_permission,
            allow=config.commands.allow,
        )
