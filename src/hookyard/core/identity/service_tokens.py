"""What a service's verified token makes of it. Pure.

Whatever a token asks for that is unknown or not in the terms refuses the token as a whole: a role
left out would make a caller that half works, and one read as another would give too much.
"""

import re

from hookyard.adapters.oidc.port import Claims
from hookyard.core.identity.budgets import of_service
from hookyard.core.identity.issuers import ServiceTerms
from hookyard.core.identity.model import (
    DEFAULT_TENANT,
    Actor,
    ActorKind,
    Authenticated,
    Grant,
    Refused,
    Role,
    Scope,
    ScopeKind,
)
from hookyard.core.identity.rules import covers

MAX_ROLES = 8
MAX_SCOPES = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/-]{0,127}")
TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SCOPE = re.compile(r"(org|repo):([a-z0-9_-]{1,64}(?:/[a-z0-9._-]{1,100})?)")


def service_actor(issuer_id: str, terms: ServiceTerms, claims: Claims) -> Authenticated:
    """The service as an actor, or why its token gives it nothing."""
    name = claims.text(terms.names.service) or claims.subject
    if NAME.fullmatch(name) is None:
        return Refused("no_service", f"the token's {terms.names.service} or sub names no service")
    tenant = _tenant(terms, claims)
    if isinstance(tenant, Refused):
        return tenant
    roles = _roles(terms, claims)
    if isinstance(roles, Refused):
        return roles
    scopes = _scopes(terms, claims, tenant)
    if isinstance(scopes, Refused):
        return scopes
    source = f"issuer:{issuer_id}"
    return Actor(
        kind=ActorKind.SERVICE,
        id=f"{issuer_id}/{name}",
        tenant=tenant,
        grants=tuple(Grant(role, scope, source=source) for role in roles for scope in scopes),
        name=name,
        budget=of_service(issuer_id, name, terms.named, terms.calls),
    )


def _tenant(terms: ServiceTerms, claims: Claims) -> str | Refused:
    said = claims.all.get(terms.names.tenant)
    tenant = DEFAULT_TENANT if said is None else said
    if not isinstance(tenant, str) or TENANT.fullmatch(tenant) is None:
        return Refused("bad_tenant", "the token's tenant is no name of a tenant")
    if terms.tenants is not None and tenant not in terms.tenants:
        return Refused("foreign_tenant", "the token's issuer may not act for its tenant")
    return tenant


def _roles(terms: ServiceTerms, claims: Claims) -> tuple[Role, ...] | Refused:
    said = claims.texts(terms.names.roles)
    if said is None or len(said) > MAX_ROLES:
        return Refused("bad_roles", f"the token's roles must be a list of {MAX_ROLES} at most")
    if not said:
        return Refused("no_roles", f"the token names no role under {terms.names.roles}")
    known = {role.value: role for role in Role}
    if not all(name in known for name in said):
        return Refused("unknown_role", f"the roles there are: {', '.join(sorted(known))}")
    roles = tuple(dict.fromkeys(known[name] for name in said))
    if not terms.roles.issuperset(roles):
        return Refused("role_not_given", "the token's issuer may not give one of its roles")
    return roles


def _scopes(terms: ServiceTerms, claims: Claims, tenant: str) -> tuple[Scope, ...] | Refused:
    widest = Scope(terms.scope.kind, terms.scope.name, tenant)
    said = claims.texts(terms.names.scopes)
    if said is None or len(said) > MAX_SCOPES:
        return Refused("bad_scopes", f"the token's scopes must be a list of {MAX_SCOPES} at most")
    if not said:
        return (widest,)
    found = [read_scope(text, tenant) for text in dict.fromkeys(said)]
    scopes = tuple(scope for scope in found if scope is not None)
    if len(scopes) != len(found):
        return Refused("bad_scopes", "a scope is `tenant`, `org:owner` or `repo:owner/name`")
    if not all(covers(widest, scope) for scope in scopes):
        return Refused("scope_not_given", "the token asks for a wider scope than its issuer has")
    return scopes


def read_scope(text: str, tenant: str) -> Scope | None:
    """`tenant`, `org:owner` or `repo:owner/name`, in lower case; None for anything else."""
    if text == ScopeKind.TENANT.value:
        return Scope(tenant=tenant)
    found = _SCOPE.fullmatch(text)
    if found is None or (found[1] == "repo") != ("/" in found[2]):
        return None
    return Scope(ScopeKind(found[1]), found[2], tenant)
