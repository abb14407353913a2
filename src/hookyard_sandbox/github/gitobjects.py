"""Object ids as git computes them: SHA-1 over a typed header and the content."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime


def object_id(kind: str, content: bytes) -> str:
    """The id of an object. # spec: git-scm book, 10.2 Git Objects."""
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def blob_id(content: bytes) -> str:
    """The id of a file's content."""
    return object_id("blob", content)


def tree_id(files: Mapping[str, str]) -> str:
    """The id of a folder given `path → blob id` for every file below it."""
    folders: dict[str, dict[str, str]] = {}
    entries: list[tuple[str, str, str]] = []
    for path, blob in files.items():
        head, _, rest = path.partition("/")
        if rest:
            folders.setdefault(head, {})[rest] = blob
        else:
            entries.append((head, "100644", blob))
    entries += [(name, "40000", tree_id(below)) for name, below in folders.items()]
    # spec: git sorts a folder as if its name ended in "/".
    entries.sort(key=lambda e: (e[0] + "/" if e[1] == "40000" else e[0]).encode())
    content = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(i) for name, mode, i in entries)
    return object_id("tree", content)


def commit_id(tree: str, parents: tuple[str, ...], author: str, message: str, at_ms: int) -> str:
    """The id of a commit whose author is its committer, in UTC."""
    stamp = f"{author} <{author}@users.noreply.example> {at_ms // 1000} +0000"
    lines = [f"tree {tree}", *(f"parent {p}" for p in parents)]
    lines += [f"author {stamp}", f"committer {stamp}", "", message]
    return object_id("commit", "\n".join(lines).encode())


def stamp(ms: int) -> str:
    """GitHub's format of instants: whole seconds, `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
