"""What operations share in the document: parameters, headers of answers, problems. Pure."""

import json

from hookyard.features.records.documents.codes import BAD_REQUEST, CONFLICTS, MEANINGS, OTHERS
from hookyard.features.records.documents.examples import Tree
from hookyard.kit.json import Json

JSON_TYPE, PROBLEM_TYPE = "application/json", "application/problem+json"
LINES_TYPE, EVENTS_TYPE = "application/x-ndjson", "text/event-stream"
ITEM = "x-item-schema"
"""What one line, or the data of one event, holds: `itemSchema` of OpenAPI 3.2, which is no word of
3.1."""

HEADERS: dict[str, Tree] = {
    "ETag": {"description": "The revision, as an entity tag", "schema": {"type": "string"}},
    "Location": {"description": "Where the record is", "schema": {"type": "string"}},
    "X-Request-Id": {
        "description": "The request's own id, or one made for it",
        "schema": {"type": "string"},
    },
    "Idempotency-Expires": {
        "description": "Until when the answer is kept under the key",
        "schema": {"type": "string", "format": "date-time"},
    },
    "X-Idempotent-Replay": {
        "description": "There when this answer was given before",
        "schema": {"const": "true"},
    },
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}},
    "Allow": {"description": "The methods there are", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}},
    "RateLimit": {"description": "Calls left, and when", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "Calls allowed", "schema": {"type": "string"}},
}
_ALWAYS = ("X-Request-Id", "RateLimit", "RateLimit-Policy")
_WITH = {401: ("WWW-Authenticate",), 405: ("Allow",), 409: ("Retry-After",),
         429: ("Retry-After",), 503: ("Retry-After",)}  # fmt: skip

PROBLEM: Tree = {
    "type": "object",
    "description": "An error (RFC 9457). `code` is stable, `detail` is for people; `pointer` is a "
    "JSON pointer into the body, or from the name of a parameter.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string"},
    },
}


def _header(name: str, about: str, **more: Json) -> Tree:
    return {"name": name, "in": "header", "description": about,
            "schema": {"type": "string", **more}}  # fmt: skip


def _query(name: str, about: str, schema: Tree) -> Tree:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def as_json(name: str, about: str, schema: Tree, example: Json) -> Tree:
    """A parameter of the query that is JSON."""
    return {"name": name, "in": "query", "description": about,
            "content": {JSON_TYPE: {"schema": schema, "example": example}}}  # fmt: skip


_FLAG: Tree = {"type": "boolean"}
PARAMETERS: dict[str, Tree] = {
    "tenant": _header("X-Tenant-Id", "The caller's tenant; another is refused"),
    "request": _header(
        "X-Request-Id", "An id to find the request by", pattern="^[A-Za-z0-9._-]{1,64}$"
    ),
    "key": _header(
        "Idempotency-Key", "A fresh one for each request, the same to repeat it",
        minLength=1, maxLength=255, pattern="^[!-~]+$", examples=["create-user-001"],
    ),
    "match": _header("If-Match", "Entity tags of which the record must have one, or *"),
    "absent": _header("If-None-Match", "`*`: only where there is no such record", const="*"),
    "fresh": _header("If-None-Match", "Entity tags that the caller has already"),
    "dry_run": _query("dry_run", "Answer what would be, and leave nothing", _FLAG),
    "limit": _query("limit", "Records on a page", {"type": "integer", "minimum": 1, "maximum": 200,
                                                  "default": 50}),
    "cursor": _query("cursor", "`next_cursor` of the page before", {"type": "string"}),
    "count": _query("count", "Also count all that fits", _FLAG),
    "withDeleted": _query("withDeleted", "Also what was deleted", _FLAG),
    "after": _query("after", "The number of the last change that was read",
                    {"type": "integer", "minimum": 0, "default": 0}),
    "changes": _query("limit", "Changes on a page", {"type": "integer", "minimum": 1,
                                                     "maximum": 500, "default": 50}),
    "aside": _query("limit", "How many at most", {"type": "integer", "minimum": 1,
                                                  "maximum": 200, "default": 50}),
    "wait": _query("wait", "Seconds to wait for the first change, should there be none",
                   {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}),
    "last": _header("Last-Event-ID", "Where a stream goes on, instead of `after`",
                    pattern="^[0-9]{1,18}$"),
}  # fmt: skip


def use(*names: str) -> list[Json]:
    """References to parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def headers(*names: str) -> Tree:
    """References to headers of an answer, those of every answer among them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *_ALWAYS)}


def answer(about: str, schema: Json = None, *names: str, example: Json = None) -> Tree:
    """An answer that is no problem; without a schema it has no body."""
    found: Tree = {"description": about, "headers": headers(*names)}
    if schema is not None:
        media: Tree = {"schema": schema}
        if example is not None:
            media["example"] = example
        found["content"] = {JSON_TYPE: media}
    return found


def lines_answer(about: str, of: Json, example: Json) -> Tree:
    """An answer that is lines of JSON, each of them `of` a schema."""
    return {"description": about, "headers": headers(), "content": as_lines(of, example)}


def problems(kind: str, *statuses: int) -> Tree:
    """The problems of an operation: those of its kind's requests, those of every one, and these."""
    own = {409} if kind in CONFLICTS else set()
    return {
        str(status): {"$ref": f"#/components/responses/{_named(kind, status)}"}
        for status in sorted({400, 401, 403, 429, 431, 503, *own, *statuses})
    }


def responses() -> Tree:
    """Every problem that operations refer to, by name."""
    bad = {_named(kind, 400): problem(400, codes) for kind, codes in BAD_REQUEST.items()}
    taken = {_named(kind, 409): problem(409, codes) for kind, codes in CONFLICTS.items()}
    others = {_named("", status): problem(status, codes) for status, codes in OTHERS.items()}
    return {**bad, **taken, **others}


def _named(kind: str, status: int) -> str:
    return f"problem-{kind}-{status}" if status in (400, 409) else f"problem-{status}"


def problem(status: int, codes: tuple[str, ...]) -> Tree:
    """A problem with the codes it may have."""
    schema: Tree = {
        "$ref": "#/components/schemas/Problem",
        "properties": {"code": {"enum": list(codes)}, "status": {"const": status}},
    }
    told: Tree = {"type": "about:blank", "title": "Problem", "status": status, "code": codes[0],
                  "detail": MEANINGS[status]}  # fmt: skip
    return {
        "description": MEANINGS[status],
        "headers": headers(*_WITH.get(status, ())),
        "content": {PROBLEM_TYPE: {"schema": schema, "example": told}},
    }


def body(schema: Json, example: Json, *, required: bool = True) -> Tree:
    """A request's JSON body."""
    media: Tree = {"schema": schema, "example": example}
    return {"required": required, "content": {JSON_TYPE: media}}


def as_lines(of: Json, example: Json) -> Tree:
    """The content of a body that is lines of JSON, each of them `of` a schema."""
    schema: Tree = {"type": "string", "description": "A JSON object on each line"}
    text = json.dumps(example, separators=(",", ":")) + "\n"
    return {LINES_TYPE: {"schema": schema, ITEM: of, "example": text}}


def ref(name: str) -> Tree:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def whole(**properties: Json) -> Tree:
    """An object with all of these and nothing else."""
    return {"type": "object", "required": list(properties), "properties": dict(properties),
            "additionalProperties": False}  # fmt: skip
