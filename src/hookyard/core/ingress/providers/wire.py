"""What every provider's wire format shares: media types, ids, decoding, and clean text.

All of it is total: any bytes in, a value out. Nothing here raises on hostile input.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from hookyard.core.ingress.model import InboundRequest, Refusal, Unparsable
from hookyard.kit.json import Json, JsonObject, as_text

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
MAX_ID = 128
MAX_NAME = 64
MAX_FIELDS = 64
MAX_DEPTH = 100

# why: printable ASCII without the space; a GUID, a ULID and a base64 id all fit.
_ID_CHARS = bytes(range(0x21, 0x7F))
_NAME_CHARS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.: /"
_CONTROLS: dict[int, int | None] = {n: None for n in range(32) if n not in (9, 10, 13)}
_CONTROLS[0x7F] = None
_TOO_DEEP = Unparsable("too_deep", f"the body nests deeper than {MAX_DEPTH} levels")
_DECODE_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)


def media_type(value: bytes) -> bytes:
    """The bare lower-case media type: `application/json; charset=utf-8` → `application/json`."""
    return value.partition(b";")[0].strip().lower()


def refuse_media(request: InboundRequest, accepted: frozenset[bytes]) -> Refusal | None:
    """415 for a content type outside `accepted`, or for any content encoding."""
    headers = request.headers
    value = headers.get(b"content-type", b"")
    if value not in accepted and media_type(value) not in accepted:
        wanted = " or ".join(sorted(item.decode("ascii") for item in accepted))
        return Refusal(415, "unsupported_media_type", f"Send the body as {wanted}.")
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        return Refusal(415, "unsupported_media_type", "Send the body without a content encoding.")
    return None


def is_id(value: bytes) -> bool:
    """Whether the bytes may name a delivery: 1 to 128 printable ASCII characters, no space."""
    return 0 < len(value) <= MAX_ID and not value.translate(None, _ID_CHARS)


def is_name(value: bytes) -> bool:
    """Whether the bytes may name an event: 1 to 64 letters, digits and `_-.:/` or spaces."""
    return 0 < len(value) <= MAX_NAME and not value.translate(None, _NAME_CHARS)


def bad_id(header: str) -> Refusal:
    """400 for a delivery id that is missing or has an impossible shape."""
    return Refusal(
        400,
        "malformed_delivery_id",
        f"{header} must be 1 to {MAX_ID} printable ASCII characters without spaces.",
    )


def bad_event(header: str) -> Refusal:
    """400 for an event name that is missing or has an impossible shape."""
    return Refusal(
        400,
        "malformed_event",
        f"{header} must name the event in 1 to {MAX_NAME} letters, digits, '_', '.', ':' or '-'.",
    )


def body_key(body: bytes) -> str:
    """The SHA-256 of the body as a dedupe key, for deliveries without a stable id."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def decode(raw: bytes) -> "Json | Unparsable":
    """JSON bytes as a value; bad UTF-8, bad syntax and deep nesting are Unparsable.

    # why: a fixed depth, far above any real event, so that nothing downstream that walks or
    # encodes the payload can run out of stack, whatever the interpreter's own limit is.
    """
    try:
        value: Json = msgspec.json.decode(raw)
    except RecursionError:
        return _TOO_DEEP
    except UnicodeDecodeError:
        return Unparsable("not_utf8", "the body is not UTF-8")
    except _DECODE_ERRORS:
        return Unparsable("malformed_json", "the body is not valid JSON")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_deep(value):
        return _TOO_DEEP
    return value


def _is_deep(value: Json) -> bool:
    """Whether arrays and objects nest more than 100 levels, found level by level."""
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Json) -> "list[Json]":
    if isinstance(node, dict):
        return [child for child in node.values() if isinstance(child, dict | list)]
    if isinstance(node, list):
        return [child for child in node if isinstance(child, dict | list)]
    return []


def decode_object(raw: bytes) -> JsonObject | Unparsable:
    """JSON bytes that must be an object."""
    value = decode(raw)
    if isinstance(value, Unparsable):
        return value
    if not isinstance(value, Mapping):
        return Unparsable("not_an_object", "the body is JSON but not an object")
    return value


def form(raw: bytes) -> dict[str, str] | Unparsable:
    """Form fields; the first of a repeated name counts. At most 64 fields, UTF-8 only."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except UnicodeDecodeError:
        return Unparsable("not_utf8", "the form is not percent-encoded UTF-8")
    except ValueError:
        return Unparsable("malformed_form", f"the form has more than {MAX_FIELDS} fields")
    fields: dict[str, str] = {}
    for key, value in pairs:
        fields.setdefault(key, value)
    return fields


def form_payload(raw: bytes) -> bytes | Unparsable:
    """The JSON bytes in the form field `payload`."""
    fields = form(raw)
    if isinstance(fields, Unparsable):
        return fields
    if "payload" not in fields:
        return Unparsable("no_payload", "the form has no field named payload")
    return fields["payload"].encode("utf-8")


def clean(text: str, limit: int) -> str:
    """Text that any database stores: no control characters but tab and line ends, bounded."""
    # why: Postgres refuses U+0000 in text.
    return text[:limit].translate(_CONTROLS)


def word(value: Json, limit: int = 256) -> str:
    """A short clean text from a payload value, "" when it is not a string."""
    return clean(as_text(value), limit).strip()


def event_name(text: str, fallback: str = "unknown") -> str:
    """The text when it may name an event, else the fallback; parse says what is wrong with it."""
    text = text.strip()
    return text if text.isascii() and is_name(text.encode("ascii")) else fallback


def name_of(value: Json) -> str:
    """A login or id as text: strings cleaned, integers printed, anything else ""."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:MAX_ID]
    return word(value, MAX_ID)
