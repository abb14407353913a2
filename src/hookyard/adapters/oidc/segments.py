"""The three segments of a compact token: strict base64url, strict JSON. Pure and bounded.

# spec: RFC 7515 section 3.1 (compact form), RFC 7519 section 4 (names of claims are unique; a
# reader may refuse duplicates, and this one does), RFC 4648 section 5 (base64url, here without
# padding and with unused bits at zero).
"""

import base64
import json
import re
from dataclasses import dataclass, field

from hookyard.adapters.oidc.port import MAX_TOKEN, Peeked, Refused
from hookyard.kit.json import Json, JsonObject, as_text

MAX_HEADER = 2_048
MAX_KID = 256

_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
# Parameters that bring a key along, or say where to fetch one: no key comes out of a token.
_BRINGS_KEY = ("jwk", "jku", "x5u", "x5c")


@dataclass(frozen=True, slots=True)
class Parts:
    """A token taken apart: the algorithm and key id it claims, and its payload, undecoded."""

    algorithm: str
    kid: str | None
    payload: str = field(repr=False)
    signature: bytes = field(repr=False)


def take_apart(token: str, types: frozenset[str]) -> Parts | Refused:
    """The parts of a token whose shape and header are sound; nothing is proved yet."""
    if len(token) > MAX_TOKEN:
        return Refused("too_large", f"the token is longer than {MAX_TOKEN} characters")
    shape = _SHAPE.fullmatch(token)
    if shape is None or len(shape[1]) > MAX_HEADER:
        return Refused("malformed")
    header = read_object(shape[1])
    signature = decode(shape[3])
    if header is None or signature is None:
        return Refused("malformed")
    wrong = _check_header(header, types)
    if wrong is not None:
        return wrong
    kid = header.get("kid")
    return Parts(as_text(header["alg"]), None if kid is None else as_text(kid), shape[2], signature)


def peek(token: str) -> Peeked | Refused:
    """The issuer and key id a token claims, to find the keys by. Trust neither."""
    parts = take_apart(token, frozenset())
    if isinstance(parts, Refused):
        return parts
    claims = read_object(parts.payload)
    if claims is None:
        return Refused("malformed")
    return Peeked(as_text(claims.get("iss")), parts.kid)


def _check_header(header: JsonObject, types: frozenset[str]) -> Refused | None:
    """`types` empty: any. Nothing that a header asks for beyond `alg`, `kid` and `typ` is done."""
    if not isinstance(header.get("alg"), str):
        return Refused("malformed")
    if "crit" in header or "b64" in header:
        return Refused("crit", "the token demands an extension that is not supported here")
    if any(name in header for name in _BRINGS_KEY):
        return Refused("header_key", "the token brings its own key; keys are configured, not sent")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= MAX_KID):
        return Refused("malformed")
    typ = header.get("typ")
    if typ is None or not types:
        return None
    if as_text(typ).lower().removeprefix("application/") not in types:
        return Refused("type", "the token is of another type than this server accepts")
    return None


def decode(segment: str) -> bytes | None:
    """Bytes of a base64url segment; None unless it is the one way to write them."""
    try:
        found = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return found if encode(found) == segment else None


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_object(segment: str) -> JsonObject | None:
    """The JSON object of a segment; None when it is none, or names a member twice anywhere."""
    data = decode(segment)
    return None if data is None else strict_object(data)


def strict_object(data: bytes) -> JsonObject | None:
    """A JSON object out of strangers' bytes; None for another thing, or a member named twice."""
    try:
        found: Json = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
