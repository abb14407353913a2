"""Files at commits, permissions of people, branches and pull requests."""

import base64
import hashlib

import pytest

from hookyard.kit.json import Json
from hookyard_sandbox.github import gitobjects
from tests.support.sandbox import REPOSITORY, Hub


def test_blob_ids_are_gits() -> None:
    assert gitobjects.blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert gitobjects.blob_id(b"what is up, doc?") == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"


def test_tree_ids_are_gits() -> None:
    assert gitobjects.tree_id({}) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    blob = gitobjects.blob_id(b"x")
    inner = b"100644 b\0" + bytes.fromhex(blob)
    inner_id = hashlib.sha1(b"tree %d\0" % len(inner) + inner, usedforsecurity=False).digest()
    outer = b"100644 a.b\0" + bytes.fromhex(blob) + b"40000 a\0" + inner_id
    expected = hashlib.sha1(b"tree %d\0" % len(outer) + outer, usedforsecurity=False).hexdigest()
    assert gitobjects.tree_id({"a/b": blob, "a.b": blob}) == expected


async def test_files_are_read_at_a_commit(hub: Hub) -> None:
    before = hub.sandbox.repository(REPOSITORY).branches["main"]
    hub.sandbox.push(REPOSITORY, {"README.md": "# changed\n"})
    old = (await hub.repo("GET", f"/contents/README.md?ref={before}")).json()
    new = (await hub.repo("GET", "/contents/README.md?ref=main")).json()
    assert base64.b64decode(old["content"]) == b"# shop\n"
    assert base64.b64decode(new["content"]) == b"# changed\n"
    assert old["sha"] == gitobjects.blob_id(b"# shop\n")
    headers = {"Accept": "application/vnd.github.raw+json"}
    raw = await hub.repo("GET", "/contents/README.md", headers=headers)
    assert raw.content == b"# changed\n"


async def test_folders_are_listed(hub: Hub) -> None:
    shown = (await hub.repo("GET", "/contents/")).json()
    assert [(e["name"], e["type"]) for e in shown] == [("README.md", "file"), ("src", "dir")]
    inside = (await hub.repo("GET", "/contents/src")).json()
    assert [e["path"] for e in inside] == ["src/cart.py"]


@pytest.mark.parametrize("path", ["/contents/none", "/contents/README.md?ref=none"])
async def test_what_is_not_there_is_404(hub: Hub, path: str) -> None:
    assert (await hub.repo("GET", path)).status_code == 404


async def test_a_large_file_comes_without_content(hub: Hub) -> None:
    hub.sandbox.push(REPOSITORY, {"big": b"x" * 1_000_001})
    shown = (await hub.repo("GET", "/contents/big")).json()
    assert (shown["content"], shown["encoding"], shown["size"]) == ("", "none", 1_000_001)


async def test_a_changed_file_needs_the_blob_it_replaces(hub: Hub) -> None:
    body: dict[str, Json] = {"message": "m", "content": base64.b64encode(b"new").decode()}
    path = "/contents/README.md"
    assert (await hub.repo("PUT", path, body)).status_code == 422
    assert (await hub.repo("PUT", path, {**body, "sha": "0" * 40})).status_code == 409
    assert (await hub.repo("PUT", path, {**body, "branch": "none"})).status_code == 404
    assert (await hub.repo("PUT", path, {**body, "content": "§"})).status_code == 422
    assert hub.sandbox.history(kind="commit") == []
    good = {**body, "sha": gitobjects.blob_id(b"# shop\n")}
    assert (await hub.repo("PUT", path, good)).status_code == 200


@pytest.mark.parametrize(
    ("login", "role", "permission"),
    [
        ("acme", "admin", "admin"),
        ("a", "admin", "admin"),
        ("b", "maintain", "write"),
        ("c", "write", "write"),
        ("d", "triage", "read"),
        ("e", "read", "read"),
        ("f", "none", "none"),
    ],
)
async def test_roles_fold_into_permissions(
    hub: Hub, login: str, role: str, permission: str
) -> None:
    hub.sandbox.world.user(login)
    if role != "none" and login != "acme":
        hub.sandbox.repository(REPOSITORY).collaborators[login] = role
    answer = await hub.repo("GET", f"/collaborators/{login}/permission")
    if login == "acme":
        assert answer.status_code == 404
        return
    shown = answer.json()
    assert (shown["role_name"], shown["permission"]) == (role, permission)
    assert shown["user"]["permissions"]["push"] is (permission in ("write", "admin"))


