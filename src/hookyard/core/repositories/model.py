"""Types of the local inventory: installations, repositories, and what an event changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Installation:
    """The App installed on one account. Instants are milliseconds.

    `updated_at_ms` is GitHub's own word on how new this knowledge is, 0 when it never said.
    """

    id: int
    account_login: str
    account_type: str
    app_id: int | None
    target_type: str
    suspended_at_ms: int | None
    removed_at_ms: int | None
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository the App can or could see, by GitHub's id. `full_name` is its newest name.

    `updated_at_ms` dates the attributes and `member_at_ms` the installation it belongs to, both by
    GitHub's clock, 0 when it never said. `seen_at_ms` is our instant of the last change.
    """

    id: int
    full_name: str
    installation_id: int
    private: bool
    default_branch: str
    archived: bool
    removed_at_ms: int | None
    updated_at_ms: int
    member_at_ms: int = 0
    seen_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class InstallationFacts:
    """What a payload says of an installation; None where it says nothing."""

    id: int
    account_login: str
    account_type: str
    app_id: int | None
    target_type: str
    suspended_at_ms: int | None
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    updated_at_ms: int | None


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a payload says of a repository; None where it says nothing."""

    id: int
    full_name: str
    private: bool | None = None
    default_branch: str | None = None
    archived: bool | None = None
    updated_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class InventoryChange:
    """What an event did to the inventory, and why.

    `repositories` counts the rows that changed. `forget_installation` names an installation whose
    cached tokens must go once this is committed.
    """

    reason: str
    repositories: int = 0
    forget_installation: int | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a reconciliation with GitHub's own list found."""

    seen: int
    added: tuple[str, ...] = field(default_factory=tuple)
    removed: tuple[str, ...] = field(default_factory=tuple)
