"""What can happen to repositories and installations."""

from collections.abc import Mapping

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.changes import about
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import Actor, App, Commit, Installation, Repository
from hookyard_sandbox.github.shapes import accounts, pulls
from hookyard_sandbox.github.shapes.repositories import page_of
from hookyard_sandbox.github.state import World

NOTHING = "0" * 40


def push(
    world: World,
    it: Repository,
    by: Actor,
    branch: str,
    files: Mapping[str, str | bytes | None],
    message: str,
) -> Commit:
    """One commit with these files on a branch; None as a content removes a file."""
    before = it.branches.get(branch)
    tree = it.commits[before].tree if before else {}
    commit = world.commit(it, branch, files, message, by.user.login)
    world.record(
        "commit",
        "created",
        by,
        repository=it.full_name,
        branch=branch,
        sha=commit.sha,
        paths=sorted(files),
    )
    payload = _push_payload(world, it, by, branch, before, commit)
    shown = _pushed(world, it, commit, set(files), set(tree))
    world.announce("push", it, payload | {"head_commit": shown, "commits": [shown]})
    _synchronize(world, it, by, branch, {"before": before, "after": commit.sha})
    return commit


def _pushed(
    world: World, it: Repository, commit: Commit, written: set[str], before: set[str]
) -> dict[str, Json]:
    person: Json = {
        "name": commit.author,
        "email": f"{commit.author}@users.noreply.example",
        "username": commit.author,
        "date": stamp(commit.at_ms),
    }
    return {
        "id": commit.sha,
        "tree_id": commit.tree_sha,
        "url": f"{page_of(world.api_url, it)}/commit/{commit.sha}",
        "message": commit.message,
        "timestamp": stamp(commit.at_ms),
        "author": person,
        "committer": person,
        "added": sorted((written - before) & set(commit.tree)),
        "modified": sorted(written & before & set(commit.tree)),
        "removed": sorted(before - set(commit.tree)),
        "distinct": True,
    }


def _push_payload(
    world: World, it: Repository, by: Actor, branch: str, before: str | None, commit: Commit
) -> dict[str, Json]:
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or NOTHING,
        "after": commit.sha,
        "created": before is None,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"{page_of(world.api_url, it)}/compare/{branch}",
        "pusher": {"name": by.user.login},
        **about(world, it, by.user),
    }


def _synchronize(world: World, it: Repository, by: Actor, branch: str, shas: JsonObject) -> None:
    for base in world.repositories.values():
        for one in base.issues.values():
            pull = one.pull
            mine = pull and (pull.head_repository, pull.head_ref) == (it.full_name, branch)
            if pull and mine and one.state == "open":
                pull.head_sha, one.updated_at_ms = it.branches[branch], world.now_ms()
                shape = pulls.full_pull(world.api_url, base, it, one)
                payload: dict[str, Json] = {"action": "synchronize", "number": one.number}
                payload |= {"pull_request": shape, **shas, **about(world, base, by.user)}
                world.announce("pull_request", base, payload)


def installation_changed(world: World, installation: Installation, by: Actor, action: str) -> None:
    """Tell the App that it was installed, removed, suspended or given other permissions."""
    world.record("installation", action, by, id=installation.id)
    if world.emit is None:
        return
    payload: dict[str, Json] = {
        "action": action,
        "installation": accounts.installation(world.api_url, installation),
        "sender": accounts.user(world.api_url, by.user),
    }
    payload["repositories"] = _brief(world.repositories_of(installation))
    world.emit(installation.app, installation, "installation", payload)


def repositories_changed(
    world: World,
    installation: Installation,
    by: Actor,
    added: list[Repository],
    removed: list[Repository],
) -> None:
    """Choose other repositories for an installation that has only selected ones."""
    ids = installation.repository_ids
    if ids is None:
        ids = {r.id for r in world.repositories_of(installation)}
    installation.repository_ids = (ids | {r.id for r in added}) - {r.id for r in removed}
    world.record("installation", "repositories", by, id=installation.id)
    if world.emit is None:
        return
    for action, changed in (("added", added), ("removed", removed)):
        if not changed:
            continue
        payload: dict[str, Json] = {
            "action": action,
            "installation": accounts.installation(world.api_url, installation),
            "repository_selection": "selected",
            "repositories_added": _brief(added if action == "added" else []),
            "repositories_removed": _brief(removed if action == "removed" else []),
            "requester": None,
            "sender": accounts.user(world.api_url, by.user),
        }
        world.emit(installation.app, installation, "installation_repositories", payload)


def ping(world: World, app: App) -> None:
    """The first delivery of a hook."""
    if world.emit is not None:
        hook: Json = {
            "type": "App",
            "id": app.hook_id,
            "name": "web",
            "active": True,
            "events": list(app.events),
            "config": {"content_type": app.hook.content_type, "insecure_ssl": "0"},
            "app_id": app.id,
            "created_at": stamp(app.created_at_ms),
            "updated_at": stamp(app.created_at_ms),
        }
        zen = "Keep it logically awesome."
        world.emit(app, None, "ping", {"zen": zen, "hook_id": app.hook_id, "hook": hook})


def _brief(repositories: list[Repository]) -> list[Json]:
    return [
        {
            "id": r.id,
            "node_id": accounts.node_id("Repository", r.id),
            "name": r.name,
            "full_name": r.full_name,
            "private": r.private,
        }
        for r in repositories
    ]
