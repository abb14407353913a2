"""The commits that lead to another, newest first."""

from hookyard_sandbox.github.http import Answer, Call, Endpoint, Refusal, not_found
from hookyard_sandbox.github.model import Commit
from hookyard_sandbox.github.refs import resolve
from hookyard_sandbox.github.shapes import repositories as shapes


def list_commits(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/commits`: from `sha` (a commit or branch), else the default branch."""
    it = call.repository
    if not it.commits:
        raise Refusal(409, "Git Repository is empty.")
    tip = resolve(it, call.query.get("sha") or it.default_branch)
    if tip is None:
        raise not_found()
    found: dict[str, Commit] = {}
    left = [tip]
    while left:
        one = left.pop(0)
        if one.sha not in found:
            found[one.sha] = one
            left += [it.commits[sha] for sha in one.parents if sha in it.commits]
    return call.page(list(found.values()), lambda one: shapes.commit(call.api, it, one))


ENDPOINTS = (
    Endpoint("GET", "/repos/{owner}/{repo}/commits", list_commits, needs=(("contents", "read"),)),
)
