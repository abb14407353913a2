"""The audit entry of an App that was registered."""

from hookyard.adapters.github.conversion import NewApp
from hookyard.core.audit.model import DEFAULT_TENANT, AuditEntry


def made(app: NewApp, by: str) -> AuditEntry:
    """That `by` had this App made, and its secrets stored."""
    return AuditEntry(
        by,
        "secrets.write",
        f"github-app:{app.id}",
        detail={"slug": app.slug, "owner": app.owner},
        tenant=DEFAULT_TENANT,
    )
