"""Types of provider keys: secrets of LLM vendors and others that projects' jobs may be given."""

from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.kit.secret import Secret

LOCAL = "local"
"""How the agent command of this server is named among the holders of a key."""


class KeyState(StrEnum):
    """A disabled key is handed to nobody, and can be made active again."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A provider key as kept, without its value. `name` is the variable jobs find it under.

    `ends_with` are its last four characters, where it is long enough to show them. `holders` are
    who may be given it: `api_key:ID`, `service:ID`, `workload:ID`, `user:ID` or `local`.
    """

    id: str
    tenant: str
    name: str
    provider: str
    ends_with: str
    state: KeyState
    created_at_ms: int
    created_by: str
    changed_at_ms: int
    rotated_at_ms: int | None
    last_used_at_ms: int | None
    projects: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewProviderKey:
    """A key somebody brings."""

    name: str
    provider: str
    value: Secret
    projects: tuple[str, ...]
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to be different of a key; None leaves it."""

    projects: tuple[str, ...] | None = None
    holders: tuple[str, ...] | None = None
    state: KeyState | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """The sealed values of a key: the present one, and the one before its last rotation."""

    key_id: str
    tenant: str
    name: str
    cell: bytes = field(repr=False)
    previous: bytes | None = field(repr=False, default=None)
