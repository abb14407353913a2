"""Reads unified diffs of many files. Pure, linear time.

Nothing is trusted: numbers, counts and names may lie. A file whose hunks do not add up keeps the
reason in `problem`, and the reader goes on with the next one.
"""

from dataclasses import dataclass

from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.quoting import (
    git_paths,
    header_path,
    strip_sides,
    text,
    unquote,
)
from hookyard.kit.hunks import COMBINED, Hunks

MAX_FILES = 10_000
_NULL = b"/dev/null"


@dataclass(frozen=True, slots=True)
class Diff:
    """The files of a diff in its order. `truncated` when it has more than are read."""

    files: tuple[FileDiff, ...]
    truncated: bool = False


@dataclass(slots=True)
class _Open(Hunks):
    """A file while it is read; paths are bytes, None until a line names them."""

    old: bytes | None = None
    new: bytes | None = None
    status: Status = Status.MODIFIED
    has_mode: bool = False
    is_binary: bool = False
    from_git: bool = False


def read_diff(raw: bytes) -> Diff:
    """Every file of a unified diff: git's own, or plain `---`/`+++` pairs."""
    lines = raw.split(b"\n")
    files: list[FileDiff] = []
    opened: _Open | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        begun = _begin(lines, at, opened)
        if begun is not None:
            _close(opened, files)
            if len(files) >= MAX_FILES:
                return Diff(tuple(files), truncated=True)
            opened, at = begun
        elif opened is None:
            at += 1
        elif line.startswith(b"@@"):
            at = opened.take(lines, at)
        else:
            _header_line(opened, line.rstrip(b"\r"))
            at += 1
    _close(opened, files)
    return Diff(tuple(files))


def _begin(lines: list[bytes], at: int, opened: _Open | None) -> tuple[_Open, int] | None:
    """The file that starts at a line, and where its next line is; None where none starts."""
    line = lines[at].rstrip(b"\r")
    if line.startswith(b"diff --git "):
        old, new = strip_sides(*git_paths(line[11:]))
        return _Open(old, new, from_git=True), at + 1
    for start in (b"diff --cc ", b"diff --combined "):
        if line.startswith(start):
            path = unquote(line[len(start) :])
            return _Open(path, path, problem=COMBINED, from_git=True), at + 1
    is_pair = line.startswith(b"--- ") and at + 1 < len(lines) and lines[at + 1][:4] == b"+++ "
    if is_pair and (opened is None or not opened.from_git or opened.hunks):
        old, new = strip_sides(header_path(line[4:]), header_path(lines[at + 1][4:]))
        status = Status.ADDED if old == _NULL else Status.MODIFIED
        return _Open(old, new, Status.DELETED if new == _NULL else status), at + 2
    return None


def _header_line(opened: _Open, line: bytes) -> None:
    key, _, rest = line.partition(b" ")
    if line.startswith(b"new file mode"):
        opened.status = Status.ADDED
    elif line.startswith(b"deleted file mode"):
        opened.status = Status.DELETED
    elif line.startswith((b"old mode", b"new mode")):
        opened.has_mode = True
    elif line.startswith((b"rename from ", b"copy from ")):
        opened.old = unquote(rest.partition(b" ")[2])
        opened.status = Status.RENAMED if key == b"rename" else Status.COPIED
    elif line.startswith((b"rename to ", b"copy to ")):
        opened.new = unquote(rest.partition(b" ")[2])
    elif line.startswith((b"Binary files ", b"GIT binary patch")):
        opened.is_binary = True
    elif line.startswith(b"--- ") and not opened.hunks:
        _named(opened, header_path(line[4:]), is_new=False)
    elif line.startswith(b"+++ ") and not opened.hunks:
        _named(opened, header_path(line[4:]), is_new=True)


def _named(opened: _Open, path: bytes, *, is_new: bool) -> None:
    """`---` and `+++` tell apart names with spaces; renames and copies have lines of their own."""
    if path == _NULL:
        opened.status = Status.DELETED if is_new else Status.ADDED
    elif opened.status in (Status.MODIFIED, Status.ADDED, Status.DELETED):
        bare = strip_sides(path, path)[0]
        if is_new:
            opened.new = bare
        else:
            opened.old = bare


def _close(opened: _Open | None, files: list[FileDiff]) -> None:
    if opened is None:
        return
    old, new = opened.old or opened.new or b"", opened.new or opened.old or b""
    if new == _NULL:
        new, opened.status = old, Status.DELETED
    if old == _NULL:
        old, opened.status = new, Status.ADDED
    status = opened.status
    is_bare = not opened.hunks and not opened.is_binary and not opened.problem
    if status is Status.MODIFIED and is_bare and opened.has_mode:
        status = Status.MODE
    if status is Status.MODIFIED and old != new:
        status = Status.RENAMED
    files.append(
        FileDiff(
            path=text(new),
            old_path=text(old),
            status=status,
            hunks=tuple(opened.hunks),
            is_binary=opened.is_binary,
            problem=opened.problem,
        )
    )
