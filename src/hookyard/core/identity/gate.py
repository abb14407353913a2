"""What every room's routes share: the right a route names, and the shapes of its parameters."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol, TypeAlias

from fastapi import Path, Query, Request
from pydantic import Field

from hookyard.core.identity.model import Actor, Scope, ScopeKind
from hookyard.core.identity.rules import authorize
from hookyard.kit import names
from hookyard.kit.errors import Forbidden, NotFound
from hookyard.kit.text import storable

Check: TypeAlias = Callable[[Request], Awaitable[Actor]]
Require: TypeAlias = Callable[[str], Check]


class Gate(Protocol):
    """Makes the dependencies that give a route its Actor, or refuse with 401 or 403."""

    def require(self, action: str) -> Check:
        """For callers who hold the action somewhere; the route checks where."""
        ...

    def require_everywhere(self, action: str) -> Check:
        """For callers who hold the action over their whole tenant."""
        ...


SCOPE = (
    rf"^(tenant|org:{names.OWNER}|repo:{names.REPOSITORY}"
    r"|(?:campaign|project):[0-9a-hjkmnp-tv-z]{26})$"
)
REPOSITORY = f"^{names.REPOSITORY}$"
ID = r"^[0-9a-hjkmnp-tv-z]{26}$"
Id = Annotated[str, Path(pattern=ID)]
Owner = Annotated[str, Path(pattern=f"^{names.OWNER}$")]
Name = Annotated[str, Path(pattern=f"^{names.NAME}$")]
Number = Annotated[int, Path(ge=1, le=names.MAX_NUMBER)]
RepositoryName = Annotated[str, Field(pattern=REPOSITORY)]
Text = Annotated[str | None, Query(max_length=200)]
RepositoryQuery = Annotated[str | None, Query(pattern=REPOSITORY)]
IdQuery = Annotated[str | None, Query(pattern=ID)]
Cursor = Annotated[str | None, Query(max_length=1024)]
Limit = Annotated[int | None, Query(ge=1, le=200)]


def stored(text: str | None) -> str | None:
    """`storable` for a filter that may be absent."""
    return None if text is None else storable(text)


def scope_named(text: str, tenant: str) -> Scope:
    """The scope of a text that fits `SCOPE`."""
    kind, _, name = text.partition(":")
    return Scope(ScopeKind(kind), name.lower(), tenant)


def scope_of(actor: Actor, repository: str | None) -> Scope:
    """The scope of a repository, or of the actor's whole tenant."""
    if repository is None:
        return Scope(tenant=actor.tenant)
    return Scope.of_repository(repository, actor.tenant)


def may(actor: Actor, action: str, repository: str | None) -> bool:
    """Whether the actor holds the action over this repository (None: over everything)."""
    return authorize(actor, action, scope_of(actor, repository)).allowed


def allow(actor: Actor, action: str, repository: str | None) -> None:
    """Forbidden unless `may`; a list over everything tells a narrow key to name a repository."""
    decision = authorize(actor, action, scope_of(actor, repository))
    if not decision.allowed:
        hint = "" if repository else "; a key for some repositories must name one"
        raise Forbidden(decision.reason + hint)


def visible(actor: Actor, action: str, repository: str | None, what: str) -> None:
    """NotFound unless `may`: what is foreign looks as if it were not there."""
    if not may(actor, action, repository):
        raise NotFound(f"there is no such {what}")


def repository_of(actor: Actor, action: str, owner: str, repo: str) -> str:
    """The name a route's path gives; NotFound unless the actor holds the action there."""
    name = f"{owner}/{repo}"
    visible(actor, action, name, "repository")
    return name
