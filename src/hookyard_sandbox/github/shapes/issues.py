"""Issues, comments and reactions as JSON."""

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import REACTIONS, Comment, Issue, Reaction, Repository
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.repositories import api_of, label, page_of


def issue_url(api: str, it: Repository, number: int) -> str:
    """The API address of an issue."""
    return f"{api_of(api, it)}/issues/{number}"


def reaction(api: str, one: Reaction) -> JsonObject:
    """One reaction."""
    return {
        "id": one.id,
        "node_id": accounts.node_id("Reaction", one.id),
        "user": accounts.user(api, one.user),
        "content": one.content,
        "created_at": stamp(one.created_at_ms),
    }


def rollup(url: str, reactions: list[Reaction]) -> JsonObject:
    """The reactions of one thing, counted."""
    counts: dict[str, Json] = {c: sum(1 for r in reactions if r.content == c) for c in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}


def issue(api: str, it: Repository, one: Issue, association: str = "NONE") -> JsonObject:
    """An issue, or the issue half of a pull request."""
    url, page = issue_url(api, it, one.number), page_of(api, it)
    kind = "pull" if one.pull else "issues"
    shape: dict[str, Json] = {
        "id": one.id,
        "node_id": accounts.node_id("Issue", one.id),
        "url": url,
        "repository_url": api_of(api, it),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": f"{page}/{kind}/{one.number}",
        "number": one.number,
        "state": one.state,
        "state_reason": one.state_reason,
        "title": one.title,
        "body": one.body,
        "user": accounts.user(api, one.user),
        "labels": [label(api, it, x) for x in one.labels],
        "assignee": accounts.maybe_user(api, one.assignees[0] if one.assignees else None),
        "assignees": [accounts.user(api, x) for x in one.assignees],
        "milestone": None,
        "locked": one.locked,
        "active_lock_reason": None,
        "comments": len(one.comments),
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.updated_at_ms),
        "closed_at": None if one.closed_at_ms is None else stamp(one.closed_at_ms),
        "closed_by": accounts.maybe_user(api, one.closed_by),
        "author_association": association,
        "performed_via_github_app": accounts.maybe_app(api, one.app),
        "reactions": rollup(url, one.reactions),
    }
    if one.pull:
        merged = one.pull.merged_at_ms
        shape["draft"] = one.pull.draft
        shape["pull_request"] = {
            "url": f"{api_of(api, it)}/pulls/{one.number}",
            "html_url": f"{page}/pull/{one.number}",
            "diff_url": f"{page}/pull/{one.number}.diff",
            "patch_url": f"{page}/pull/{one.number}.patch",
            "merged_at": None if merged is None else stamp(merged),
        }
    return shape


def comment(api: str, it: Repository, one: Comment, association: str = "NONE") -> JsonObject:
    """A comment on an issue or pull request."""
    url = f"{api_of(api, it)}/issues/comments/{one.id}"
    number = it.issues[one.number]
    kind = "pull" if number.pull else "issues"
    return {
        "id": one.id,
        "node_id": accounts.node_id("IssueComment", one.id),
        "url": url,
        "html_url": f"{page_of(api, it)}/{kind}/{one.number}#issuecomment-{one.id}",
        "issue_url": issue_url(api, it, one.number),
        "user": accounts.user(api, one.user),
        "body": one.body,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.updated_at_ms),
        "author_association": association,
        "performed_via_github_app": accounts.maybe_app(api, one.app),
        "reactions": rollup(url, one.reactions),
    }
