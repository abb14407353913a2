"""Files of a pull request, and the comparison of two commits.

# spec: REST, pulls/{n}/files lists at most 3,000 files; compare/{base}...{head} has the commit
that both come from, and files on its first page only.
"""

from hookyard.kit.json import Json
from hookyard_sandbox.github.difference import changes, merge_base
from hookyard_sandbox.github.http import Answer, Call, Endpoint, not_found
from hookyard_sandbox.github.model import Commit, Repository
from hookyard_sandbox.github.refs import resolve
from hookyard_sandbox.github.routes.pulls import find, head_of
from hookyard_sandbox.github.shapes import pulls as shapes
from hookyard_sandbox.github.shapes.repositories import api_of, commit, page_of

MAX_FILES = 3_000
MAX_COMPARED = 300


def list_files(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/pulls/{n}/files`"""
    one, it = find(call), call.repository
    head = head_of(call, one)
    sha = one.pull.head_sha if one.pull else ""
    files = shapes.changed(it, head, one)[:MAX_FILES]
    return call.page(files, lambda file: shapes.diff_entry(call.api, head, sha, file))


def compare(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/compare/{base}...{head}`"""
    it = call.repository
    left, dots, right = call.params["basehead"].partition("...")
    base, head = resolve(it, left), _anywhere(call, right)
    if not dots or base is None or head is None:
        raise not_found()
    tip, other = head
    common = merge_base(it, base, tip, other)
    files = changes(common.tree, tip.tree, {**it.blobs, **other.blobs})[:MAX_COMPARED]
    ahead = [] if tip.sha == common.sha else [tip]
    url = f"{api_of(call.api, it)}/compare/{left}...{right}"
    page = f"{page_of(call.api, it)}/compare/{left}...{right}"
    shown: list[Json] = [shapes.diff_entry(call.api, other, tip.sha, file) for file in files]
    return Answer(
        200,
        {
            "url": url,
            "html_url": page,
            "permalink_url": page,
            "diff_url": page + ".diff",
            "patch_url": page + ".patch",
            "base_commit": commit(call.api, it, base),
            "merge_base_commit": commit(call.api, it, common),
            "status": "identical" if tip.sha == base.sha else "ahead",
            "ahead_by": len(ahead),
            "behind_by": 0,
            "total_commits": len(ahead),
            "commits": [commit(call.api, other, one) for one in ahead],
            "files": shown if call.query.get("page", "1") == "1" else [],
        },
    )


def _anywhere(call: Call, ref: str) -> tuple[Commit, Repository] | None:
    """A commit of the repository, or of a fork whose pull request brought it here."""
    found = resolve(call.repository, ref.rpartition(":")[2])
    if found is not None:
        return found, call.repository
    for one in call.repository.issues.values():
        if one.pull is not None:
            fork = call.world.repositories[one.pull.head_repository.lower()]
            if ref in fork.commits:
                return fork.commits[ref], fork
    return None


_READ = (("pull_requests", "read"),)
ENDPOINTS = (
    Endpoint("GET", "/repos/{owner}/{repo}/pulls/{number}/files", list_files, needs=_READ),
    Endpoint(
        "GET",
        "/repos/{owner}/{repo}/compare/{basehead:path}",
        compare,
        needs=(("contents", "read"),),
    ),
)
