"""The inventory over HTTP, and the JSON Schema of a repository's configuration file."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Limit, Name, Owner, Require, may, visible
from hookyard.core.identity.model import Action, Actor
from hookyard.core.repositories.config import config_schema
from hookyard.core.repositories.model import Installation, Repository
from hookyard.core.repositories.service import (
    get_installation,
    get_repository,
    list_repositories,
)
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class RepositoryOut:
    """A repository the App can see."""

    id: int
    full_name: str
    installation_id: int
    private: bool
    default_branch: str
    archived: bool
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class RepositoriesOut:
    """A page of repositories by name; only those the caller may see are in it."""

    items: list[RepositoryOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class InstallationOut:
    """The App on one account: what it may do there, and since when it is suspended."""

    id: int
    account_login: str
    account_type: str
    suspended_at: str | None
    permissions: dict[str, str]
    events: list[str]


@dataclass(frozen=True, slots=True)
class RepositoryDetailOut:
    """A repository and the installation that reaches it."""

    repository: RepositoryOut
    installation: InstallationOut | None


def router(database: Database, require: Require) -> APIRouter:
    """The routes /api/repos[/{owner}/{repo}] and /api/config/schema."""
    routes = APIRouter(prefix="/api", tags=["repositories"])
    reader = Depends(require(Action.REPOSITORIES_READ))

    @routes.get("/repos")
    async def list_repos(
        actor: Annotated[Actor, reader], cursor: Cursor = None, limit: Limit = None
    ) -> RepositoriesOut:
        """Repositories the App can see, by name; a narrow key gets those it reaches."""
        page = await database.read(lambda unit: list_repositories(unit, limit=limit, cursor=cursor))
        seen = [r for r in page.items if may(actor, Action.REPOSITORIES_READ, r.full_name)]
        return RepositoriesOut([repository_out(found) for found in seen], page.next_cursor)

    @routes.get("/repos/{owner}/{repo}")
    async def get_repo(
        owner: Owner, repo: Name, actor: Annotated[Actor, reader]
    ) -> RepositoryDetailOut:
        """One repository, by its present or a former name."""

        def look(unit: Unit) -> RepositoryDetailOut:
            found = get_repository(unit, f"{owner}/{repo}")
            if found is None:
                raise NotFound("there is no such repository")
            visible(actor, Action.REPOSITORIES_READ, found.full_name, "repository")
            installation = get_installation(unit, found.installation_id)
            return RepositoryDetailOut(repository_out(found), installation_out(installation))

        return await database.read(look)

    @routes.get("/config/schema")
    async def get_config_schema(actor: Annotated[Actor, reader]) -> dict[str, object]:
        """The JSON Schema of `.hookyard.yml`."""
        return dict(config_schema())

    return routes


def repository_out(found: Repository) -> RepositoryOut:
    """A repository on the wire."""
    return RepositoryOut(
        id=found.id,
        full_name=found.full_name,
        installation_id=found.installation_id,
        private=found.private,
        default_branch=found.default_branch,
        archived=found.archived,
        updated_at=to_rfc3339(found.updated_at_ms) if found.updated_at_ms else None,
    )


def installation_out(found: Installation | None) -> InstallationOut | None:
    """An installation on the wire."""
    if found is None:
        return None
    suspended = found.suspended_at_ms
    return InstallationOut(
        id=found.id,
        account_login=found.account_login,
        account_type=found.account_type,
        suspended_at=None if suspended is None else to_rfc3339(suspended),
        permissions=dict(found.permissions),
        events=list(found.events),
    )
