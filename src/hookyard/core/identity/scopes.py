"""Scopes of repositories that follow a repository through its names.

A grant and an API key keep GitHub's id of their repository, and beside it the name it has now, so
that a decision needs no look-up. The inventory tells each name it learns, in the same unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.identity import store_scopes
from hookyard.core.identity.model import Scope, ScopeKind
from hookyard.kit.errors import Invalid

PORTION = 200

FindRepository: TypeAlias = Callable[[Unit, str], tuple[int, str] | None]
"""The id and present name of a repository, by that name or a former one; None when unknown."""


def nowhere(unit: Unit, full_name: str) -> None:
    """A `FindRepository` that knows none."""


def repositories_named(unit: Unit, named: Sequence[tuple[int, str]], find: FindRepository) -> None:
    """Repositories, by id, got these names: what is granted over them goes along, unless `find`
    knows another one that has the name since.

    A scope of another repository that had the name keeps its id and loses the name. One that was
    given by name alone, before the repository was known, is bound to its id from here on.
    """
    for start in range(0, len(named), PORTION):
        portion = [(known, name.lower()) for known, name in named[start : start + PORTION]]
        if store_scopes.any_scope(unit, portion):
            for repository_id, name in portion:
                if find(unit, name) == (repository_id, name):
                    store_scopes.move_names(unit, repository_id, name)


def settled(unit: Unit, scope: Scope, find: FindRepository) -> Scope:
    """The scope as it is kept: a known repository with its id, under its present name."""
    found = find(unit, scope.name) if scope.kind is ScopeKind.REPOSITORY else None
    if found is None:
        return scope
    return replace(scope, name=found[1].lower(), id=found[0])


def checked_scope(scope: Scope) -> Scope:
    """The scope; Invalid (`bad_scope`) when its name does not fit its kind."""
    slashes = 1 if scope.kind is ScopeKind.REPOSITORY else 0
    parts = scope.name.split("/")
    is_named = all(part.isascii() and part.isprintable() and part for part in parts)
    is_tenant = scope.kind is ScopeKind.TENANT
    if (is_tenant and scope.name) or (not is_tenant and not is_named) or len(scope.name) > 200:
        raise Invalid("the scope names no owner or repository", code="bad_scope")
    if len(parts) != slashes + 1 or scope.name != scope.name.lower():
        raise Invalid("the scope must be lower case: `owner`, `owner/name`, id", code="bad_scope")
    return scope
