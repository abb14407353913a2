"""Payloads of Jira Cloud webhooks, built from the documented schemas; none was captured."""

from collections.abc import Sequence

from hookyard.kit.json import JsonObject

_SITE = "https://example.atlassian.net"


def user(account_id: str, name: str, *, is_app: bool = False) -> JsonObject:
    """A person, or an app, as Jira Cloud shows one."""
    return {
        "self": f"{_SITE}/rest/api/2/user?accountId={account_id}",
        "accountId": account_id,
        "displayName": name,
        "active": True,
        "timeZone": "Etc/UTC",
        "accountType": "app" if is_app else "atlassian",
    }


def issue(key: str, summary: str, description: str = "", labels: Sequence[str] = ()) -> JsonObject:
    """An issue with the fields that every project has."""
    number = key.rpartition("-")[2]
    return {
        "id": f"10{number.zfill(3)}",
        "self": f"{_SITE}/rest/api/2/issue/10{number.zfill(3)}",
        "key": key,
        "fields": {
            "summary": summary,
            "description": description or None,
            "issuetype": {"id": "10001", "name": "Task", "subtask": False},
            "project": {"id": "10000", "key": key.rpartition("-")[0], "name": "Project"},
            "status": {"id": "3", "name": "In Progress"},
            "labels": list(labels),
            "priority": {"id": "3", "name": "Medium"},
        },
    }


def issue_updated(
    key: str,
    summary: str,
    actor: JsonObject,
    *,
    now_ms: int,
    description: str = "",
    labels_before: Sequence[str] = (),
    labels_after: Sequence[str] = (),
) -> JsonObject:
    """`jira:issue_updated`; a change of labels is in its changelog, a new summary otherwise."""
    item: JsonObject = {
        "field": "summary",
        "fieldtype": "jira",
        "fieldId": "summary",
        "from": None,
        "fromString": "An older summary",
        "to": None,
        "toString": summary,
    }
    if tuple(labels_before) != tuple(labels_after):
        item = {
            "field": "labels",
            "fieldtype": "jira",
            "fieldId": "labels",
            "from": None,
            "fromString": " ".join(labels_before),
            "to": None,
            "toString": " ".join(labels_after),
        }
    return {
        "timestamp": now_ms,
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_updated",
        "user": actor,
        "issue": issue(key, summary, description, labels_after),
        "changelog": {"id": str(now_ms % 1_000_000), "items": [item]},
    }


def comment_created(
    key: str, summary: str, body: str, actor: JsonObject, *, now_ms: int, comment_id: int = 10042
) -> JsonObject:
    """`comment_created`: no `user`, the comment names its author."""
    return {
        "timestamp": now_ms,
        "webhookEvent": "comment_created",
        "comment": {
            "self": f"{_SITE}/rest/api/2/issue/{key}/comment/{comment_id}",
            "id": str(comment_id),
            "author": actor,
            "updateAuthor": actor,
            "body": body,
            "jsdPublic": True,
        },
        "issue": issue(key, summary),
    }
