"""Trees of a commit.

# spec: REST, git/trees: `recursive` lists everything below, up to a limit, and says `truncated`.
"""

from hookyard.kit.json import Json
from hookyard_sandbox.github import gitobjects
from hookyard_sandbox.github.http import Answer, Call, Endpoint, not_found
from hookyard_sandbox.github.model import Commit
from hookyard_sandbox.github.refs import resolve
from hookyard_sandbox.github.shapes.repositories import api_of


def _commit(call: Call) -> Commit:
    ref = call.params["tree_sha"]
    found = resolve(call.repository, ref)
    if found is None:
        commits = call.repository.commits.values()
        found = next((one for one in commits if one.tree_sha == ref), None)
    if found is None:
        raise not_found()
    return found


def get_tree(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/git/trees/{sha}`"""
    it, commit = call.repository, _commit(call)
    api, deep = api_of(call.api, it), "recursive" in call.query
    folders: dict[str, dict[str, str]] = {}
    entries: list[tuple[str, Json]] = []
    for path, blob in commit.tree.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            below = folders.setdefault("/".join(parts[:depth]), {})
            below["/".join(parts[depth:])] = blob
        if deep or len(parts) == 1:
            entry: dict[str, Json] = {"path": path, "mode": "100644", "type": "blob", "sha": blob}
            entry |= {"size": len(it.blobs[blob]), "url": f"{api}/git/blobs/{blob}"}
            entries.append((path, entry))
    for path, below in folders.items():
        if deep or "/" not in path:
            sha = gitobjects.tree_id(below)
            shape: dict[str, Json] = {"path": path, "mode": "040000", "type": "tree", "sha": sha}
            entries.append((path, shape | {"url": f"{api}/git/trees/{sha}"}))
    entries.sort(key=lambda entry: entry[0])
    limit = call.world.tree_limit
    return Answer(
        200,
        {
            "sha": commit.tree_sha,
            "url": f"{api}/git/trees/{commit.tree_sha}",
            "tree": [shape for _, shape in entries[:limit]],
            "truncated": len(entries) > limit,
        },
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/repos/{owner}/{repo}/git/trees/{tree_sha}",
        get_tree,
        needs=(("contents", "read"),),
    ),
)
