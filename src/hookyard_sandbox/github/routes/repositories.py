"""Repositories, collaborators, commits, branches and file contents."""

import base64
import binascii

import msgspec

from hookyard_sandbox.github import gitobjects, repochanges
from hookyard_sandbox.github.http import (
    Answer,
    Call,
    Endpoint,
    Refusal,
    invalid,
    not_found,
)
from hookyard_sandbox.github.refs import resolve
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes import repositories as shapes


class FileBody(msgspec.Struct):
    """Body of writing a file; `sha` is the blob it replaces."""

    message: str
    content: str
    sha: str | None = None
    branch: str | None = None


def get_repository(call: Call) -> Answer:
    """`GET /repos/{o}/{r}`"""
    return Answer(200, shapes.repository(call.api, call.repository))


def get_permission(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/collaborators/{user}/permission`"""
    login = call.params["username"]
    who = call.world.users.get(login.lower())
    if who is None or who.kind == "Organization":
        raise Refusal(404, f"{login} is not a user")
    role = call.world.role_of(call.repository, login)
    permission = call.world.permission_of(call.repository, login)
    rank = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}[role]
    named = ("pull", "triage", "push", "maintain", "admin")
    rights = {name: rank > place for place, name in enumerate(named)}
    user = {**accounts.user(call.api, who), "permissions": rights, "role_name": role}
    return Answer(200, {"permission": permission, "role_name": role, "user": user})


def get_contents(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/contents/{path}`: a file, a folder's list, or the raw bytes."""
    it = call.repository
    ref = call.query.get("ref") or it.default_branch
    commit = resolve(it, ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    path = call.params.get("path", "").strip("/")
    blob = commit.tree.get(path)
    if blob is None:
        entries = shapes.content_folder(call.api, it, commit, path, ref)
        if not entries:
            raise not_found()
        return Answer(200, entries)
    if "raw" in call.headers.get("accept", ""):
        return Answer(200, raw=it.blobs[blob], media_type="application/vnd.github.raw+json")
    return Answer(200, shapes.content_file(call.api, it, path, blob, ref))


def put_contents(call: Call) -> Answer:
    """`PUT /repos/{o}/{r}/contents/{path}`: 201 for a new file, 200 for a changed one."""
    body, it = call.read(FileBody), call.repository
    path, branch = call.params["path"].strip("/"), body.branch or it.default_branch
    tip = it.branches.get(branch)
    if tip is None:
        raise Refusal(404, f"Branch {branch} not found")
    try:
        data = base64.b64decode("".join(body.content.split()), validate=True)
    except (ValueError, binascii.Error):
        raise Refusal(422, "content is not valid Base64", errors=[]) from None
    before = it.commits[tip].tree.get(path)
    if before is not None and body.sha is None:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if body.sha is not None and body.sha != before:
        raise Refusal(409, f"{path} does not match {body.sha}")
    commit = repochanges.push(call.world, it, call.actor, branch, {path: data}, body.message)
    entry = shapes.content_entry(call.api, it, path, gitobjects.blob_id(data), branch)
    shown = {"content": entry, "commit": shapes.git_commit(call.api, it, commit)}
    return Answer(201 if before is None else 200, shown)


def get_commit(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/commits/{ref}`"""
    commit = resolve(call.repository, call.params["ref"])
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {call.params['ref']}", errors=[])
    return Answer(200, shapes.commit(call.api, call.repository, commit))


def get_blob(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/git/blobs/{sha}`"""
    it, sha = call.repository, call.params["sha"]
    data = it.blobs.get(sha) or _of_forks(call, sha)
    if data is None:
        raise not_found()
    url = f"{shapes.api_of(call.api, it)}/git/blobs/{sha}"
    text = base64.b64encode(data).decode()
    return Answer(
        200,
        {
            "sha": sha,
            "node_id": accounts.node_id("Blob", sha),
            "size": len(data),
            "url": url,
            "content": text,
            "encoding": "base64",
        },
    )


def _of_forks(call: Call, sha: str) -> bytes | None:
    """# why: a repository shows the objects that pull requests of its forks brought along."""
    pulls = [one.pull for one in call.repository.issues.values() if one.pull is not None]
    for name in {pull.head_repository.lower() for pull in pulls}:
        found = call.world.repositories[name].blobs.get(sha)
        if found is not None:
            return found
    return None


def get_ref(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/git/ref/heads/{branch}`"""
    it, branch = call.repository, call.params["branch"]
    sha = it.branches.get(branch)
    if sha is None:
        raise not_found()
    own = shapes.api_of(call.api, it)
    target = {"sha": sha, "type": "commit", "url": f"{own}/git/commits/{sha}"}
    ref = f"refs/heads/{branch}"
    return Answer(
        200,
        {
            "ref": ref,
            "node_id": accounts.node_id("Ref", branch),
            "url": f"{own}/git/{ref}",
            "object": target,
        },
    )


class RefBody(msgspec.Struct):
    """Body of a new ref."""

    ref: str
    sha: str


def create_ref(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/git/refs`: a new branch."""
    body, it = call.read(RefBody), call.repository
    branch = body.ref.removeprefix("refs/heads/")
    if branch == body.ref or not branch:
        raise invalid("Reference", "ref", "custom", "Reference name must begin with refs/heads/")
    if branch in it.branches:
        raise Refusal(422, "Reference already exists", errors=[])
    if body.sha not in it.commits:
        raise Refusal(422, "Object does not exist", errors=[])
    it.branches[branch] = body.sha
    call.world.record(
        "branch", "created", call.actor, repository=it.full_name, name=branch, sha=body.sha
    )
    call.params = {**call.params, "branch": branch}
    return Answer(201, get_ref(call).data)


_REPO = "/repos/{owner}/{repo}"
_READ = (("contents", "read"),)
_WRITE = (("contents", "write"),)
_META = (("metadata", "read"),)
ENDPOINTS = (
    Endpoint("GET", _REPO, get_repository, needs=_META),
    Endpoint("GET", _REPO + "/collaborators/{username}/permission", get_permission, needs=_META),
    Endpoint("GET", _REPO + "/contents", get_contents, needs=_READ),
    Endpoint("GET", _REPO + "/contents/{path:path}", get_contents, needs=_READ),
    Endpoint("PUT", _REPO + "/contents/{path:path}", put_contents, needs=_WRITE, content=True),
    Endpoint("GET", _REPO + "/commits/{ref:path}", get_commit, needs=_READ),
    Endpoint("GET", _REPO + "/git/blobs/{sha}", get_blob, needs=_READ),
    Endpoint("GET", _REPO + "/git/ref/heads/{branch:path}", get_ref, needs=_READ),
    Endpoint("POST", _REPO + "/git/refs", create_ref, needs=_WRITE, content=True),
)
