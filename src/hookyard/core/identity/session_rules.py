"""What makes a session good, and what is derived from its cookie. Pure."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hookyard.core.identity.model import Grant, Refused
from hookyard.core.identity.users import Session
from hookyard.kit.signing import hmac_sha256

SECRET_BYTES = 32
PREFIX = "hks_"
_SHAPE = re.compile(r"hks_[A-Za-z0-9_-]{43}")
MAX_CLIENT = 200


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How long a session lasts: unused, and at most. Milliseconds."""

    idle_ms: int = 12 * 3_600_000
    absolute_ms: int = 7 * 24 * 3_600_000


def make_cookie(secret: bytes) -> str:
    """The value of a cookie from SECRET_BYTES random bytes; the prefix lets scanners find it."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a session's secret has {SECRET_BYTES} bytes, not {len(secret)}")
    return PREFIX + word(secret)


def has_shape(token: str) -> bool:
    """Whether a text can be a cookie of ours; nothing is proved by it."""
    return _SHAPE.fullmatch(token) is not None


def digest(token: str) -> str:
    """SHA-256 of a cookie, hexadecimal.

    # why: a plain hash is enough, as the cookie has 256 random bits.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """What unsafe requests under this cookie must send: only who holds the cookie, or was told by
    us, knows it. It changes whenever the cookie does."""
    return word(hmac_sha256(token.encode(), b"hookyard csrf"))


def word(raw: bytes) -> str:
    """Bytes as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def mark_of(grants: Iterable[Grant]) -> str:
    """A digest of what somebody holds, whatever the order."""
    lines = sorted(
        {f"{g.role.value} {g.scope.tenant} {g.scope} {g.scope.id or ''}" for g in grants}
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def judge(session: Session, now_ms: int, options: SessionOptions) -> Refused | None:
    """Why a session is over, or None while it is not."""
    if now_ms >= session.expires_at_ms:
        return Refused("expired", "the session has ended; sign in again")
    if now_ms >= session.seen_at_ms + options.idle_ms:
        return Refused("idle", "the session was not used for too long; sign in again")
    return None


def client_name(text: str) -> str:
    """What a browser calls itself, as it can be kept and shown."""
    return "".join(c for c in text if c.isascii() and c.isprintable())[:MAX_CLIENT]
