"""Repositories, their files, branches and commits as JSON."""

import base64

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.gitobjects import stamp, tree_id
from hookyard_sandbox.github.model import Commit, Label, Repository, Status
from hookyard_sandbox.github.shapes import accounts

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_COUNTS = (
    "forks",
    "forks_count",
    "watchers",
    "watchers_count",
    "stargazers_count",
    "size",
    "network_count",
    "subscribers_count",
)


def api_of(api: str, it: Repository) -> str:
    """The API address of a repository."""
    return f"{api}/repos/{it.full_name}"


def page_of(api: str, it: Repository) -> str:
    """The website's address of a repository."""
    return f"{accounts.site(api)}/{it.full_name}"


def repository(api: str, it: Repository) -> JsonObject:
    """A full repository; lists show the same fields."""
    page, opened = page_of(api, it), stamp(it.created_at_ms)
    pushed = it.commits[it.branches[it.default_branch]].at_ms
    issues = sum(1 for i in it.issues.values() if i.state == "open")
    shape: dict[str, Json] = {
        "id": it.id,
        "node_id": accounts.node_id("Repository", it.id),
        "name": it.name,
        "full_name": it.full_name,
        "owner": accounts.user(api, it.owner),
        "private": it.private,
        "visibility": "private" if it.private else "public",
        "html_url": page,
        "url": api_of(api, it),
        "description": it.description,
        "fork": False,
        "archived": it.archived,
        "disabled": False,
        "default_branch": it.default_branch,
        "git_url": f"git://{page.partition('://')[2]}.git",
        "ssh_url": f"ssh://git@{page.partition('://')[2]}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        "language": None,
        "mirror_url": None,
        "license": None,
        "topics": [],
        "open_issues": issues,
        "open_issues_count": issues,
        "created_at": opened,
        "updated_at": opened,
        "pushed_at": stamp(pushed),
    }
    shape |= {name: api_of(api, it) + tail for name, tail in _LINKS.items()}
    shape |= dict.fromkeys(_COUNTS, 0)
    shape |= {f"has_{k}": True for k in ("issues", "projects", "wiki", "downloads")}
    shape |= {"has_pages": False, "has_discussions": False, "is_template": False}
    return shape


def content_entry(api: str, it: Repository, path: str, sha: str, ref: str) -> JsonObject:
    """A file without its content, or a folder, as listed at a ref."""
    kind = "file" if sha in it.blobs else "dir"
    own, page = api_of(api, it), page_of(api, it)
    here = f"{own}/contents/{path}?ref={ref}"
    objects = "blobs" if kind == "file" else "trees"
    shown = f"{page}/{'blob' if kind == 'file' else 'tree'}/{ref}/{path}"
    raw = f"{page}/raw/{ref}/{path}" if kind == "file" else None
    git = f"{own}/git/{objects}/{sha}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": len(it.blobs.get(sha, b"")),
        "url": here,
        "html_url": shown,
        "git_url": git,
        "download_url": raw,
        "type": kind,
        "_links": {"self": here, "git": git, "html": shown},
    }


def content_file(api: str, it: Repository, path: str, sha: str, ref: str) -> JsonObject:
    """A file with its content, base 64 in lines of 60 characters as GitHub sends it."""
    data = it.blobs[sha]
    if len(data) > 1_000_000:
        # spec: files of 1 to 100 MB answer without content; the raw media type has to be used.
        return {**content_entry(api, it, path, sha, ref), "content": "", "encoding": "none"}
    text = base64.b64encode(data).decode()
    lines = "".join(text[i : i + 60] + "\n" for i in range(0, len(text), 60))
    return {**content_entry(api, it, path, sha, ref), "content": lines, "encoding": "base64"}


def content_folder(api: str, it: Repository, commit: Commit, path: str, ref: str) -> list[Json]:
    """The entries of a folder; empty when there is no such folder."""
    prefix = f"{path}/" if path else ""
    below = {p[len(prefix) :]: sha for p, sha in commit.tree.items() if p.startswith(prefix)}
    folders: dict[str, dict[str, str]] = {}
    entries: dict[str, str] = {}
    for rest, sha in below.items():
        head, _, tail = rest.partition("/")
        if tail:
            folders.setdefault(head, {})[tail] = sha
        else:
            entries[head] = sha
    entries |= {name: tree_id(files) for name, files in folders.items()}
    return [content_entry(api, it, prefix + n, sha, ref) for n, sha in sorted(entries.items())]


def git_commit(api: str, it: Repository, commit: Commit) -> JsonObject:
    """A commit as a git object."""
    own, page = api_of(api, it), page_of(api, it)
    person: JsonObject = {
        "name": commit.author,
        "email": f"{commit.author}@users.noreply.example",
        "date": stamp(commit.at_ms),
    }
    parents: list[Json] = [
        {"sha": p, "url": f"{own}/git/commits/{p}", "html_url": f"{page}/commit/{p}"}
        for p in commit.parents
    ]
    return {
        "sha": commit.sha,
        "node_id": accounts.node_id("Commit", commit.sha),
        "url": f"{own}/git/commits/{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}",
        "author": person,
        "committer": person,
        "message": commit.message,
        "tree": {"sha": commit.tree_sha, "url": f"{own}/git/trees/{commit.tree_sha}"},
        "parents": parents,
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def commit(api: str, it: Repository, one: Commit) -> JsonObject:
    """A commit as the commits API shows it."""
    own, inner = api_of(api, it), git_commit(api, it, one)
    kept = ("author", "committer", "message", "tree", "url", "verification")
    return {
        "sha": one.sha,
        "node_id": inner["node_id"],
        "url": f"{own}/commits/{one.sha}",
        "html_url": inner["html_url"],
        "comments_url": f"{own}/commits/{one.sha}/comments",
        "commit": {**{k: inner[k] for k in kept}, "comment_count": 0},
        "author": None,
        "committer": None,
        "parents": inner["parents"],
    }


def label(api: str, it: Repository, one: Label) -> JsonObject:
    """A label."""
    return {
        "id": one.id,
        "node_id": accounts.node_id("Label", one.id),
        "url": f"{api_of(api, it)}/labels/{one.name.replace(' ', '%20')}",
        "name": one.name,
        "color": one.color,
        "default": False,
        "description": one.description,
    }


def status(api: str, it: Repository, one: Status) -> JsonObject:
    """A commit status."""
    return {
        "id": one.id,
        "node_id": accounts.node_id("Status", one.id),
        "url": f"{api_of(api, it)}/statuses/{one.sha}",
        "avatar_url": None,
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.created_at_ms),
        "creator": accounts.user(api, one.creator),
    }
