"""Types of identity: who calls (Actor), what they hold (Grant), what they want (Action)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from hookyard.core.identity.budgets import CallBudget, CallRate

DEFAULT_TENANT = "default"


class ActorKind(StrEnum):
    """How the caller was recognised: a person signed in, a service by its JWT, a workload of CI
    by its OIDC token, a key, an upload token, or the server itself."""

    USER = "user"
    SERVICE = "service"
    WORKLOAD = "workload"
    API_KEY = "api_key"
    ADMIN_KEY = "admin_key"
    UPLOAD_TOKEN = "upload_token"  # noqa: S105
    SYSTEM = "system"


class Role(StrEnum):
    """What a grant makes of its holder. The last three are for machines."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MAINTAINER = "maintainer"
    ADMIN = "admin"
    AUDITOR = "auditor"
    INGEST = "ingest"
    MINT = "mint"
    WORKER = "worker"


class Action(StrEnum):
    """Everything that needs a right. `self.write` changes only what is the caller's own."""

    SELF_READ = "self.read"
    SELF_WRITE = "self.write"
    DELIVERIES_READ = "deliveries.read"
    DELIVERIES_REPLAY = "deliveries.replay"
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"
    JOBS_CANCEL = "jobs.cancel"
    JOBS_PAUSE = "jobs.pause"
    LEASES_WORK = "leases.work"
    ISSUES_READ = "issues.read"
    ISSUES_WRITE = "issues.write"
    CRITERIA_WAIVE = "criteria.waive"
    REVIEWS_READ = "reviews.read"
    REVIEWS_WRITE = "reviews.write"
    REVIEWS_FORCE = "reviews.force"
    TESTS_READ = "tests.read"
    REPOSITORIES_READ = "repositories.read"
    EFFECTS_READ = "effects.read"
    TOKENS_READ = "tokens.read"
    TOKENS_MINT = "tokens.mint"
    TOKENS_REVOKE = "tokens.revoke"
    COVERAGE_READ = "coverage.read"
    COVERAGE_WRITE = "coverage.write"
    CONFIG_WRITE = "config.write"
    HEALTH_READ = "health.read"
    METRICS_READ = "metrics.read"
    AUDIT_READ = "audit.read"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"
    GRANTS_READ = "grants.read"
    GRANTS_WRITE = "grants.write"
    SESSIONS_READ = "sessions.read"
    SESSIONS_WRITE = "sessions.write"
    SECRETS_READ = "secrets.read"
    SECRETS_WRITE = "secrets.write"
    PROJECTS_READ = "projects.read"
    PROJECTS_WRITE = "projects.write"
    PROVIDER_KEYS_READ = "provider_keys.read"
    PROVIDER_KEYS_WRITE = "provider_keys.write"
    ACCESS_EXPLAIN = "access.explain"


class ScopeKind(StrEnum):
    """How far a grant reaches."""

    TENANT = "tenant"
    ORG = "org"
    REPOSITORY = "repo"
    CAMPAIGN = "campaign"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Scope:
    """A place rights are about. `name` is "" for a tenant, else lower case "owner" or
    "owner/name", or the id of a campaign or a billing project; it is compared whole, never as a
    pattern.

    `id` is GitHub's id of a repository, where it is known: it goes before the name, which only
    says what the repository is called now. A repository that lost its name to another has none.
    """

    kind: ScopeKind = ScopeKind.TENANT
    name: str = ""
    tenant: str = DEFAULT_TENANT
    id: int | None = None

    @classmethod
    def of_repository(
        cls, full_name: str, tenant: str = DEFAULT_TENANT, repository_id: int | None = None
    ) -> "Scope":
        """The scope of one repository."""
        return cls(ScopeKind.REPOSITORY, full_name.lower(), tenant, repository_id)

    @classmethod
    def of_org(cls, owner: str, tenant: str = DEFAULT_TENANT) -> "Scope":
        """The scope of everything one owner has."""
        return cls(ScopeKind.ORG, owner.lower(), tenant)

    @classmethod
    def of_campaign(cls, campaign_id: str, tenant: str = DEFAULT_TENANT) -> "Scope":
        """The scope of one campaign."""
        return cls(ScopeKind.CAMPAIGN, campaign_id, tenant)

    @classmethod
    def of_project(cls, project_id: str, tenant: str = DEFAULT_TENANT) -> "Scope":
        """The scope of one billing project: its own settings, never the repositories in it."""
        return cls(ScopeKind.PROJECT, project_id, tenant)

    def __str__(self) -> str:
        if self.name:
            return f"{self.kind.value}:{self.name}"
        return self.kind.value if self.id is None else f"{self.kind.value}:#{self.id}"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over a scope. `id` and `source` say where it comes from; they are no part of it."""

    role: Role
    scope: Scope = Scope()
    id: str = field(default="", compare=False)
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a request, with everything a decision needs. `name` is for people to read.

    `kinds` and `lanes` restrict the jobs an API key starts or leases (empty: all), `max_leases`
    how many it leases at once (None: as the settings say). Its calls come out of `budget` (None:
    one of its own, as the settings say). `authorizer` decides in place of the
    table of roles. `facts` are what CI's issuer signed of a workload's run: `sha`, `ref` and so on.
    """

    kind: ActorKind
    id: str
    tenant: str
    grants: tuple[Grant, ...]
    name: str = ""
    session_id: str | None = None
    kinds: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    max_leases: int | None = None
    authorizer: "Authorizer | None" = field(default=None, compare=False, repr=False)
    facts: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    budget: CallBudget | None = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str:
        """How audit and logs name this actor."""
        return f"{self.kind.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class Decision:
    """May they, and why or why not."""

    allowed: bool
    reason: str


class Authorizer(Protocol):
    """Decides what actors may do. Its answers come from memory: it is asked on every request.

    One that has to ask elsewhere does so in `prepare`, and answers from what it brought along.
    """

    async def prepare(self, actor: Actor) -> Actor:
        """The actor with what the decisions need, `authorizer` set; once for each request."""
        ...

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        """Whether the actor may do this there."""
        ...

    def somewhere(self, actor: Actor, action: str) -> Decision:
        """Whether the actor may do this in any scope at all."""
        ...

    def scopes(self, actor: Actor, action: str) -> tuple[Scope, ...]:
        """Where the actor may do this, for lists that are read by scope."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a credential makes no actor. `code` is for logs and counters; callers are told only
    `detail`, which says no more than its holder may know."""

    code: str
    detail: str = "the credential is not valid"


Authenticated: TypeAlias = Actor | Refused


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as kept: never the secret, only the SHA-256 of the whole token (hexadecimal)."""

    id: str
    tenant: str
    name: str
    token_sha256: str
    role: Role
    scope: Scope
    created_at_ms: int
    created_by: str
    expires_at_ms: int | None
    last_used_at_ms: int | None
    revoked_at_ms: int | None
    kinds: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    max_leases: int | None = None
    calls: CallRate | None = None

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id!r}, name={self.name!r}, role={self.role.value!r})"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key somebody asks for. `expires_at_ms` None never expires; `kinds`, `lanes` and
    `max_leases` are `Actor`'s; `calls` is how often it may call (None: as the settings say)."""

    name: str
    role: Role
    scope: Scope = Scope()
    expires_at_ms: int | None = None
    kinds: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    max_leases: int | None = None
    calls: CallRate | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its token, which is never shown again."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"CreatedKey(key={self.key!r}, token='…')"
