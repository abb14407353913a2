"""How the document shows the pages about the process itself."""

from typing import Any

from hookyard.entrypoints.http.problems import MEDIA_TYPE

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_JSON = "application/json"
_STATE = {
    "type": "object",
    "required": ["ready", "reasons"],
    "properties": {
        "ready": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
}
_DEPENDENCY = {
    "type": "object",
    "required": ["healthy", "latency_ms", "reason"],
    "properties": {
        "healthy": {"type": "boolean"},
        "latency_ms": {"type": "number"},
        "reason": {"type": ["string", "null"]},
    },
}
_WARNING = {
    "type": "object",
    "required": ["code", "subject"],
    "properties": {"code": {"type": "string"}, "subject": {"type": "string"}},
}
_HEALTH = {
    "type": "object",
    "required": ["healthy", "dependencies", "worker", "clock_offset_ms", "warnings"],
    "properties": {
        "healthy": {"type": "boolean"},
        "dependencies": {"type": "object", "additionalProperties": _DEPENDENCY},
        "worker": {"enum": ["running", "stopped", "none"]},
        "tokens": {"type": "object"},
        "clock_offset_ms": {"type": ["integer", "null"]},
        "warnings": {"type": "array", "items": _WARNING},
    },
}
_ALIVE = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"const": "alive"}},
}


def _operation(
    name: str, about: str, media_type: str, schema: dict[str, Any], *more: tuple[str, str, bool]
) -> dict[str, Any]:
    """A GET; `more` are further statuses: number, meaning, whether it is a problem."""
    content = {media_type: {"schema": schema}}
    responses: dict[str, Any] = {"200": {"description": about, "content": content}}
    for status, meaning, is_problem in more:
        responses[status] = {
            "description": meaning,
            "content": _PROBLEM if is_problem else content,
        }
    return {
        "get": {
            "operationId": name,
            "summary": about,
            "tags": ["process"],
            "responses": responses,
            "security": [],
        }
    }


_HTML = {"type": "string"}
PLAIN: dict[str, Any] = {
    "/": _operation("start", "What runs here, for people", "text/html", _HTML),
    "/docs": _operation("docs", "This documentation, for people", "text/html", _HTML),
    "/openapi.json": _operation("openapi", "This document", _JSON, {"type": "object"}),
    "/health": _operation("health", "The process is alive", _JSON, _ALIVE),
    "/readyz": _operation(
        "readyz", "It can serve", _JSON, _STATE, ("503", "It cannot; `reasons` say why", False)
    ),
    "/healthz": _operation(
        "healthz", "Every dependency", _JSON, _HEALTH, ("503", "Something is not healthy", False)
    ),
    "/metrics": _operation(
        "metrics",
        "Prometheus metrics: open to clients on this machine, else for `metrics.read`",
        "text/plain",
        _HTML,
        ("401", "Not from this machine, and no valid credential was sent.", True),
        ("403", "The caller may not do this.", True),
    ),
}
