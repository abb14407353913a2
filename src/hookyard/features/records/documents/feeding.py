"""The feed of changes and its consumers in the document. Pure."""

from collections.abc import Sequence

from hookyard.features.records.documents.codes import ACKNOWLEDGE, CONSUME, DESK, FEED, PLACE
from hookyard.features.records.documents.examples import AT, Tree
from hookyard.features.records.documents.parts import (
    EVENTS_TYPE,
    ITEM,
    answer,
    body,
    problems,
    ref,
    use,
    whole,
)
from hookyard.features.records.feeding.bodies import MAX_SEQ
from hookyard.kit.json import Json

CHANGE, PAGE, CONSUMER = "Change", "Changes", "Consumer"
SEQ: Tree = {"type": "integer", "minimum": 0, "maximum": MAX_SEQ}
INSTANT: Tree = {"type": "string", "format": "date-time"}
NO_INSTANT: Tree = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Tree = {"type": "string"}
_EVENTS = (
    "With `Accept: text/event-stream`: `event: change` with a change as `data` and its number as "
    "`id`; `event: end` with a `code` when the credential is over. `limit` and `wait` are not "
    "taken then."
)


def feed_schemas(entities: Sequence[str]) -> Tree:
    """Types of the feed for who may read these entities."""
    side: Tree = {"type": ["object", "null"]}
    change = whole(
        seq=SEQ, id=_TEXT, aggregatetype={"enum": list(entities)}, aggregateid=_TEXT,
        type={"enum": ["created", "updated", "deleted", "restored"]}, at=INSTANT, actor=_TEXT,
        payload=whole(op={"enum": ["c", "u", "d"]}, before=side, after=side),
    )  # fmt: skip
    page = whole(items={"type": "array", "items": ref(CHANGE)}, next_after=SEQ, head=SEQ)
    consumer = whole(
        name=_TEXT, acked=SEQ, head=SEQ,
        lag={"type": "integer", "description": "How many changes it is behind"},
        missed={**SEQ, "description": "How many were gone before it read them"},
        created_at=INSTANT, created_by=_TEXT, acked_at=NO_INSTANT,
    )  # fmt: skip
    return {
        CHANGE: {**change, "description": "What a write did to a record"},
        PAGE: {**page, "description": "Changes in order; read on after `next_after`"},
        CONSUMER: {**consumer, "description": "A reader whose place in the feed is kept"},
    }


def feed_paths(entities: Sequence[str]) -> Tree:
    """Paths of the feed and of consumers."""
    shared = use("tenant", "request")
    named: list[Json] = [
        {"name": "name", "in": "path", "required": True, "description": "The consumer's name",
         "schema": {"type": "string", "minLength": 1}, "example": "search-index"},
        *shared,
    ]  # fmt: skip
    return {
        "/v1/_changes": {"parameters": shared, "get": _changes(entities)},
        "/v1/_consumers": {"parameters": shared, "get": _list(), "post": _create()},
        "/v1/_consumers/{name}": {"parameters": named, "get": _show(), "delete": _drop()},
        "/v1/_consumers/{name}/changes": {"parameters": named, "get": _read(entities)},
        "/v1/_consumers/{name}/_ack": {"parameters": named, "post": _acknowledge()},
    }


def operation(name: str, about: str, given: list[Json], responses: Tree) -> Tree:
    """An operation that is of no entity."""
    return {"operationId": name, "summary": about, "tags": ["records"], "parameters": given,
            "responses": responses}  # fmt: skip


def item(seq: int, entity: str) -> Tree:
    """A change as it may look."""
    after: Tree = {"id": "one", "revision": "01kg9n2v6c3t4w5x6y7z8a9b0c"}
    return {
        "seq": seq, "id": "01kg9n2v6c3t4w5x6y7z8a9b0c", "aggregatetype": entity,
        "aggregateid": "one", "type": "created", "at": AT, "actor": "key:agents",
        "payload": {"op": "c", "before": None, "after": after},
    }  # fmt: skip


def _entities(entities: Sequence[str]) -> Json:
    listed: Tree = {"type": "array", "items": {"enum": list(entities)}}
    return {"name": "entities", "in": "query", "description": "The changes of these alone",
            "style": "form", "explode": False, "schema": listed}  # fmt: skip


def _page(entities: Sequence[str]) -> Tree:
    sample: Tree = {"items": [item(7, entities[0])], "next_after": 7, "head": 9}
    return answer("Changes in order", ref(PAGE), example=sample)


def _changes(entities: Sequence[str]) -> Tree:
    told = _page(entities)
    events: Tree = {"type": "string", "description": "Server-sent events"}
    content = told["content"]
    assert isinstance(content, dict)  # noqa: S101
    content[EVENTS_TYPE] = {
        "schema": events, ITEM: ref(CHANGE), "example": "retry: 1000\n\nid: 7\n\n",
    }  # fmt: skip
    given = [*use("after", "changes", "wait", "last"), _entities(entities)]
    found = operation("changes", "The feed of changes", given,
                      {"200": told, **problems(FEED, 410)})  # fmt: skip
    return found | {"description": _EVENTS}


def _list() -> Tree:
    page = whole(items={"type": "array", "items": ref(CONSUMER)})
    told = answer("All of them", page, example={"items": [_sample()]})
    return operation("consumersList", "The consumers there are", [],
                     {"200": told, **problems(DESK)})  # fmt: skip


def _create() -> Tree:
    name: Tree = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
    asked = whole(name=name, after={**SEQ, "default": 0}) | {"required": ["name"]}
    told = answer("Made", ref(CONSUMER), "Location", example=_sample())
    found = operation("consumersCreate", "Keep a place in the feed", [],
                      {"201": told, **problems(CONSUME, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(asked, {"name": "search-index", "after": 0})}


def _show() -> Tree:
    told = answer("The consumer", ref(CONSUMER), example=_sample())
    return operation("consumersShow", "One consumer", [], {"200": told, **problems(DESK, 404)})


def _drop() -> Tree:
    return operation("consumersDelete", "Forget a consumer", [],
                     {"204": answer("Gone"), **problems(DESK, 404)})  # fmt: skip


def _read(entities: Sequence[str]) -> Tree:
    given = [*use("changes", "wait"), _entities(entities)]
    return operation("consumersChanges", "Changes after what was acknowledged", given,
                     {"200": _page(entities), **problems(PLACE, 404, 410)})  # fmt: skip


def _acknowledge() -> Tree:
    told = answer("Where it is now", ref(CONSUMER), example=_sample())
    found = operation("consumersAck", "All up to a number is done", [],
                      {"200": told, **problems(ACKNOWLEDGE, 404, 408, 413, 415)})  # fmt: skip
    return found | {"requestBody": body(whole(seq=SEQ), {"seq": 7})}


def _sample() -> Tree:
    return {"name": "search-index", "acked": 7, "head": 9, "lag": 2, "missed": 0, "created_at": AT,
            "created_by": "key:agents", "acked_at": AT}  # fmt: skip
