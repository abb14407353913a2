"""Who may do what: a fixed table of roles and actions. Pure; what is not in it is denied.

Every answer is built beforehand, so a decision is a look-up for each grant.
"""

from collections.abc import Mapping
from types import MappingProxyType

from hookyard.core.identity.model import (
    DEFAULT_TENANT,
    Action,
    Actor,
    ActorKind,
    Decision,
    Role,
    Scope,
    ScopeKind,
)

_VIEWER = frozenset(
    {
        Action.SELF_READ,
        Action.SELF_WRITE,
        Action.DELIVERIES_READ,
        Action.JOBS_READ,
        Action.ISSUES_READ,
        Action.REVIEWS_READ,
        Action.TESTS_READ,
        Action.REPOSITORIES_READ,
        Action.EFFECTS_READ,
        Action.COVERAGE_READ,
        Action.HEALTH_READ,
        Action.METRICS_READ,
    }
)
_OPERATOR = _VIEWER | {
    Action.DELIVERIES_REPLAY,
    Action.JOBS_WRITE,
    Action.JOBS_CANCEL,
    Action.JOBS_PAUSE,
    Action.ISSUES_WRITE,
    Action.REVIEWS_WRITE,
}
_MAINTAINER = _OPERATOR | {
    Action.CRITERIA_WAIVE,
    Action.CONFIG_WRITE,
    Action.REVIEWS_FORCE,
    Action.COVERAGE_WRITE,
    Action.TOKENS_READ,
    Action.TOKENS_REVOKE,
    Action.PROJECTS_READ,
}
_AUDITOR = _VIEWER | {
    Action.AUDIT_READ,
    Action.KEYS_READ,
    Action.GRANTS_READ,
    Action.SESSIONS_READ,
    Action.TOKENS_READ,
    Action.SECRETS_READ,
    Action.PROJECTS_READ,
    Action.PROVIDER_KEYS_READ,
    Action.ACCESS_EXPLAIN,
}

TABLE: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.OPERATOR: _OPERATOR,
        Role.MAINTAINER: _MAINTAINER,
        Role.ADMIN: frozenset(Action),
        Role.AUDITOR: _AUDITOR,
        Role.INGEST: frozenset(
            {Action.SELF_READ, Action.COVERAGE_WRITE, Action.JOBS_WRITE, Action.JOBS_READ}
        ),
        Role.MINT: frozenset({Action.SELF_READ, Action.TOKENS_MINT, Action.TOKENS_REVOKE}),
        Role.WORKER: frozenset({Action.SELF_READ, Action.LEASES_WORK, Action.JOBS_READ}),
    }
)

_BY_ACTION: Mapping[str, Mapping[Role, Decision]] = {
    action.value: {
        role: Decision(allowed=True, reason=f"the role {role.value} may do {action.value}")
        for role, actions in TABLE.items()
        if action in actions
    }
    for action in Action
}
_NO_ROLE = {
    action.value: Decision(allowed=False, reason=f"no role held here may do {action.value}")
    for action in Action
}
_OWN = frozenset({Action.SELF_READ.value, Action.SELF_WRITE.value})
_OWN_ALLOWED = Decision(allowed=True, reason="whoever signed in may see and change their own")
_UNKNOWN = Decision(allowed=False, reason="no role may do that: the action is unknown")
_FOREIGN = Decision(allowed=False, reason="the actor belongs to another tenant")
_TENANT = Scope()


# why: deliveries, jobs and all that comes of them know one tenant so far; only these rooms ask
# whose their rows are.
BY_TENANT = frozenset(
    {
        Action.SELF_READ,
        Action.SELF_WRITE,
        Action.KEYS_READ,
        Action.KEYS_WRITE,
        Action.GRANTS_READ,
        Action.GRANTS_WRITE,
        Action.SESSIONS_READ,
        Action.SESSIONS_WRITE,
        Action.AUDIT_READ,
        Action.ACCESS_EXPLAIN,
    }
)
_ELSEWHERE = Decision(allowed=False, reason="what this is about belongs to another tenant")


