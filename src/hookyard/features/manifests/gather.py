"""Inputs of a manifest from GitHub: paginated files, blobs, the tree, the tests worth reading.

What cannot be had is said, file by file, never left out in silence. Requests are few at a time
and bounded in number and bytes; past the bounds a file's symbols come from its hunks' headers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hookyard.adapters.github.port import GitHubMissing
from hookyard.adapters.github.pullfiles import (
    MAX_FILES,
    PullFile,
    PullHead,
    PullReader,
    Tree,
    TreeEntry,
)
from hookyard.features.manifests.build import Inputs, Subject
from hookyard.features.manifests.classes import FileClass, by_path
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.edges import candidates
from hookyard.features.manifests.frameworks import CONFIG_FILES
from hookyard.features.manifests.grammars import MAX_SOURCE
from hookyard.features.manifests.languages import language_of
from hookyard.features.manifests.linediff import diff_lines
from hookyard.features.manifests.measure import BINARY, Given
from hookyard.features.manifests.quoting import text
from hookyard.kit.hunks import read_patch

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 6
MAX_DIFFED = 8 * 1024 * 1024
TOO_LARGE = f"larger than {MAX_DIFFED // 1024 // 1024} MiB, and GitHub sends no patch for it"
NO_CONTENT = "GitHub sends no patch for it, and its content could not be read"
OVER_BUDGET = "GitHub sends no patch for it, and no more contents are read for this pull request"
NOT_COUNTED = "the patch is not whole: its lines do not add up to GitHub's count"

_STATUS = {
    "added": Status.ADDED,
    "removed": Status.DELETED,
    "renamed": Status.RENAMED,
    "copied": Status.COPIED,
    "changed": Status.MODE,
    "unchanged": Status.MODE,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many contents are read for one manifest, their bytes in all, and how many are tests."""

    blobs: int = 1_500
    total_bytes: int = 96 * 1024 * 1024
    tests: int = 100


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Moved:
    """The head is another than when the reading began; what was read is of no use."""

    head_sha: str


