"""Pull requests: read only, and opening one."""

import msgspec

from hookyard_sandbox.github import changes
from hookyard_sandbox.github.http import (
    Answer,
    Call,
    Endpoint,
    check_text,
    invalid,
    not_found,
)
from hookyard_sandbox.github.model import Issue, Pull, Repository
from hookyard_sandbox.github.shapes import pulls as shapes


class PullBody(msgspec.Struct):
    """Body of a new pull request."""

    head: str
    base: str
    title: str = ""
    body: str | None = None
    draft: bool = False


def head_of(call: Call, one: Issue) -> Repository:
    """The repository that its branch is in."""
    name = one.pull.head_repository if one.pull else ""
    return call.world.repositories[name.lower()]


def _association(call: Call, one: Issue) -> str:
    return call.world.association(call.repository, one.user)


def find(call: Call) -> Issue:
    """The pull request that the address names."""
    one = call.repository.issues.get(call.number("number"))
    if one is None or one.pull is None:
        raise not_found()
    return one


def list_pulls(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/pulls`: newest first; filters state, head and base."""
    state = call.query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("PullRequest", "state")
    it = call.repository
    found = [
        one
        for one in reversed(it.issues.values())
        if one.pull and state in ("all", one.state) and _asked(call, one.pull)
    ]
    return call.page(
        found,
        lambda one: shapes.simple_pull(
            call.api, it, head_of(call, one), one, _association(call, one)
        ),
    )


def _asked(call: Call, pull: Pull) -> bool:
    owner = pull.head_repository.partition("/")[0]
    head = call.query.get("head", pull.head_ref)
    return head in (pull.head_ref, f"{owner}:{pull.head_ref}") and (
        call.query.get("base", pull.base_ref) == pull.base_ref
    )


def get_pull(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/pulls/{n}`"""
    one = find(call)
    head, said = head_of(call, one), _association(call, one)
    return Answer(200, shapes.full_pull(call.api, call.repository, head, one, said))


def create_pull(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/pulls`"""
    body, it, world = call.read(PullBody), call.repository, call.world
    if not body.title.strip():
        raise invalid("PullRequest", "title", "missing_field")
    check_text("PullRequest", "body", body.body)
    branch = body.head.rpartition(":")[2]
    for name, ref in (("head", branch), ("base", body.base)):
        if ref not in it.branches:
            raise invalid("PullRequest", name)
    head_sha, base_sha = it.branches[branch], it.branches[body.base]
    if head_sha == base_sha:
        text = f"No commits between {body.base} and {branch}"
        raise invalid("PullRequest", "head", "custom", text)
    pull = Pull(world.new_id(), branch, head_sha, body.base, base_sha, it.full_name, body.draft)
    one = changes.open_issue(world, it, call.actor, body.title, body.body, pull=pull)
    said = _association(call, one)
    return Answer(201, shapes.full_pull(call.api, it, it, one, said))


_REPO = "/repos/{owner}/{repo}/pulls"
_READ = (("pull_requests", "read"),)
_WRITE = (("pull_requests", "write"),)
ENDPOINTS = (
    Endpoint("GET", _REPO, list_pulls, needs=_READ),
    Endpoint("POST", _REPO, create_pull, needs=_WRITE, content=True),
    Endpoint("GET", _REPO + "/{number}", get_pull, needs=_READ),
)
