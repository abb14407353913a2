"""Pull requests and their files as JSON."""

from urllib.parse import quote

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.difference import FileChange, changes, merge_base
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import Issue, Pull, Repository
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.issues import issue_url
from hookyard_sandbox.github.shapes.repositories import api_of, label, page_of, repository


def _side(api: str, it: Repository, ref: str, sha: str) -> JsonObject:
    owner = it.owner
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": accounts.user(api, owner),
        "repo": repository(api, it),
    }


def _links(api: str, it: Repository, one: Issue, pull: Pull) -> dict[str, str]:
    own, url = api_of(api, it), f"{api_of(api, it)}/pulls/{one.number}"
    return {
        "self": url,
        "html": f"{page_of(api, it)}/pull/{one.number}",
        "issue": issue_url(api, it, one.number),
        "comments": f"{issue_url(api, it, one.number)}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{own}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{own}/statuses/{pull.head_sha}",
    }


def simple_pull(
    api: str, it: Repository, head: Repository, one: Issue, association: str = "NONE"
) -> JsonObject:
    """A pull request as lists show it; `head` is the repository its branch lives in."""
    pull = one.pull
    if pull is None:
        raise ValueError("not a pull request")
    links = _links(api, it, one, pull)
    shape: dict[str, Json] = {
        "id": pull.id,
        "node_id": accounts.node_id("PullRequest", pull.id),
        "url": links["self"],
        "html_url": links["html"],
        "diff_url": links["html"] + ".diff",
        "patch_url": links["html"] + ".patch",
        "issue_url": links["issue"],
        "number": one.number,
        "state": one.state,
        "locked": one.locked,
        "active_lock_reason": None,
        "title": one.title,
        "user": accounts.user(api, one.user),
        "body": one.body,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.updated_at_ms),
        "closed_at": None if one.closed_at_ms is None else stamp(one.closed_at_ms),
        "merged_at": None if pull.merged_at_ms is None else stamp(pull.merged_at_ms),
        "merge_commit_sha": None,
        "assignee": None,
        "assignees": [accounts.user(api, x) for x in one.assignees],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [label(api, it, x) for x in one.labels],
        "milestone": None,
        "draft": pull.draft,
        "head": _side(api, head, pull.head_ref, pull.head_sha),
        "base": _side(api, it, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association,
        "auto_merge": None,
    }
    for name in ("comments", "review_comments", "review_comment", "commits", "statuses"):
        shape[f"{name}_url"] = links[name]
    return shape


def full_pull(
    api: str, it: Repository, head: Repository, one: Issue, association: str = "NONE"
) -> JsonObject:
    """A pull request as its own address shows it."""
    files = changed(it, head, one)
    merged = one.pull is not None and one.pull.merged_at_ms is not None
    return {
        **simple_pull(api, it, head, one, association),
        "merged": merged,
        "mergeable": None if one.state == "closed" else True,
        "rebaseable": None,
        "mergeable_state": "unknown" if one.state == "closed" else "clean",
        "merged_by": accounts.user(api, one.closed_by) if merged and one.closed_by else None,
        "comments": len(one.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": 1,
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def changed(it: Repository, head: Repository, one: Issue) -> tuple[FileChange, ...]:
    """Changed files of a pull request, against the commit that its branch started from."""
    if one.pull is None:
        return ()
    tip = head.commits[one.pull.head_sha]
    base = merge_base(it, it.commits[one.pull.base_sha], tip, head)
    return changes(base.tree, tip.tree, {**it.blobs, **head.blobs})


def diff_entry(api: str, head: Repository, sha: str, change: FileChange) -> JsonObject:
    """One changed file at a commit."""
    page, path = page_of(api, head), quote(change.path)
    shape: dict[str, Json] = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{page}/blob/{sha}/{path}",
        "raw_url": f"{page}/raw/{sha}/{path}",
        "contents_url": f"{api_of(api, head)}/contents/{path}?ref={sha}",
    }
    if change.patch is not None:
        shape["patch"] = change.patch
    if change.previous is not None:
        shape["previous_filename"] = change.previous
    return shape
