"""What reviews ask of others, each the narrowest slice."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import EffectRecord
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig
from hookyard.features.reviews.model import Pull
from hookyard.kit.json import JsonObject

EffectOf: TypeAlias = Callable[[Unit, str], EffectRecord | None]
HeadSeen: TypeAlias = Callable[[Unit, Pull, str | None], None]
"""Told, in the unit that stores it, of a pull request's state and the delivery it came from."""


class Pulls(Protocol):
    """Reads one pull request as it stands now."""

    async def read(
        self, repository: str, number: int, installation_id: int | None
    ) -> JsonObject | None:
        """GitHub's object; None when there is no such pull request. Raises GitHubError."""
        ...

    async def references(
        self, repository: str, number: int, installation_id: int | None
    ) -> tuple[tuple[str, int], ...]:
        """Issues that GitHub says it closes, ("owner/name", number). Raises GitHubError."""
        ...


class Configs(Protocol):
    """A repository's configuration at a commit; raises GitHubError."""

    async def at(
        self, repository: str, commit_sha: str, installation_id: int | None
    ) -> RepositoryConfig | ConfigInvalid:
        """The configuration that holds there, or why the file cannot be used."""
        ...


def ignore_head(unit: Unit, pull: Pull, delivery_id: str | None) -> None:
    """Where nobody wants to hear of pull requests."""
