"""Subscriptions to the feed in the document, for those who may have some. Pure."""

from collections.abc import Sequence

from hookyard.core.identity.model import Role
from hookyard.features.records.documents.codes import (
    DESK,
    REPLAY,
    RESUBSCRIBE,
    ROTATE,
    SET_ASIDE,
    SUBSCRIBE,
)
from hookyard.features.records.documents.examples import AT, Tree
from hookyard.features.records.documents.feeding import INSTANT, NO_INSTANT, SEQ, operation
from hookyard.features.records.documents.parts import answer, body, problems, ref, use, whole
from hookyard.features.records.feeding.model import (
    MAX_ENTITIES,
    MAX_OVERLAP_S,
    MAX_URL,
    OVERLAP_S,
    ROLES,
    SubscriptionState,
)
from hookyard.features.records.rules import lets_in
from hookyard.kit.json import Json

SUBSCRIPTION, UNDELIVERED = "Subscription", "Undelivered"
_TEXT: Tree = {"type": "string"}
_STATE: Tree = {"enum": [state.value for state in SubscriptionState]}
_URL: Tree = {"type": "string", "format": "uri", "maxLength": MAX_URL}
_SECRET: Tree = {"type": "string", "maxLength": 200, "pattern": "^whsec_[A-Za-z0-9+/]+={0,2}$",
                 "description": "Of Standard Webhooks: 24 to 64 bytes"}  # fmt: skip
_SAMPLE_OF_ONE = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
_ID = "01kg9n2v6c3t4w5x6y7z8a9b0c"


def may_subscribe(roles: int) -> bool:
    """Whether holders of these roles may have subscriptions."""
    return lets_in((Role.MAINTAINER,), roles)


def subscription_schemas() -> Tree:
    """Types of subscriptions."""
    replay = whole(next=SEQ, to=SEQ)
    always = whole(
        id=_TEXT, name=_TEXT, entities={"type": "array", "items": _TEXT},
        role={"enum": [role.value for role in ROLES]}, state=_STATE, reason=_TEXT, acked=SEQ,
        head=SEQ, lag={"type": "integer"}, replay={"anyOf": [replay, {"type": "null"}]},
        undelivered=SEQ, last_error=_TEXT, sent_at=NO_INSTANT, created_at=INSTANT, created_by=_TEXT,
    )  # fmt: skip
    properties = always["properties"]
    assert isinstance(properties, dict)  # noqa: S101
    properties |= {
        "url": _TEXT, "sink": {"type": "string", "description": "In place of `url`"},
        "secret": {"type": "string", "description": "Once, in the answer that made it"},
    }  # fmt: skip
    aside = whole(seq=SEQ, reason=_TEXT, tries=SEQ, at=INSTANT)
    return {
        SUBSCRIPTION: {**always, "description": "What sends changes on"},
        UNDELIVERED: {**aside, "description": "A change that was given up on"},
    }


def subscription_paths(entities: Sequence[str], roles: int) -> Tree:
    """Paths of subscriptions."""
    shared = use("tenant", "request")
    own: list[Json] = [
        {"name": "id", "in": "path", "required": True, "description": "The subscription's id",
         "schema": {"type": "string", "minLength": 1}, "example": _ID},
        *shared,
    ]  # fmt: skip
    more = _choices(entities, roles)
    base = "/v1/_subscriptions"
    return {
        base: {"parameters": shared, "get": _list(), "post": _create(more)},
        f"{base}/{{id}}": {"parameters": own, "get": _show(), "patch": _change(more),
                           "delete": _drop()},
        f"{base}/{{id}}/_rotate": {"parameters": own, "post": _rotate()},
        f"{base}/{{id}}/_replay": {"parameters": own, "post": _replay()},
        f"{base}/{{id}}/undelivered": {"parameters": own, "get": _undelivered()},
    }  # fmt: skip


def _choices(entities: Sequence[str], roles: int) -> Tree:
    """What a subscription may be given, beside where it sends."""
    named: Tree = {"enum": list(entities)} if entities else {"type": "string"}
    given: list[Json] = [role.value for role in ROLES if lets_in((role,), roles)]
    return {
        "name": {"type": "string", "maxLength": 100},
        "entities": {"type": "array", "items": named, "maxItems": MAX_ENTITIES,
                     "description": "None: all that `role` may read"},
        "role": {"enum": given, "description": "What it sees: as viewer by default"},
    }  # fmt: skip


