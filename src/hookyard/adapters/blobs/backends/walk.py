"""A folder of blobs in the order of their names, a page at a time."""

import os
from collections.abc import Iterator
from pathlib import Path

from hookyard.adapters.blobs.port import BlobInfo, is_key


def walk(root: Path, under: str, after: str, limit: int) -> list[BlobInfo]:
    """The first `limit` blobs whose keys start with the folder `under` ("" or "a/b/") and sort
    behind `after`. OSError when the folder cannot be read; what vanishes meanwhile is left out."""
    found: list[BlobInfo] = []
    for info in _below(root, under, after):
        found.append(info)
        if len(found) == limit:
            break
    return found


def _below(root: Path, under: str, after: str) -> Iterator[BlobInfo]:
    """# why: a folder sorts as its name with a slash, so that keys come in the order of text."""
    try:
        with os.scandir(root / under) as entries:
            named = sorted(
                (f"{under}{e.name}/" if e.is_dir(follow_symlinks=False) else f"{under}{e.name}")
                for e in entries
                if is_key(e.name)
            )
    except (FileNotFoundError, NotADirectoryError):
        if not under and not root.is_dir():
            raise
        return
    for name in named:
        if name.endswith("/"):
            if not _is_behind_all_of(after, name):
                yield from _below(root, name, after)
        elif name > after:
            info = _look(root, name)
            if info is not None:
                yield info


def _is_behind_all_of(after: str, folder: str) -> bool:
    """Whether every key of a folder comes before `after`."""
    return after[: len(folder)] > folder


def _look(root: Path, key: str) -> BlobInfo | None:
    try:
        found = (root / key).lstat()
    except FileNotFoundError:
        return None
    return BlobInfo(key, found.st_size, found.st_mtime_ns // 1_000_000)