class Gatherer:
    """Reads what one manifest needs. Errors are the GitHub port's."""

    def __init__(self, reader: PullReader, limits: Limits = DEFAULT_LIMITS) -> None:
        self._reader = reader
        self._limits = limits
        self._may: frozenset[str] = frozenset()
        self._base_tree: Tree | None = None
        self._notes: list[str] = []

    async def inputs(self, repository: str, number: int) -> Inputs | Moved:
        """Everything but criteria, coverage and history, which others know."""
        head = await self._reader.head(number)
        files = await self._reader.files(number)
        tree = await self._tree(head.head_sha)
        base = await self._merge_base(head, files)
        self._may = self._affordable(files, tree)
        given = await _in_turns(files, lambda file: self._given(file, tree, base))
        sources = [f.path for f in files if by_path(f.path) is FileClass.SOURCE]
        changed = {f.path for f in files}
        tests = [p for p in tree.files if p not in changed and _is_test(p)]
        chosen = candidates(sources, tests, self._limits.tests) if sources else ()
        read = await _in_turns(chosen, lambda path: self._content(tree.files[path]))
        config = [p for p in (*CONFIG_FILES, ".gitattributes") if p in tree.files]
        texts = await _in_turns(config, lambda path: self._content(tree.files[path]))
        now = await self._reader.head(number)
        if now.head_sha != head.head_sha:
            return Moved(now.head_sha)
        named = dict(zip(config, texts, strict=True))
        attributes = named.pop(".gitattributes", None)
        self._note_cuts(head, files, tree, tests, chosen)
        return Inputs(
            subject=Subject(repository, number, base or head.base_sha, head.head_sha),
            files=tuple(given),
            total_files=max(head.changed_files, len(files)),
            paths=frozenset(tree.files),
            tests={p: c for p, c in zip(chosen, read, strict=True) if c is not None},
            texts={p: c.decode("utf-8", "replace") for p, c in named.items() if c is not None},
            attributes=attributes or b"",
            notes=tuple(self._notes),
        )

    def _affordable(self, files: Sequence[PullFile], tree: Tree) -> frozenset[str]:
        """Paths whose contents are read: as many as the limits allow, in the order of paths.

        # why: decided before anything is read, so that it does not hang on what comes back first.
        """
        blobs, room = self._limits.blobs, self._limits.total_bytes
        found: set[str] = set()
        for file in sorted(files, key=lambda one: one.path):
            entry = tree.files.get(file.path)
            cost = 2 if file.patch is None else 1
            size = (entry.size if entry else 0) * cost
            if blobs >= cost and room >= size:
                blobs, room = blobs - cost, room - size
                found.add(file.path)
        return frozenset(found)

    def _note_cuts(
        self,
        head: PullHead,
        files: Sequence[PullFile],
        tree: Tree,
        tests: Sequence[str],
        chosen: Sequence[str],
    ) -> None:
        if head.changed_files > len(files):
            self._notes.append(
                f"GitHub lists {len(files)} of {head.changed_files} changed files, "
                f"{MAX_FILES} at most"
            )
        if tree.truncated:
            self._notes.append("GitHub lists only part of the repository's files")
        if len(chosen) < len(tests):
            self._notes.append(f"{len(chosen)} of {len(tests)} other test files are read")

    async def _tree(self, sha: str) -> Tree:
        try:
            return await self._reader.tree(sha)
        except GitHubMissing:
            self._notes.append("the repository's files could not be listed")
            return Tree({}, truncated=False)

    async def _merge_base(self, head: PullHead, files: Sequence[PullFile]) -> str:
        try:
            base = await self._reader.merge_base(head.base_sha, head.head_sha)
        except GitHubMissing:
            base = ""
        if base and any(_needs_base(file) for file in files):
            self._base_tree = await self._tree(base)
        return base

    async def _given(self, file: PullFile, tree: Tree, base: str) -> Given:
        diff = _diff(file)
        if file.patch is None:
            if not (file.additions or file.deletions) and diff.status in _MAY_BE_BARE:
                return Given(diff)
            return await self._diffed(file, diff)
        hunks, problem = read_patch(file.patch)
        diff = replace(diff, hunks=hunks, problem=problem)
        if (len(diff.added), len(diff.deleted)) != (file.additions, file.deletions):
            return await self._diffed(file, replace(diff, hunks=(), problem=""), NOT_COUNTED)
        if not _wants_symbols(file.path) or diff.status in (Status.DELETED, Status.ADDED):
            return Given(diff)
        if file.path not in self._may:
            return Given(diff, note="no more contents are read for this pull request")
        size = tree.files[file.path].size if file.path in tree.files else 0
        if size > MAX_SOURCE:
            return Given(diff, note=f"larger than {MAX_SOURCE // 1024} KiB")
        head = await self._content(TreeEntry(file.blob, size))
        return Given(diff, head=head, note="" if head is not None else "its content was not read")

    async def _diffed(self, file: PullFile, diff: FileDiff, why: str = "") -> Given:
        """A file without a patch: both contents, and a diff of our own."""
        if file.path not in self._may:
            return Given(diff.failed(why or OVER_BUDGET))
        known = self._base_tree.files if self._base_tree else {}
        entry = known.get(file.previous)
        head: bytes | None = b""
        base: bytes | None = b""
        if diff.status is not Status.DELETED:
            head = await self._content(TreeEntry(file.blob, 0), MAX_DIFFED)
        if diff.status is not Status.ADDED:
            old = entry or (TreeEntry(file.blob, 0) if diff.status is Status.DELETED else None)
            base = await self._content(old, MAX_DIFFED) if old else None
        if head is None or base is None:
            return Given(diff.failed(why or NO_CONTENT))
        if max(len(head), len(base)) > MAX_DIFFED:
            return Given(diff.failed(TOO_LARGE))
        if b"\x00" in head[:8192] or b"\x00" in base[:8192]:
            return Given(replace(diff, is_binary=True).failed(BINARY))
        # why: a large file takes seconds, which the event loop must not wait.
        hunks = await asyncio.to_thread(diff_lines, base, head)
        if hunks is None:
            return Given(diff.failed("too many lines to compare"))
        return Given(
            replace(diff, hunks=hunks),
            head=head if diff.status is not Status.DELETED else None,
            base=base if diff.status is not Status.ADDED else None,
        )

    async def _content(self, entry: TreeEntry, limit: int = MAX_SOURCE) -> bytes | None:
        if entry.size > limit or not entry.sha:
            return None
        return await self._reader.blob(entry.sha)


_MAY_BE_BARE = (Status.RENAMED, Status.COPIED, Status.MODE, Status.ADDED, Status.DELETED)


def _needs_base(file: PullFile) -> bool:
    return file.patch is None and file.status not in ("added", "removed")


def _wants_symbols(path: str) -> bool:
    found = by_path(path)
    return found in (FileClass.SOURCE, FileClass.TEST) and language_of(path) is not None


def _is_test(path: str) -> bool:
    return by_path(path) is FileClass.TEST and language_of(path) is not None


def _diff(file: PullFile) -> FileDiff:
    status = _STATUS.get(file.status, Status.MODIFIED)
    return FileDiff(
        text(file.path.encode("utf-8", "replace")),
        text(file.previous.encode("utf-8", "replace")),
        status,
    )


async def _in_turns(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Results in order of the items, AT_ONCE of them at a time; the first error ends all."""
    results: dict[int, R] = {}
    waiting = iter(enumerate(items))

    async def drain() -> None:
        for at, item in waiting:
            results[at] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(items))):
                group.create_task(drain())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [results[at] for at in range(len(items))]
