"""Types of the audit trail."""

from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.kit.json import JsonObject


class AuditOutcome(StrEnum):
    """What became of the action."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing somebody did or was refused. `actor` is `kind:id`, `target` names what it was
    done to; `detail` never holds a secret."""

    actor: str
    action: str
    target: str
    outcome: AuditOutcome = AuditOutcome.DONE
    reason: str = ""
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry as kept."""

    id: str
    at_ms: int
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records a list shows; None matches all."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: AuditOutcome | None = None
