"""Who may be told of something: people by their logins, admins, and what somebody may read.

What people hold is read from the table of grants, which the rules' part of is written at every
sign-in and whenever it changed at a visit.
"""

from collections.abc import Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.identity import store_grants, store_users
from hookyard.core.identity.grants_model import Subject
from hookyard.core.identity.model import (
    DEFAULT_TENANT,
    Action,
    Actor,
    ActorKind,
    Role,
    Scope,
)
from hookyard.core.identity.rules import by_roles
from hookyard.core.identity.users import User

MOST_ADMINS = 1_000


def users_by_logins(unit: Unit, issuer: str, logins: Sequence[str]) -> Sequence[User]:
    """Those of these logins, as one issuer gives them, who ever signed in."""
    return store_users.by_logins(unit, issuer, logins)


def admin_ids(unit: Unit, now_ms: int, tenant: str = DEFAULT_TENANT) -> Sequence[str]:
    """The ids of users who are admins of everything, sorted."""
    everywhere = (Scope(tenant=tenant),)
    held = store_grants.holders(unit, tenant, (Role.ADMIN,), everywhere, now_ms, MOST_ADMINS)
    return sorted({kept.subject.id for kept in held if kept.subject.kind is ActorKind.USER})


def may(unit: Unit, user_id: str, action: Action, scope: Scope, now_ms: int) -> bool:
    """Whether a user may do this there, by the grants that are kept."""
    subject = Subject(ActorKind.USER, user_id, scope.tenant)
    grants = tuple(kept.grant for kept in store_grants.of_subject(unit, subject, now_ms))
    return by_roles(Actor(ActorKind.USER, user_id, scope.tenant, grants), action, scope).allowed
