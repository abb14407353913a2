"""Paths as git writes them: C-quoted where they hold quotes, control or non-ASCII bytes."""

import re

_SIMPLE = {
    "a": 7,
    "b": 8,
    "t": 9,
    "n": 10,
    "v": 11,
    "f": 12,
    "r": 13,
    '"': 34,
    "\\": 92,
}
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SIDES = (b"a/", b"b/", b"c/", b"i/", b"o/", b"w/")


def unquote(raw: bytes) -> bytes:
    """The bytes of a path; text that is not quoted is as it stands.

    # spec: git-config(1), core.quotePath; quote.c: octal for other bytes.
    """
    if len(raw) < 2 or not (raw.startswith(b'"') and raw.endswith(b'"')):
        return raw
    return _ESCAPE.sub(_byte, raw[1:-1])


def _byte(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1].isdigit() and code[:1] < b"8":
        return bytes([int(code, 8) & 0xFF])
    plain = _SIMPLE.get(code.decode("latin-1"))
    return code if plain is None else bytes([plain])


def text(path: bytes) -> str:
    """A path as text that every store and JSON can hold."""
    return path.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def strip_sides(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Two paths without `a/` and `b/` (or git's mnemonic letters), where both sides have one."""
    sided = [p for p in (old, new) if p != b"/dev/null"]
    if sided and all(p.startswith(_SIDES) for p in sided):
        return _bare(old), _bare(new)
    return old, new


def _bare(path: bytes) -> bytes:
    return path if path == b"/dev/null" else path[2:]


def header_path(raw: bytes) -> bytes:
    """The path of a `---` or `+++` line: unquoted, without the time that may follow a tab."""
    raw = raw.rstrip(b"\r")
    quoted = _QUOTED.match(raw)
    if quoted:
        return unquote(quoted[0])
    return raw.partition(b"\t")[0]


def git_paths(raw: bytes) -> tuple[bytes, bytes]:
    """Both paths of a `diff --git` line, with their sides.

    Unquoted names may hold spaces; then the two are told apart by being equal, which they are
    wherever no `rename` or `copy` line says otherwise.
    """
    raw = raw.rstrip(b"\r")
    first = _QUOTED.match(raw)
    if first:
        return unquote(first[0]), unquote(raw[first.end() :].lstrip(b" "))
    if raw.endswith(b'"'):
        old, _, new = raw.partition(b' "')
        return old, unquote(b'"' + new)
    half = len(raw) // 2
    if raw[half : half + 1] == b" " and raw[:half][1:] == raw[half + 1 :][1:]:
        return raw[:half], raw[half + 1 :]
    old, _, new = raw.partition(b" ")
    return old, new
