"""What the payload of each GitHub event must and must not contain at its top level.

The event name travels in an unsigned header, so a captured body could be sent again under
another name. The table tells the events apart by the keys GitHub documents for them; an event
that is not in it is accepted as it is.

# spec: docs.github.com, "Webhook events and payloads".
"""

from dataclasses import dataclass

from hookyard.kit.json import JsonObject


@dataclass(frozen=True, slots=True)
class Shape:
    """Keys that must be there, and keys that belong to another event."""

    needs: frozenset[str]
    lacks: frozenset[str] = frozenset()


def _shape(needs: str, lacks: str = "") -> Shape:
    return Shape(frozenset(needs.split()), frozenset(lacks.split()))


# Keys of which each belongs to a narrower event; the plain events below carry none of them.
_SPECIFIC = (
    "alert build blocked_user check_run check_suite client_payload comment deployment discussion"
    " forkee hook issue key label marketplace_purchase member merge_group milestone package pages"
    " project project_card project_column projects_v2_item pull_request release rule"
    " security_advisory sponsorship starred_at team workflow workflow_job workflow_run"
)

SHAPES: dict[str, Shape] = {
    "branch_protection_rule": _shape("action rule"),
    "check_run": _shape("action check_run", "deployment deployment_status"),
    "check_suite": _shape("action check_suite"),
    "code_scanning_alert": _shape("action alert commit_oid ref"),
    "commit_comment": _shape("action comment", "issue pull_request discussion"),
    "create": _shape("ref ref_type master_branch"),
    "delete": _shape("ref ref_type", "master_branch"),
    "dependabot_alert": _shape("action alert", "commit_oid"),
    "deploy_key": _shape("action key"),
    "deployment": _shape("deployment", "deployment_status workflow_job"),
    "deployment_review": _shape("action workflow_run", "workflow deployment"),
    "deployment_status": _shape("deployment deployment_status"),
    "discussion": _shape("action discussion", "comment"),
    "discussion_comment": _shape("action comment discussion"),
    "fork": _shape("forkee"),
    "github_app_authorization": _shape(
        "action sender", f"installation repository organization {_SPECIFIC}"
    ),
    "gollum": _shape("pages"),
    "installation": _shape(
        "action installation", f"repositories_added repository membership invitation {_SPECIFIC}"
    ),
    "installation_repositories": _shape("action repositories_added repositories_removed"),
    "issue_comment": _shape("action comment issue"),
    "issues": _shape("action issue", "comment"),
    "label": _shape("action label", "issue pull_request discussion"),
    "marketplace_purchase": _shape("action marketplace_purchase"),
    "member": _shape("action member", "team scope"),
    "membership": _shape("action member scope"),
    "merge_group": _shape("action merge_group"),
    "meta": _shape("action hook hook_id", "zen"),
    "milestone": _shape("action milestone", "issue pull_request"),
    "organization": _shape("action organization", f"repository {_SPECIFIC}"),
    "org_block": _shape("action blocked_user"),
    "package": _shape("action package"),
    "page_build": _shape("build id"),
    "ping": _shape("hook zen"),
    "project": _shape("action project"),
    "project_card": _shape("action project_card"),
    "project_column": _shape("action project_column"),
    "projects_v2_item": _shape("action projects_v2_item"),
    "public": _shape("repository", f"action ref state status {_SPECIFIC}"),
    "pull_request": _shape("action number pull_request", "comment review thread"),
    "pull_request_review": _shape("action review pull_request"),
    "pull_request_review_comment": _shape("action comment pull_request"),
    "pull_request_review_thread": _shape("action thread pull_request"),
    "push": _shape("ref before after commits"),
    "release": _shape("action release"),
    "repository": _shape("action repository", _SPECIFIC),
    "repository_dispatch": _shape("action branch client_payload"),
    "repository_import": _shape("status repository", "action"),
    "repository_vulnerability_alert": _shape("action alert", "commit_oid"),
    "security_advisory": _shape("action security_advisory"),
    "sponsorship": _shape("action sponsorship"),
    "star": _shape("action starred_at"),
    "status": _shape("sha state context"),
    "team": _shape("action team", "member"),
    "team_add": _shape("team repository", "action"),
    "watch": _shape("action repository", _SPECIFIC),
    "workflow_dispatch": _shape("inputs ref workflow"),
    "workflow_job": _shape("action workflow_job"),
    "workflow_run": _shape("action workflow_run", "deployment reviewers"),
}


def mismatch(event: str, payload: JsonObject) -> str | None:
    """Why the payload cannot be this event, or None when it can (unknown events always can)."""
    shape = SHAPES.get(event)
    if shape is None:
        return None
    absent = sorted(shape.needs - payload.keys())
    if absent:
        return f"a {event} event carries {', '.join(absent)}; this payload does not"
    extra = sorted(key for key in shape.lacks if payload.get(key) is not None)
    if extra:
        return f"a {event} event does not carry {', '.join(extra)}; this payload does"
    return None
