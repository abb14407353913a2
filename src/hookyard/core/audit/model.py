"""Types of the audit trail."""

from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.kit.json import JsonObject

DEFAULT_TENANT = "default"


class AuditOutcome(StrEnum):
    """What became of the action."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing somebody did or was refused. `actor` is `kind:id`, `target` names what it was
    done to; `detail` never holds a secret. `tenant` is whose trail it belongs to."""

    actor: str
    action: str
    target: str
    outcome: AuditOutcome = AuditOutcome.DONE
    reason: str = ""
    detail: JsonObject = field(default_factory=dict)
    tenant: str = DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry as kept; `seq` is its number in the chain, 0 before it has one."""

    id: str
    at_ms: int
    entry: AuditEntry
    seq: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records a list shows; None matches all."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: AuditOutcome | None = None
