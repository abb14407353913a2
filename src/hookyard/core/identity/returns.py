"""Where a browser may be sent after sign-in: paths of this server, and nothing else. Pure."""

import re
from urllib.parse import unquote

HOME = "/"
MAX_LENGTH = 1024
# why: browsers drop tabs and line ends, and read `\` as `/`; only what a plain path and query
# need is let through, so that no reading of it names another host.
_PLAIN = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DECODINGS = 3


def is_safe_return(text: str) -> bool:
    """Whether this is a path of ours under every reading that browsers and proxies give it.

    Refused: other origins (`//host`, `/\\host`, also encoded once or more), schemes, whitespace
    and control characters, dot segments, and the sign-in routes themselves.
    """
    if len(text) > MAX_LENGTH or not _PLAIN.fullmatch(text) or _BROKEN_ESCAPE.search(text):
        return False
    for _ in range(_DECODINGS):
        if not _reads_as_path(text.partition("?")[0]):
            return False
        decoded = unquote(text, errors="replace")
        if decoded == text:
            return True
        text = decoded
    return False


def _reads_as_path(path: str) -> bool:
    if "\\" in path or "//" in path or not path.isprintable() or " " in path:
        return False
    if {".", ".."} & set(path.split("/")):
        return False
    return path.startswith("/") and not f"{path}/".lower().startswith("/auth/")
