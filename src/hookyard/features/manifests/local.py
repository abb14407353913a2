"""Inputs of a manifest from a diff and, where one is named, the folder it was made in.

Files are read below the folder only, never through a link that leads out of it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from hookyard.features.manifests.build import Inputs, Subject
from hookyard.features.manifests.classes import FileClass, by_path
from hookyard.features.manifests.coverage_json import Coverage
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.edges import candidates
from hookyard.features.manifests.frameworks import CONFIG_FILES
from hookyard.features.manifests.grammars import MAX_SOURCE
from hookyard.features.manifests.hunks import MAX_FILES, read_diff
from hookyard.features.manifests.languages import language_of
from hookyard.features.manifests.measure import Given

MAX_PATHS = 200_000
MAX_TESTS = 2_000
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules", "venv"}
)


def inputs_of(raw: bytes, root: Path | None, coverage: Coverage | None = None) -> Inputs:
    """What a diff and a folder give; without a folder, the diff alone."""
    diff = read_diff(raw)
    notes = [f"only the first {MAX_FILES} files of the diff are read"] if diff.truncated else []
    if root is None:
        files = tuple(Given(file) for file in diff.files)
        return Inputs(Subject(), files, coverage=coverage, notes=notes)
    folder = root.resolve()
    paths = tuple(_walk(folder))
    if len(paths) >= MAX_PATHS:
        notes.append(f"only the first {MAX_PATHS} paths of the folder are looked at")
    changed = {file.path for file in diff.files}
    tests = [p for p in paths if p not in changed and _is_test(p)]
    sources = [p for p in sorted(changed) if by_path(p) is FileClass.SOURCE]
    read = {p: read_below(folder, p) for p in candidates(sources, tests, MAX_TESTS)}
    texts = {p: read_below(folder, p) for p in CONFIG_FILES}
    return Inputs(
        Subject(),
        tuple(_given(folder, file) for file in diff.files),
        paths=frozenset(paths),
        tests={p: content for p, content in read.items() if content is not None},
        texts={p: c.decode("utf-8", "replace") for p, c in texts.items() if c is not None},
        attributes=read_below(folder, ".gitattributes") or b"",
        coverage=coverage,
        notes=notes,
    )


def _is_test(path: str) -> bool:
    return by_path(path) is FileClass.TEST and language_of(path) is not None


def _given(folder: Path, file: FileDiff) -> Given:
    if file.status is Status.DELETED or file.is_binary:
        return Given(file)
    content = read_below(folder, file.path)
    return Given(file, head=content, note="" if content is not None else "not in the folder")


def read_below(folder: Path, path: str) -> bytes | None:
    """The bytes of a file below a folder, up to the size that is parsed; None when there is none.

    # why: paths of a diff are a stranger's words; `../../etc/passwd` and links must lead nowhere.
    """
    try:
        full = (folder / path).resolve()
        if not full.is_relative_to(folder) or not full.is_file():
            return None
        with full.open("rb") as file:
            return file.read(MAX_SOURCE + 1)
    except (OSError, ValueError):
        return None


def _walk(folder: Path) -> Iterator[str]:
    count = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED)
        below = os.path.relpath(here, folder).replace(os.sep, "/")
        for name in sorted(names):
            count += 1
            if count > MAX_PATHS:
                return
            yield name if below == "." else f"{below}/{name}"
