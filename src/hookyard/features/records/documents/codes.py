"""Every status that is a problem, and the codes it comes with. Pure.

The document shows them for each operation, and docs/records.md lists them all; a test holds both
to what is answered.
"""

from collections.abc import Mapping
from types import MappingProxyType

_ALWAYS = ("bad_header", "malformed_request")
_PARAMS = ("bad_text", "given_twice", "too_long", "unknown_parameter")
_WHERE = (
    "bad_id", "bad_json", "bad_path", "bad_text", "bad_timestamp", "bad_vector", "not_in_enum",
    "out_of_range", "path_missing", "required", "too_deep", "too_long", "too_many_conditions",
    "unknown_field", "unknown_operator", "wrong_type",
)  # fmt: skip
_QUERY = (
    *_WHERE, *_PARAMS, "bad_cursor", "not_allowed", "not_sortable", "too_many_includes",
)  # fmt: skip
_KEYS = ("bad_idempotency_key", "idempotency_key_not_taken", "idempotency_key_required")
_FIELDS = (
    "bad_id", "bad_json", "bad_text", "bad_timestamp", "bad_vector", "immutable", "not_in_enum",
    "out_of_range", "read_only", "required", "too_deep", "too_long", "unknown_field", "wrong_type",
)  # fmt: skip
_WRITE = (*_FIELDS, *_KEYS, "given_twice", "unknown_parameter")
_STEPS = ("bad_reference", "too_many_operations", "unknown_entity", "unknown_operator")
_BODY = (*_PARAMS, "bad_json", "idempotency_key_not_taken", "unknown_field", "wrong_type")

READ, WRITE, MANY, TRANSACT, FEED, PLAIN = "read", "write", "many", "transact", "feed", "plain"
SEARCH, IMPORT, EXPORT = "search", "import", "export"
DESK, PLACE, CONSUME, ACKNOWLEDGE = "desk", "place", "consume", "acknowledge"
SUBSCRIBE, RESUBSCRIBE, ROTATE, REPLAY = "subscribe", "resubscribe", "rotate", "replay"
SET_ASIDE = "aside"


def _sorted(*codes: str) -> tuple[str, ...]:
    return tuple(sorted({*codes, *_ALWAYS}))


_TARGET = ("bad_url", "not_in_enum", "required", "unknown_entity", "unknown_sink")

BAD_REQUEST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        READ: _sorted(*_QUERY),
        WRITE: _sorted(*_WRITE),
        MANY: _sorted(*_QUERY, *_WRITE),
        TRANSACT: _sorted(*_WRITE, *_STEPS),
        FEED: _sorted(*_PARAMS, "out_of_range", "unknown_entity"),
        PLAIN: _sorted(),
        SEARCH: _sorted(*_WHERE, *_PARAMS, "answer_too_large", "not_a_vector"),
        IMPORT: _sorted(*_PARAMS, *_KEYS, "not_in_enum", "wrong_type"),
        EXPORT: _sorted(*_WHERE, *_PARAMS),
        DESK: _sorted(*_PARAMS, "idempotency_key_not_taken"),
        PLACE: _sorted(*_PARAMS, "idempotency_key_not_taken", "out_of_range", "unknown_entity"),
        CONSUME: _sorted(*_BODY, "bad_name", "out_of_range"),
        ACKNOWLEDGE: _sorted(*_BODY, "out_of_range", "required"),
        SUBSCRIBE: _sorted(*_BODY, *_TARGET, "bad_secret", "out_of_range"),
        RESUBSCRIBE: _sorted(*_BODY, *_TARGET),
        ROTATE: _sorted(*_BODY, "bad_secret", "out_of_range"),
        REPLAY: _sorted(*_BODY, "out_of_range", "required"),
        SET_ASIDE: _sorted(*_PARAMS, "idempotency_key_not_taken", "out_of_range"),
    }
)  # fmt: skip
"""The codes of 400, by the kind of operation."""

CONFLICTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        WRITE: ("id_taken", "not_unique", "not_restorable", "idempotency_in_progress"),
        MANY: ("too_many_rows", "not_unique", "idempotency_in_progress"),
        TRANSACT: ("id_taken", "not_unique", "not_restorable", "idempotency_in_progress"),
        IMPORT: ("idempotency_in_progress",),
        CONSUME: ("name_taken", "too_many_consumers"),
        SUBSCRIBE: ("too_many_subscriptions",),
        ROTATE: ("conflict",),
        REPLAY: ("replay_under_way",),
    }
)
"""The codes of 409, by the kind of operation; kinds that are not here have none."""

OTHERS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        401: ("unauthenticated",),
        403: ("forbidden", "tenant_mismatch", "field_forbidden", "csrf"),
        404: ("not_found", "unknown_entity"),
        405: ("method_not_allowed",),
        408: ("too_slow",),
        410: ("gone",),
        412: ("precondition_failed",),
        413: ("too_large",),
        415: ("unsupported_media_type",),
        422: ("idempotency_mismatch",),
        429: ("rate_limited",),
        431: ("head_too_large",),
        503: ("unavailable",),
    }
)
"""The codes of every other status."""

OF_LINES = tuple(sorted({*_FIELDS, "field_forbidden", "id_taken", "not_unique", "tenant_mismatch"}))
"""The codes of the problems that an import tells of its lines."""

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        400: "The request cannot be used as it stands; `pointer` names the place.",
        401: "No valid credential was sent.",
        403: "The roles held do not allow this, or a tenant was named that is not the caller's.",
        404: "There is nothing of this name for this caller, or no such entity.",
        405: "Not by this method.",
        408: "The body did not arrive in time.",
        409: "A name, an id or a unique value is taken, there would be too many, or a twin of the "
        "request is under way.",
        410: "Changes up to this number are kept no longer; read the records again.",
        412: "The record is not as `If-Match` or `If-None-Match` says.",
        413: "The body is too large.",
        415: "The body is not of the media type that is taken here.",
        422: "The idempotency key was used for another request.",
        429: "Too many calls, or too many waits at once; come back after `Retry-After` seconds.",
        431: "Address and headers are too large.",
        503: "Nothing was done; try again after `Retry-After` seconds.",
    }
)
"""What each status means, for people."""


def all_codes() -> frozenset[str]:
    """Every code there is."""
    listed = [*BAD_REQUEST.values(), *CONFLICTS.values(), *OTHERS.values(), OF_LINES]
    return frozenset(code for codes in listed for code in codes)
