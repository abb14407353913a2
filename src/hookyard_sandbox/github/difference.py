"""What differs between two commits, as pull requests and comparisons show it.

# spec: REST, pulls/{n}/files: `patch` is left out of binary files and of those over the limits of
a diff; a file that was renamed unchanged has none either.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from hookyard_sandbox.github.model import Commit, Repository

MAX_PATCH_LINES = 20_000
MAX_PATCH_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; `previous` is its former path after a rename, `patch` None without one."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


def merge_base(it: Repository, base: Commit, head: Commit, other: Repository) -> Commit:
    """The newest commit that both come from, along first parents; else the base itself."""
    commits = {**other.commits, **it.commits}
    ancestors: set[str] = set()
    at: Commit | None = base
    while at is not None:
        ancestors.add(at.sha)
        at = commits.get(at.parents[0]) if at.parents else None
    at = head
    while at is not None:
        if at.sha in ancestors:
            return at
        at = commits.get(at.parents[0]) if at.parents else None
    return base


def changes(
    old: Mapping[str, str], new: Mapping[str, str], blobs: Mapping[str, bytes]
) -> tuple[FileChange, ...]:
    """Changed files by path; `old` and `new` map paths to blobs."""
    gone = {old[p]: p for p in sorted(old) if p not in new}
    renamed = {p: gone[new[p]] for p in sorted(new) if p not in old and new[p] in gone}
    left = set(renamed.values())
    return tuple(
        _one(path, renamed.get(path), old, new, blobs)
        for path in sorted(p for p in {*old, *new} if old.get(p) != new.get(p))
        if path not in left
    )


def _one(
    path: str,
    previous: str | None,
    old: Mapping[str, str],
    new: Mapping[str, str],
    blobs: Mapping[str, bytes],
) -> FileChange:
    if previous is not None:
        return FileChange(path, "renamed", new[path], 0, 0, None, previous)
    before, after = blobs[old[path]] if path in old else b"", blobs.get(new.get(path, ""), b"")
    status = "added" if path not in old else "removed" if path not in new else "modified"
    sha = new.get(path) or old[path]
    added, removed, patch = _patch(before, after)
    return FileChange(path, status, sha, added, removed, patch)


@lru_cache(maxsize=4096)
def _patch(before: bytes, after: bytes) -> tuple[int, int, str | None]:
    if b"\x00" in before[:8000] or b"\x00" in after[:8000]:
        return 0, 0, None
    sides = [x.decode("utf-8", "replace").splitlines(keepends=True) for x in (before, after)]
    if max(map(len, sides)) > MAX_PATCH_LINES:
        return len(sides[1]), len(sides[0]), None
    lines = list(_lines(*sides))
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    text = "\n".join(lines)
    fits = len(text) <= MAX_PATCH_BYTES
    return added, removed, text if fits and lines else None


def _lines(before: list[str], after: list[str]) -> Iterator[str]:
    for line in list(difflib.unified_diff(before, after, n=3))[2:]:
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
