"""The inventory over HTTP, and the JSON Schema of a repository's configuration file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Limit, Name, Owner, Require
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize, scopes_for
from hookyard.core.repositories.config import config_schema
from hookyard.core.repositories.model import Installation, Repository
from hookyard.core.repositories.service import (
    get_installation,
    get_repository,
    list_repositories,
)
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Conflict, NotFound


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


@dataclass(frozen=True, slots=True)
class InstallOut:
    """Where the App is installed on a repository, or changed there: pages of GitHub.

    `manage_url` is None where the App does not reach the repository, or the caller may not know.
    """

    url: str
    installed: bool
    installation_id: int | None
    manage_url: str | None


@dataclass(frozen=True, slots=True)
class AppPages:
    """GitHub's website, and the page of the App on it; "" where the App's name is not known."""

    site: str
    app: str


MANAGED = 200


def router(database: Database, require: Require, pages: AppPages) -> APIRouter:
    """The routes /api/repos[/{owner}/{repo}[/install]] and /api/config/schema."""
    routes = APIRouter(prefix="/api", tags=["repositories"])
    reader = Depends(require(Action.REPOSITORIES_READ))

    @routes.get("/repos")
    async def list_repos(
        actor: Annotated[Actor, reader], cursor: Cursor = None, limit: Limit = None
    ) -> RepositoriesOut:
        """Repositories the App can see, by name; a narrow key gets those it reaches."""
        scopes = scopes_for(actor, Action.REPOSITORIES_READ)
        page = await database.read(
            lambda unit: list_repositories(unit, limit=limit, cursor=cursor, scopes=scopes)
        )
        return RepositoriesOut([repository_out(found) for found in page.items], page.next_cursor)

    @routes.get("/repos/{owner}/{repo}")
    async def get_repo(
        owner: Owner, repo: Name, actor: Annotated[Actor, reader]
    ) -> RepositoryDetailOut:
        """One repository, by its present or a former name."""

        def look(unit: Unit) -> RepositoryDetailOut:
            found = _seen(unit, actor, f"{owner}/{repo}")
            if found is None:
                raise NotFound("there is no such repository")
            installation = get_installation(unit, found.installation_id)
            return RepositoryDetailOut(repository_out(found), installation_out(installation))

        return await database.read(look)

    @routes.get("/repos/{owner}/{repo}/install")
    async def get_install(owner: Owner, repo: Name, actor: Annotated[Actor, reader]) -> InstallOut:
        """Where to install the App on a repository, or to change what it may do there."""
        if not pages.app:
            raise Conflict(
                "the App's name is not known: set HOOKYARD_GITHUB_APP_SLUG", code="no_app"
            )

        def look(unit: Unit) -> Installation | None:
            found = _seen(unit, actor, f"{owner}/{repo}")
            return None if found is None else get_installation(unit, found.installation_id)

        return install_out(pages, await database.read(look))

    @routes.get("/config/schema")
    async def get_config_schema(actor: Annotated[Actor, reader]) -> dict[str, object]:
        """The JSON Schema of `.hookyard.yml`."""
        return dict(config_schema())

    return routes


def managed(unit: Unit, actor: Actor) -> Sequence[str]:
    """The names of the first repositories an actor may see."""
    scopes = scopes_for(actor, Action.REPOSITORIES_READ)
    if not scopes:
        return ()
    page = list_repositories(unit, limit=MANAGED, scopes=scopes)
    return [found.full_name for found in page.items]


def install_out(pages: AppPages, found: Installation | None) -> InstallOut:
    """Where to go for an installation that is there, or is not yet."""
    url = f"{pages.app}/installations/new"
    if found is None or found.removed_at_ms is not None:
        return InstallOut(url, installed=False, installation_id=None, manage_url=None)
    is_org = found.account_type == "Organization"
    place = f"organizations/{found.account_login}/settings" if is_org else "settings"
    manage = f"{pages.site}/{place}/installations/{found.id}"
    return InstallOut(url, installed=True, installation_id=found.id, manage_url=manage)


def _seen(unit: Unit, actor: Actor, full_name: str) -> Repository | None:
    """A repository the actor may see; None for one that is not there or is foreign."""
    found = get_repository(unit, full_name)
    if found is None:
        return None
    scope = Scope.of_repository(found.full_name, actor.tenant, found.id)
    return found if authorize(actor, Action.REPOSITORIES_READ, scope).allowed else None


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
