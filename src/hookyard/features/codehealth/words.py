"""Texts and places out of reports of strangers, made plain and short; pure."""

import re
from urllib.parse import unquote

from hookyard.features.codehealth.model import Level
from hookyard.kit.json import Json
from hookyard.kit.text import HIDDEN, plain

MAX_MESSAGE = 2_000
MAX_NAME = 200
MAX_PATH = 1_024
MAX_LINE = 10_000_000
_DRIVE = re.compile(r"[A-Za-z]:/")
# why: absolute paths of hosted and self-hosted runners: work folder, repository, repository again.
_RUNNER = re.compile(r"/(?:[^/]+/){1,6}?_?work/([^/]+)/\1/")
_WORKSPACES = ("/github/workspace/", "/__w/")

LEVELS = {
    **dict.fromkeys(("error", "fatal", "critical", "blocker", "high", "failure"), Level.ERROR),
    **dict.fromkeys(("warning", "warn", "major", "medium", "moderate"), Level.WARNING),
    **dict.fromkeys(
        ("note", "info", "information", "informational", "minor", "low", "style", "convention",
         "refactor", "hint", "notice", "suggestion", "trivial"),
        Level.NOTE,
    ),
}  # fmt: skip
"""The words tools use for how bad something is."""


def one_line(text: str, most: int) -> str:
    """`plain`, on one line."""
    return plain(" ".join(text[: most * 8].split()), most)


def line_of(value: Json) -> tuple[int | None, bool]:
    """A line number, and whether the value was usable; None and True where there is none."""
    if value is None:
        return None, True
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LINE:
        return None, False
    return value, True


def span_of(start: Json, end: Json) -> tuple[int | None, int | None, bool]:
    """First and last line, and whether both values were usable. A last line before the first, or
    without one, is left out."""
    first, first_ok = line_of(start)
    last, last_ok = line_of(end)
    if first is None:
        return None, None, first_ok and last_ok
    if last is not None and last < first:
        return first, first, False
    return first, last if last is not None else first, first_ok and last_ok


def path_of(text: str, roots: tuple[str, ...] = ()) -> str | None:
    """A path relative to the repository; None when it is not one that can lie in it.

    `roots` are folders (absolute, ending in "/") that stand for the repository's own. Paths under
    the work folders of CI runners lose them.
    """
    if len(text) > MAX_PATH * 4:
        return None
    path = text.replace("\\", "/")
    for root in sorted(roots, key=len, reverse=True):
        if path.startswith(root):
            path = path[len(root) :]
            break
    else:
        path = _without_workspace(path)
    if path.startswith("/") or _DRIVE.match(path):
        return None
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    found = "/".join(parts)
    if not found or len(found) > MAX_PATH or HIDDEN.search(found):
        return None
    return found if found.encode("utf-8", "replace").decode() == found else None


def uri_path(uri: str) -> str | None:
    """The path of a URI reference, percent-decoded; None for a scheme other than file, or a host.

    # spec: RFC 3986; RFC 8089 for `file:`.
    """
    if len(uri) > MAX_PATH * 8:
        return None
    rest = uri.partition("#")[0].partition("?")[0]
    scheme, mark, after = rest.partition(":")
    if mark and len(scheme) > 1 and scheme.isascii() and scheme[0].isalpha() and "/" not in scheme:
        if scheme.lower() != "file":
            return None
        rest = after
        if rest.startswith("//"):
            host, slash, path = rest[2:].partition("/")
            if host not in ("", "localhost"):
                return None
            rest = slash + path
    decoded = unquote(rest, errors="replace")
    return decoded[1:] if _DRIVE.match(decoded[1:]) else decoded


def _without_workspace(path: str) -> str:
    found = _RUNNER.match(path)
    if found:
        return path[found.end() :]
    for start in _WORKSPACES:
        if path.startswith(start):
            rest = path[len(start) :]
            return rest.split("/", 2)[-1] if start == "/__w/" and rest.count("/") >= 2 else rest
    return path
