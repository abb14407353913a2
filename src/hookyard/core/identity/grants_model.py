"""Types of kept grants: to whom, what, where it comes from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from hookyard.core.identity.model import DEFAULT_TENANT, ActorKind, Grant, Role, Scope

SUBJECT_KINDS = (ActorKind.USER, ActorKind.SERVICE, ActorKind.WORKLOAD)


class GrantSource(StrEnum):
    """Who keeps a grant in step: a person who gave it, a team's members, a configuration file."""

    MANUAL = "manual"
    TEAM = "team"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a grant is for: an actor's kind and id, in its tenant."""

    kind: ActorKind
    id: str
    tenant: str = DEFAULT_TENANT

    @property
    def label(self) -> str:
        """As `Actor.label`."""
        return f"{self.kind.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """A grant as kept. `via` names what the source took it from, such as `acme/platform`."""

    id: str
    subject: Subject
    role: Role
    scope: Scope
    source: GrantSource
    via: str
    created_at_ms: int
    created_by: str
    expires_at_ms: int | None

    @property
    def grant(self) -> Grant:
        """What it gives its subject."""
        source = f"{self.source.value} {self.via}".strip()
        return Grant(self.role, self.scope, self.id, source)


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant somebody wants to give; `expires_at_ms` None never ends."""

    subject: Subject
    role: Role
    scope: Scope
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which grants a list shows; None matches all."""

    subject: Subject | None = None
    role: Role | None = None
    scope: Scope | None = None


Given: TypeAlias = tuple[Role, Scope]
"""What a source gives a subject."""