def _list() -> Tree:
    page = whole(items={"type": "array", "items": ref(SUBSCRIPTION)})
    told = answer("All of them", page, example={"items": [_sample()]})
    return operation("subscriptionsList", "The subscriptions there are", [],
                     {"200": told, **problems(DESK)})  # fmt: skip


def _create(more: Tree) -> Tree:
    after: Tree = {**SEQ, "description": "Begin after this change, else at the end"}
    to_url = whole(url=_URL, secret=_SECRET, after=after, **more) | {"required": ["url"]}
    sink: Tree = {"type": "string", "minLength": 1, "maxLength": 60,
                  "description": "A stream or queue that the settings name"}  # fmt: skip
    to_sink = whole(sink=sink, after=after, **more) | {"required": ["sink"]}
    asked: Tree = {"oneOf": [to_url, to_sink]}
    sample: Tree = {"url": "https://hooks.example.com/in", "name": "search"}
    told = answer("Made", ref(SUBSCRIPTION), "Location",
                  example={**_sample(), "secret": _SAMPLE_OF_ONE})  # fmt: skip
    found = operation("subscriptionsCreate", "Send changes on", [],
                      {"201": told, **problems(SUBSCRIBE, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(asked, sample)}


def _show() -> Tree:
    told = answer("The subscription", ref(SUBSCRIPTION), example=_sample())
    return operation("subscriptionsShow", "One subscription", [],
                     {"200": told, **problems(DESK, 404)})  # fmt: skip


def _change(more: Tree) -> Tree:
    asked: Tree = {"type": "object", "properties": {"url": _URL, "state": _STATE, **more},
                   "additionalProperties": False}  # fmt: skip
    told = answer("As it is now", ref(SUBSCRIPTION), example=_sample())
    found = operation("subscriptionsChange", "Change, pause or go on", [],
                      {"200": told, **problems(RESUBSCRIBE, 404, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(asked, {"state": "paused"}, required=False)}


def _drop() -> Tree:
    return operation("subscriptionsDelete", "End a subscription", [],
                     {"204": answer("Gone"), **problems(DESK, 404)})  # fmt: skip


def _rotate() -> Tree:
    overlap: Tree = {"type": "integer", "minimum": 0, "maximum": MAX_OVERLAP_S,
                     "default": OVERLAP_S,
                     "description": "How long the former secret signs as well"}  # fmt: skip
    asked: Tree = {"type": "object", "properties": {"secret": _SECRET, "overlap_s": overlap},
                   "additionalProperties": False}  # fmt: skip
    done = whole(secret=_TEXT, former_until_ms={"type": "integer"})
    told = answer("The new secret, once", done,
                  example={"secret": _SAMPLE_OF_ONE, "former_until_ms": 1769947200000})  # fmt: skip
    found = operation("subscriptionsRotate", "A new secret, made or given", [],
                      {"200": told, **problems(ROTATE, 404, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(asked, {"overlap_s": 3600}, required=False)}


def _replay() -> Tree:
    given = {"from": SEQ, "to": SEQ}
    told = answer("These are sent once more, before what is new", ref(SUBSCRIPTION),
                  example={**_sample(), "replay": {"next": 3, "to": 9}})  # fmt: skip
    found = operation("subscriptionsReplay", "Send a range of changes once more", [],
                      {"202": told, **problems(REPLAY, 404, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(whole(**given), {"from": 3, "to": 9})}


def _undelivered() -> Tree:
    page = whole(items={"type": "array", "items": ref(UNDELIVERED)})
    one: Tree = {"seq": 4, "reason": "it answered 500", "tries": 12, "at": AT}
    told = answer("In order", page, example={"items": [one]})
    return operation("subscriptionsUndelivered", "What was given up on", use("after", "aside"),
                     {"200": told, **problems(SET_ASIDE, 404)})  # fmt: skip


def _sample() -> Tree:
    return {
        "id": _ID, "name": "search", "url": "https://hooks.example.com/in", "entities": [],
        "role": "viewer", "state": "active", "reason": "", "acked": 9, "head": 9, "lag": 0,
        "replay": None, "undelivered": 0, "last_error": "", "sent_at": AT, "created_at": AT,
        "created_by": "key:ops",
    }  # fmt: skip
