"""How a webhook is signed, as data, and the one piece of code that verifies such data.

A scheme names the header, its grammar, the signed string and the clock that bounds it. The
comparison is in constant time, every secret of the source is tried, and no bytes raise.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hookyard.core.ingress.model import InboundRequest, Refusal
from hookyard.kit.signing import from_hex, hmac_sha256, same

Encoding: TypeAlias = Literal["hex", "base64", "plain"]
SecretForm: TypeAlias = Literal["any", "raw", "whsec", "base64"]

_WHSEC = b"whsec_"
_MAX_HEADER = 4096


@dataclass(frozen=True, slots=True)
class SignedTime:
    """The instant a provider signs. `header` carries it, or else `body_key` in the JSON body.

    `unit_ms` is the length of one unit in milliseconds; `tolerance_s` the accepted distance
    from now, in either direction.
    """

    header: bytes = b""
    body_key: bytes = b""
    unit_ms: int = 1000
    tolerance_s: int = 300


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of signing.

    `prefix` stands before each value (`sha256=`, `v1,`); `separator` splits several values
    (b"" means one). `template` is the signed string: `{id}`, `{ts}`, then `{body}` at its end.
    `algorithms` is the allow-list; HMAC-SHA256 is the only member there is. `encoding` "plain"
    means that the header carries the secret itself. `secrets` says which configured secrets
    belong to the scheme: `whsec` the base64 ones marked `whsec_`, `raw` all the others,
    `base64` all of them with or without the mark, and `any` takes all of them as raw bytes.
    """

    header: bytes
    prefix: bytes = b""
    separator: bytes = b""
    encoding: Encoding = "hex"
    template: str = "{body}"
    algorithms: tuple[Literal["sha256"], ...] = ("sha256",)
    id_header: bytes = b""
    time: SignedTime | None = None
    secrets: SecretForm = "any"
    max_values: int = 8

    def __post_init__(self) -> None:
        if self.encoding != "plain" and not self.template.endswith("{body}"):
            raise ValueError("a template ends in {body}")
        if self.algorithms != ("sha256",):
            raise ValueError("only sha256 may sign")

    def keys(self, secrets: Sequence[bytes]) -> list[bytes]:
        """The configured secrets that belong to this scheme, as HMAC keys. Never an empty key."""
        if self.secrets == "any":
            return [secret for secret in secrets if secret]
        if self.secrets == "raw":
            return [secret for secret in secrets if secret and not secret.startswith(_WHSEC)]
        marked = [s for s in secrets if s.startswith(_WHSEC) or self.secrets == "base64"]
        decoded = [_from_base64(secret.removeprefix(_WHSEC)) for secret in marked]
        return [key for key in decoded if key]


def verify(
    scheme: Scheme, request: InboundRequest, keys: Sequence[bytes], now_ms: int
) -> Refusal | None:
    """Check the signature against every key, then the signed time against the window."""
    value = request.headers.get(scheme.header, b"")
    if not value:
        return missing(scheme.header)
    if len(value) > _MAX_HEADER or not keys:
        return mismatch(scheme.header)
    if scheme.encoding == "plain":
        # why: `any` over a list, so that the time does not tell which secret was near.
        hits = [same(key, value) for key in keys]
        return None if any(hits) else mismatch(scheme.header)
    if scheme.id_header and not request.headers.get(scheme.id_header):
        return missing(scheme.id_header)
    time = scheme.time
    if time is not None and time.header and _stamp(time, request) is None:
        return stale(time)
    if not _is_signed(scheme, request, value, keys):
        return mismatch(scheme.header)
    return None if time is None else _age(time, request, now_ms)


def _age(time: SignedTime, request: InboundRequest, now_ms: int) -> Refusal | None:
    # why: a body is searched for its time only once its signature holds.
    stamp = _stamp(time, request)
    if stamp is None or abs(now_ms - stamp * time.unit_ms) > time.tolerance_s * 1000:
        return stale(time)
    return None


def missing(header: bytes) -> Refusal:
    """401: the header that authenticates the request is not there."""
    return Refusal(
        401,
        "missing_signature",
        f"Set a secret for this webhook at the sender, so that it sends {_title(header)}.",
    )


def mismatch(header: bytes) -> Refusal:
    """401: the header is there and does not match any secret."""
    return Refusal(
        401,
        "bad_signature",
        f"{_title(header)} matches none of this source's secrets; compare both sides' secret.",
    )


def stale(time: SignedTime) -> Refusal:
    """401: the signed instant is missing, unreadable or outside the window."""
    where = _title(time.header) if time.header else time.body_key.decode("ascii")
    return Refusal(
        401,
        "stale_timestamp",
        f"{where} must be a Unix time within {time.tolerance_s} s of now; check both clocks.",
    )


def _is_signed(
    scheme: Scheme, request: InboundRequest, value: bytes, keys: Sequence[bytes]
) -> bool:
    head = _head(scheme, request)
    values = value.split(scheme.separator) if scheme.separator else [value]
    claims = [_claim(scheme, item) for item in values[: scheme.max_values]]
    good = [claim for claim in claims if claim is not None]
    if not good:
        return False
    for key in keys:
        expected = hmac_sha256(key, head, request.body) if head else hmac_sha256(key, request.body)
        if any(same(expected, claim) for claim in good):
            return True
    return False


def _head(scheme: Scheme, request: InboundRequest) -> bytes:
    template = scheme.template
    if template == "{body}":
        return b""
    headers = request.headers
    head = template.removesuffix("{body}").encode("ascii")
    # why: the time first; it is all digits, so nothing an id contains is ever filled in.
    if scheme.time is not None:
        head = head.replace(b"{ts}", headers.get(scheme.time.header, b""))
    if scheme.id_header:
        head = head.replace(b"{id}", headers.get(scheme.id_header, b""))
    return head


def _claim(scheme: Scheme, item: bytes) -> bytes | None:
    item = item.strip()
    if not item.startswith(scheme.prefix):
        return None
    text = item[len(scheme.prefix) :]
    claim = from_hex(text.decode("latin-1")) if scheme.encoding == "hex" else _from_base64(text)
    return claim if claim is not None and len(claim) == 32 else None


def _from_base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _stamp(time: SignedTime, request: InboundRequest) -> int | None:
    if time.header:
        digits = request.headers.get(time.header, b"").strip()
    else:
        digits = _digits_in(request.body, time.body_key)
    if not digits.isdigit() or len(digits) > 16:
        return None
    return int(digits)


def _digits_in(body: bytes, key: bytes) -> bytes:
    """The number after the last `"key":` of a JSON body, found by bytes alone.

    A quote inside a JSON string is escaped, so text that a user wrote cannot look like the
    key. One backward search and at most 40 bytes read: no part of the body is decoded.
    """
    at = body.rfind(b'"' + key + b'"')
    if at < 0:
        return b""
    tail = body[at + len(key) + 2 : at + len(key) + 42]
    name, colon, rest = tail.partition(b":")
    if name.strip() or not colon:
        return b""
    rest = rest.lstrip()
    end = next((i for i, byte in enumerate(rest) if not 48 <= byte <= 57), len(rest))
    return rest[:end]


def _title(header: bytes) -> str:
    return header.decode("ascii").title()
