"""Decisions about provider keys, pure: what may be a name, a value, a holder."""

import re
from collections.abc import Sequence

from hookyard.features.billing.keys_model import LOCAL
from hookyard.kit.secret import Secret

NAME = r"^[A-Z][A-Z0-9_]{1,63}$"
HOLDER = r"^(?:(?:api_key|service|workload|user):[!-~]{1,200}|local)$"
LEAST, MOST = 8, 16_384
SHOWN_FROM = 24
MOST_PROJECTS = 50
MOST_HOLDERS = 100
_RESERVED = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TMPDIR|TZ|USER|SHELL|IFS|ENV|PWD|VIRTUAL_ENV|SYSTEMROOT|COMSPEC"
    r"|(?:HOOKYARD|LD|DYLD|PYTHON|BASH|GIT|SSH|NODE|PERL|RUBY|JAVA|GCONV|MALLOC)_?\w*|PERL5\w*"
    r"|CLASSPATH|PROMPT_COMMAND|EDITOR|VISUAL|PAGER|HTTPS?_PROXY|ALL_PROXY|NO_PROXY|SSL_CERT_\w+"
)


def name_trouble(name: str) -> str | None:
    """Why a name cannot be a key's; None when it can."""
    if re.fullmatch(NAME[1:-1], name) is None:
        return "a key's name has capital letters, digits and _, as OPENAI_API_KEY"
    if _RESERVED.fullmatch(name):
        return f"{name} means something to the system; it cannot be the name of a key"
    return None


def value_trouble(value: Secret) -> str | None:
    """Why a value cannot be kept; None when it can. The words never contain it."""
    text = value.reveal()
    if not LEAST <= len(text) <= MOST:
        return f"a key's value has {LEAST} to {MOST:,} characters"
    if text != text.strip():
        return "the value begins or ends with a space or a line end; was it pasted so?"
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return "the value has characters that no variable can hold"
    return None


def ends_with(value: Secret) -> str:
    """The last four characters of a value long enough to show them."""
    text = value.reveal()
    tail = text[-4:]
    return tail if len(text) >= SHOWN_FROM and tail.isascii() and tail.isprintable() else ""


def holders_trouble(holders: Sequence[str]) -> str | None:
    """Why these cannot be the holders of a key; None when they can."""
    if len(holders) > MOST_HOLDERS:
        return f"a key has {MOST_HOLDERS} holders at most"
    for holder in holders:
        if re.fullmatch(HOLDER[1:-1], holder) is None:
            return f"a holder is api_key:ID, service:ID, workload:ID, user:ID or {LOCAL}"
    return None
