"""Whose tokens are trusted, and for what: types of what settings and the issuers file say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hookyard.adapters.oidc.port import Keys
from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.model import DEFAULT_TENANT, Role, Scope

EVERYTHING = Scope()
GITHUB_ACTIONS = "https://token.actions.githubusercontent.com"
MAX_LIFETIME_S = 3_600


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Under which names a service's token says what Hookyard wants to know."""

    roles: str = "roles"
    service: str = "service"
    tenant: str = "tenant"
    scopes: str = "scopes"


USUAL_NAMES = ClaimNames()


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What services of an issuer may be given: these roles, in these tenants (None: any), within
    this scope. What a token asks beyond is refused. `named` services have budgets of their own,
    the others share one; `calls` is for who has no rate (None: as the settings say)."""

    roles: frozenset[Role]
    tenants: frozenset[str] | None = frozenset({DEFAULT_TENANT})
    scope: Scope = EVERYTHING
    names: ClaimNames = USUAL_NAMES
    named: Mapping[str, CallRate | None] = field(default_factory=lambda: MappingProxyType({}))
    calls: CallRate | None = None


@dataclass(frozen=True, slots=True)
class WorkloadRule:
    """What a workload must be to get a role. Each condition is a claim and the patterns of which
    one must fit. `scope` None is the repository the workload runs for."""

    name: str
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    role: Role
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class WorkloadTerms:
    """The rules of an issuer of workloads; a workload that none fits is refused. `calls` is for
    each repository (None: as the settings say)."""

    rules: tuple[WorkloadRule, ...]
    tenant: str = DEFAULT_TENANT
    calls: CallRate | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer whose tokens are accepted. `id` is for people, logs and audit.

    `issuer` None takes tokens of any issuer that is not configured itself. Keys are `pinned`, or
    fetched: from `jwks_uri`, or where the issuer's own document says.
    """

    id: str
    issuer: str | None
    audiences: tuple[str, ...]
    algorithms: frozenset[str]
    terms: ServiceTerms | WorkloadTerms
    pinned: Keys = field(default=(), repr=False)
    jwks_uri: str | None = None
    max_lifetime_s: int = MAX_LIFETIME_S
