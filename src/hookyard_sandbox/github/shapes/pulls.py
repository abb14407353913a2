"""Pull requests and their files as JSON."""

from hookyard.kit.json import Json, JsonObject
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
        "additions": sum(added for _, _, added, _ in files),
        "deletions": sum(removed for _, _, _, removed in files),
        "changed_files": len(files),
    }


def changed(it: Repository, head: Repository, one: Issue) -> list[tuple[str, str, int, int]]:
    """Changed files: path, status, lines added, lines removed (whole files counted)."""
    if one.pull is None:
        return []
    old = it.commits[one.pull.base_sha].tree
    new = head.commits[one.pull.head_sha].tree
    rows = []
    for path in sorted({p for p in old | new if old.get(p) != new.get(p)}):
        before = it.blobs.get(old.get(path, ""), b"").splitlines()
        after = head.blobs.get(new.get(path, ""), b"").splitlines()
        kind = "added" if path not in old else "removed" if path not in new else "modified"
        gone = sum(1 for x in before if x not in after)
        rows.append((path, kind, sum(1 for x in after if x not in before), gone))
    return rows


def diff_entry(api: str, it: Repository, head: Repository, one: Issue, path: str) -> JsonObject:
    """One changed file of a pull request."""
    pull = one.pull
    if pull is None:
        raise ValueError("not a pull request")
    row = next(r for r in changed(it, head, one) if r[0] == path)
    sha = head.commits[pull.head_sha].tree.get(path)
    page = page_of(api, head)
    return {
        "sha": sha or it.commits[pull.base_sha].tree.get(path),
        "filename": path,
        "status": row[1],
        "additions": row[2],
        "deletions": row[3],
        "changes": row[2] + row[3],
        "blob_url": f"{page}/blob/{pull.head_sha}/{path}",
        "raw_url": f"{page}/raw/{pull.head_sha}/{path}",
        "contents_url": f"{api_of(api, head)}/contents/{path}?ref={pull.head_sha}",
    }
