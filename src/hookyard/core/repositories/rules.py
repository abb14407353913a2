"""Who may give commands in a repository; pure, and every decision says why."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.kit.json import JsonObject, as_text, dig

PERMISSIONS = ("none", "read", "triage", "write", "maintain", "admin")
"""GitHub's roles in a repository, from least to most."""

_PERMISSION_EVENTS = ("member", "membership", "team", "team_add", "organization", "repository")


@dataclass(frozen=True, slots=True)
class PermissionDecision:
    """Whether a person may, what they have, what is needed, and the reason in one sentence."""

    allowed: bool
    have: str
    need: str
    reason: str


def read_permission(data: JsonObject) -> str:
    """The role in GitHub's answer, one of `PERMISSIONS`; a custom role counts as its base.

    # spec: docs.github.com, "Get repository permissions for a user": `role_name` may be a custom
    # role; `permission` is its legacy base, in which maintain shows as write and triage as read.
    """
    role = as_text(data.get("role_name"))
    if role in PERMISSIONS:
        return role
    base = as_text(data.get("permission"))
    return base if base in PERMISSIONS else "none"


def may_command(
    login: str, have: str, *, minimum: str, allow: Sequence[str] = ()
) -> PermissionDecision:
    """Whether this person may give commands: named in `allow`, or with at least `minimum`."""
    if login.lower() in (name.lower() for name in allow):
        return PermissionDecision(
            allowed=True, have=have, need=minimum, reason=f"@{login} is named in commands.allow"
        )
    if have not in PERMISSIONS or minimum not in PERMISSIONS:
        return PermissionDecision(
            allowed=False,
            have=have,
            need=minimum,
            reason=f"{have!r} or {minimum!r} is no permission",
        )
    if PERMISSIONS.index(have) >= max(PERMISSIONS.index(minimum), 1):
        reason = f"@{login} has {have} permission; {minimum} is enough"
        return PermissionDecision(allowed=True, have=have, need=minimum, reason=reason)
    reason = f"@{login} has {have} permission; commands here need at least {minimum}"
    return PermissionDecision(allowed=False, have=have, need=minimum, reason=reason)


def permissions_changed_by(event_name: str, payload: JsonObject) -> str | None:
    """What an event puts in doubt: "owner/name", "owner/" for a whole account, or None."""
    if event_name not in _PERMISSION_EVENTS:
        return None
    full_name = as_text(dig(payload, "repository", "full_name"))
    if full_name and event_name in ("member", "repository", "team_add"):
        return full_name.lower()
    owner = as_text(dig(payload, "organization", "login")) or full_name.partition("/")[0]
    return f"{owner.lower()}/" if owner else None
