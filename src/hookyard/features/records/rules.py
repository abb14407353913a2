"""Who may do what with the records of an entity. Pure.

A role in a declaration stands for itself and for those above it (viewer, operator, maintainer,
admin). Only grants over the whole of the actor's own tenant count: records belong to a tenant, not
to a repository. What nobody is named for, nobody may do.
"""

from collections.abc import Iterable
from functools import lru_cache

from hookyard.core.identity.model import Actor, Role, ScopeKind

_ABOVE: dict[Role, tuple[Role, ...]] = {
    Role.VIEWER: (Role.VIEWER, Role.OPERATOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR),
    Role.OPERATOR: (Role.OPERATOR, Role.MAINTAINER, Role.ADMIN),
    Role.MAINTAINER: (Role.MAINTAINER, Role.ADMIN),
}
_BIT = {role: 1 << n for n, role in enumerate(Role)}


def roles_of(actor: Actor) -> int:
    """The roles an actor holds over its tenant, as bits."""
    found = 0
    for grant in actor.grants:
        scope = grant.scope
        if scope.kind is ScopeKind.TENANT and scope.tenant == actor.tenant:
            found |= _BIT[grant.role]
    return found


@lru_cache(maxsize=1024)
def admitted(roles: tuple[Role, ...]) -> int:
    """The roles that a declaration's list lets in, as bits."""
    return bits(above for role in roles for above in _ABOVE.get(role, (role,)))


def bits(roles: Iterable[Role]) -> int:
    """Roles as bits."""
    found = 0
    for role in roles:
        found |= _BIT[role]
    return found


def lets_in(roles: tuple[Role, ...], held: int) -> bool:
    """Whether one of the roles held is let in by a list."""
    return bool(admitted(roles) & held)


def words(roles: tuple[Role, ...]) -> str:
    """A list of roles as a refusal names it."""
    return " or ".join(role.value for role in roles) or "nobody"