async def test_the_permission_of_nobody_is_404(hub: Hub) -> None:
    assert (await hub.repo("GET", "/collaborators/nobody/permission")).status_code == 404


async def test_everybody_reads_a_public_repository(hub: Hub) -> None:
    hub.sandbox.create_repository("acme/open", private=False)
    answer = await hub.call("GET", "/repos/acme/open/collaborators/octocat/permission")
    assert answer.json()["permission"] == "read"


async def test_names_ignore_case(hub: Hub) -> None:
    answer = await hub.call("GET", "/repos/ACME/Shop")
    assert answer.json()["full_name"] == REPOSITORY


async def test_refs_are_branches_shas_and_prefixes(hub: Hub) -> None:
    sha = hub.sandbox.repository(REPOSITORY).branches["main"]
    for ref in ("main", "HEAD", "heads%2Fmain", sha, sha[:7]):
        assert (await hub.repo("GET", f"/commits/{ref}")).json()["sha"] == sha
    assert (await hub.repo("GET", f"/commits/{sha[:6]}")).status_code == 422


@pytest.mark.parametrize(
    "change", [{"ref": "heads/x"}, {"ref": "refs/heads/main"}, {"sha": "0" * 40}]
)
async def test_a_bad_branch_is_refused(hub: Hub, change: dict[str, Json]) -> None:
    sha = hub.sandbox.repository(REPOSITORY).branches["main"]
    body: dict[str, Json] = {"ref": "refs/heads/x", "sha": sha, **change}
    assert (await hub.repo("POST", "/git/refs", body)).status_code == 422
    assert hub.sandbox.history(kind="branch") == []


async def test_a_pull_request_follows_its_branch(hub: Hub) -> None:
    first = hub.sandbox.push(REPOSITORY, {"a.txt": "one\n"}, branch="fix")
    hub.sandbox.create_pull(REPOSITORY, "fix", "Fix")
    assert (await hub.repo("GET", "/pulls/2")).json()["head"]["sha"] == first.sha
    second = hub.sandbox.push(REPOSITORY, {"README.md": "# new\n"}, branch="fix")
    shown = (await hub.repo("GET", "/pulls/2")).json()
    assert (shown["head"]["sha"], shown["changed_files"]) == (second.sha, 2)
    files = (await hub.repo("GET", "/pulls/2/files")).json()
    kinds = [(f["filename"], f["status"]) for f in files]
    assert kinds == [("README.md", "modified"), ("a.txt", "added")]


async def test_a_pull_request_of_a_fork_names_the_fork(hub: Hub) -> None:
    hub.sandbox.create_repository("octocat/shop", files={"README.md": "# shop\n"})
    hub.sandbox.push("octocat/shop", {"a.txt": "a"}, branch="fix")
    hub.sandbox.create_pull(REPOSITORY, "fix", "Fix", head_repository="octocat/shop")
    shown = (await hub.repo("GET", "/pulls?head=octocat:fix")).json()
    assert shown[0]["head"]["repo"]["full_name"] == "octocat/shop"
    assert (await hub.repo("GET", "/pulls?base=other")).json() == []


@pytest.mark.parametrize(
    "change", [{"title": ""}, {"head": "none"}, {"base": "none"}, {"head": "main"}]
)
async def test_a_bad_pull_request_is_refused(hub: Hub, change: dict[str, Json]) -> None:
    hub.sandbox.push(REPOSITORY, {"a": "a"}, branch="fix")
    body: dict[str, Json] = {"title": "T", "head": "fix", "base": "main", **change}
    assert (await hub.repo("POST", "/pulls", body)).status_code == 422
    assert (await hub.repo("GET", "/pulls/1")).status_code == 404