def may_enter(actor: Actor, action: str, *, everywhere: bool) -> Decision:
    """The gate of a request: whether the action is held anywhere, or over the whole tenant.

    Where things are not kept by tenant, they are the default tenant's.
    """
    if actor.tenant != DEFAULT_TENANT and action not in BY_TENANT:
        return _ELSEWHERE
    if everywhere:
        return authorize(actor, action, Scope(tenant=actor.tenant))
    return may_somewhere(actor, action)


def authorize(actor: Actor, action: str, scope: Scope = _TENANT) -> Decision:
    """Whether the actor may do this here, by its own authorizer or else the table of roles."""
    if actor.authorizer is not None:
        return actor.authorizer.authorize(actor, action, scope)
    return by_roles(actor, action, scope)


def may_somewhere(actor: Actor, action: str) -> Decision:
    """Whether the actor may do this in any scope at all: the first gate of a request."""
    if actor.authorizer is not None:
        return actor.authorizer.somewhere(actor, action)
    return somewhere_by_roles(actor, action)


def scopes_for(actor: Actor, action: str) -> tuple[Scope, ...]:
    """Where the actor may do this: what lists are narrowed to."""
    if actor.authorizer is not None:
        return actor.authorizer.scopes(actor, action)
    return scopes_by_roles(actor, action)


def by_roles(actor: Actor, action: str, scope: Scope = _TENANT) -> Decision:
    """The table's answer: some grant must cover the scope and allow the action."""
    roles = _BY_ACTION.get(action)
    if roles is None:
        return _UNKNOWN
    if actor.tenant != scope.tenant:
        return _FOREIGN
    for grant in actor.grants:
        decision = roles.get(grant.role)
        if decision is not None and covers(grant.scope, scope):
            return decision
    return _NO_ROLE[action]


def somewhere_by_roles(actor: Actor, action: str) -> Decision:
    """The table's answer for any scope of the actor's tenant."""
    roles = _BY_ACTION.get(action)
    if roles is None:
        return _UNKNOWN
    for grant in actor.grants:
        decision = roles.get(grant.role)
        if decision is not None and grant.scope.tenant == actor.tenant:
            return decision
    if action in _OWN and actor.kind is ActorKind.USER:
        return _OWN_ALLOWED
    return _NO_ROLE[action]


def scopes_by_roles(actor: Actor, action: str) -> tuple[Scope, ...]:
    """The scopes of the grants whose role allows the action."""
    roles = _BY_ACTION.get(action, {})
    return tuple(
        grant.scope
        for grant in actor.grants
        if grant.role in roles and grant.scope.tenant == actor.tenant
    )


def covers(held: Scope, wanted: Scope) -> bool:
    """Whether a grant over `held` reaches `wanted`. Names match whole; there are no patterns.

    Where both know the repository's id, the id alone decides.
    """
    if held.tenant != wanted.tenant:
        return False
    kind = held.kind
    if kind is ScopeKind.TENANT:
        return True
    if kind is wanted.kind:
        if held.id is not None and wanted.id is not None:
            return held.id == wanted.id
        return bool(held.name) and held.name == wanted.name
    if kind is ScopeKind.ORG and wanted.kind is ScopeKind.REPOSITORY:
        return bool(held.name) and wanted.name.partition("/")[0] == held.name
    return False


def may_grant(actor: Actor, role: Role, scope: Scope, via: Action = Action.KEYS_WRITE) -> Decision:
    """Whether the actor may hand out this role here: nobody gives what they do not hold.

    `via` is the right it takes to hand out anything: keys, or grants.
    """
    for action in (via, *sorted(TABLE[role])):
        decision = authorize(actor, action, scope)
        if not decision.allowed:
            return Decision(
                allowed=False, reason=f"cannot give the role {role.value}: {decision.reason}"
            )
    return Decision(allowed=True, reason=f"the actor holds all that the role {role.value} allows")
