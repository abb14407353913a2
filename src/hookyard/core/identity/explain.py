"""Why an actor may do something, or what is missing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.core.identity.model import Action, Actor, Decision, Grant, Role, Scope, ScopeKind
from hookyard.core.identity.rules import TABLE, authorize, covers

HUMAN = (Role.VIEWER, Role.OPERATOR, Role.MAINTAINER, Role.AUDITOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its grounds.

    `by` is the grant it rests on. When it is denied, `elsewhere` are grants that allow the action
    in other scopes, and `roles` those that would allow it here, the narrowest first.
    """

    decision: Decision
    action: str
    scope: Scope
    by: Grant | None = None
    elsewhere: tuple[Grant, ...] = ()
    roles: tuple[Role, ...] = ()


def explain(actor: Actor, action: str, scope: Scope) -> Explanation:
    """The decision of the actor's authorizer, with what the grants say about it."""
    decision = authorize(actor, action, scope)
    known = {one.value: one for one in Action}.get(action)
    if known is None:
        return Explanation(decision, action, scope)
    fitting = [
        grant
        for grant in actor.grants
        if known in TABLE[grant.role] and grant.scope.tenant == actor.tenant
    ]
    here = next((grant for grant in fitting if covers(grant.scope, scope)), None)
    if decision.allowed:
        return Explanation(decision, action, scope, by=here)
    return Explanation(decision, action, scope, None, tuple(fitting), roles_for(known))


def roles_for(action: Action) -> tuple[Role, ...]:
    """The roles that allow an action, those for people first, with the fewest rights first."""
    found = [role for role in Role if action in TABLE[role]]
    return tuple(sorted(found, key=lambda role: (role not in HUMAN, len(TABLE[role]))))


def places_above(scope: Scope) -> Sequence[Scope]:
    """The scopes whose grants reach this one: itself, its owner, the tenant."""
    whole = Scope(tenant=scope.tenant)
    if scope.kind is ScopeKind.TENANT:
        return (whole,)
    if scope.kind is ScopeKind.REPOSITORY and scope.name:
        return (scope, Scope.of_org(scope.name.partition("/")[0], scope.tenant), whole)
    return (scope, whole)


def sentence(found: Explanation, who: str, granters: Sequence[str]) -> str:
    """The explanation in one line for people."""
    where = str(found.scope)
    if found.by is not None:
        source = f" ({found.by.source})" if found.by.source else ""
        return (
            f"{who} may do {found.action} over {where}: "
            f"holds {found.by.role.value} over {found.by.scope}{source}"
        )
    if found.decision.allowed:
        return f"{who} may do {found.action} over {where}: {found.decision.reason}"
    lacks = f"{who} may not do {found.action} over {where}: {found.decision.reason}"
    if found.elsewhere:
        held = ", ".join(f"{g.role.value} over {g.scope}" for g in found.elsewhere[:5])
        lacks = f"{lacks}; holds only {held}"
    if not found.roles:
        return lacks
    roles = " or ".join(role.value for role in found.roles)
    asked = f"; ask {', '.join(granters)}" if granters else ""
    return f"{lacks}. It takes {roles} over {where} or what contains it{asked}"
