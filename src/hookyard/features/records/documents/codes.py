"""Every status that is a problem, and the codes it comes with. Pure.

The document shows them for each operation, and docs/records.md lists them all; a test holds both
to what is answered.
"""

from collections.abc import Mapping
from types import MappingProxyType

_QUERY = (
    "bad_cursor", "bad_id", "bad_json", "bad_path", "bad_text", "bad_timestamp", "bad_vector",
    "given_twice", "not_allowed", "not_in_enum", "not_sortable", "out_of_range", "path_missing",
    "required", "too_deep", "too_long", "too_many_conditions", "too_many_includes",
    "unknown_field", "unknown_operator", "unknown_parameter", "wrong_type",
)  # fmt: skip
_WRITE = (
    "bad_id", "bad_idempotency_key", "bad_json", "bad_text", "bad_timestamp", "bad_vector",
    "given_twice", "idempotency_key_not_taken", "idempotency_key_required", "immutable",
    "not_in_enum", "out_of_range", "read_only", "required", "too_deep", "too_long",
    "unknown_field", "unknown_parameter", "wrong_type",
)  # fmt: skip
_STEPS = ("bad_reference", "too_many_operations", "unknown_entity", "unknown_operator")
_ALWAYS = ("bad_header", "malformed_request")

READ, WRITE, MANY, TRANSACT, FEED, PLAIN = "read", "write", "many", "transact", "feed", "plain"

BAD_REQUEST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        READ: tuple(sorted({*_QUERY, *_ALWAYS})),
        WRITE: tuple(sorted({*_WRITE, *_ALWAYS})),
        MANY: tuple(sorted({*_QUERY, *_WRITE, *_ALWAYS})),
        TRANSACT: tuple(sorted({*_WRITE, *_STEPS, *_ALWAYS})),
        FEED: (*_ALWAYS, "bad_text", "given_twice", "out_of_range", "too_long",
               "unknown_parameter"),
        PLAIN: _ALWAYS,
    }
)  # fmt: skip
"""The codes of 400, by the kind of operation."""

OTHERS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        401: ("unauthenticated",),
        403: ("forbidden", "tenant_mismatch", "field_forbidden", "csrf"),
        404: ("not_found", "unknown_entity"),
        405: ("method_not_allowed",),
        408: ("too_slow",),
        409: ("id_taken", "not_unique", "too_many_rows", "not_restorable",
              "idempotency_in_progress"),
        410: ("gone",),
        412: ("precondition_failed",),
        413: ("too_large",),
        415: ("unsupported_media_type",),
        422: ("idempotency_mismatch",),
        429: ("rate_limited",),
        431: ("head_too_large",),
        503: ("unavailable",),
    }
)  # fmt: skip
"""The codes of every other status."""

BESIDE = (
    "answer_too_large", "bad_name", "bad_secret", "bad_url", "name_taken", "not_a_vector",
    "replay_under_way", "too_many_consumers", "too_many_subscriptions", "unknown_sink",
)  # fmt: skip
"""Codes of searches, consumers and subscriptions, which the document does not describe."""

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        400: "The request cannot be used as it stands; `pointer` names the place.",
        401: "No valid credential was sent.",
        403: "The roles held do not allow this, or a tenant was named that is not the caller's.",
        404: "There is no such record for this caller, or no such entity.",
        405: "Not by this method.",
        408: "The body did not arrive in time.",
        409: "An id or a unique value is taken, more records fit than `max`, or a twin of the "
        "request is under way.",
        410: "Changes up to this number are kept no longer; read the records again.",
        412: "The record is not as `If-Match` or `If-None-Match` says.",
        413: "The body is too large.",
        415: "The body is not JSON.",
        422: "The idempotency key was used for another request.",
        429: "Too many calls; come back after `Retry-After` seconds.",
        431: "Address and headers are too large.",
        503: "Nothing was done; try again after `Retry-After` seconds.",
    }
)
"""What each status means, for people."""


def all_codes() -> frozenset[str]:
    """Every code there is."""
    listed = [*BAD_REQUEST.values(), *OTHERS.values(), BESIDE]
    return frozenset(code for codes in listed for code in codes)
