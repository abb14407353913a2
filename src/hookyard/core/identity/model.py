"""Types of identity: who calls (Actor), what they hold (Grant), what they want (Action)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

DEFAULT_TENANT = "default"


class ActorKind(StrEnum):
    """How the caller was recognised."""

    ADMIN_KEY = "admin_key"
    API_KEY = "api_key"
    USER = "user"
    SERVICE = "service"
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
    """Everything that needs a right."""

    SELF_READ = "self.read"
    DELIVERIES_READ = "deliveries.read"
    DELIVERIES_REPLAY = "deliveries.replay"
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"
    JOBS_CANCEL = "jobs.cancel"
    JOBS_PAUSE = "jobs.pause"
    LEASES_WORK = "leases.work"
    ISSUES_READ = "issues.read"
    ISSUES_WRITE = "issues.write"
    REPOSITORIES_READ = "repositories.read"
    EFFECTS_READ = "effects.read"
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


class ScopeKind(StrEnum):
    """How far a grant reaches."""

    TENANT = "tenant"
    ORG = "org"
    REPOSITORY = "repo"


@dataclass(frozen=True, slots=True)
class Scope:
    """A place rights are about. `name` is "" for a tenant, else lower case "owner" or
    "owner/name"; it is compared whole, never as a pattern."""

    kind: ScopeKind = ScopeKind.TENANT
    name: str = ""
    tenant: str = DEFAULT_TENANT

    @classmethod
    def of_repository(cls, full_name: str, tenant: str = DEFAULT_TENANT) -> "Scope":
        """The scope of one repository."""
        return cls(ScopeKind.REPOSITORY, full_name.lower(), tenant)

    @classmethod
    def of_org(cls, owner: str, tenant: str = DEFAULT_TENANT) -> "Scope":
        """The scope of everything one owner has."""
        return cls(ScopeKind.ORG, owner.lower(), tenant)

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over a scope."""

    role: Role
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a request, with everything a decision needs. `name` is for people to read.

    `kinds` and `lanes` restrict the jobs an API key starts or leases (empty: all), `max_leases`
    how many it leases at once (None: as the settings say).
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

    @property
    def label(self) -> str:
        """How audit and logs name this actor."""
        return f"{self.kind.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class Decision:
    """May they, and why or why not."""

    allowed: bool
    reason: str


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

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id!r}, name={self.name!r}, role={self.role.value!r})"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key somebody asks for. `expires_at_ms` None never expires; the last three are `Actor`'s."""

    name: str
    role: Role
    scope: Scope = Scope()
    expires_at_ms: int | None = None
    kinds: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    max_leases: int | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its token, which is never shown again."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"CreatedKey(key={self.key!r}, token='…')"
