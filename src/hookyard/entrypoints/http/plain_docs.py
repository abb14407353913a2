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
        "vectors": {"enum": ["sqlite-vec", "plain", "pgvector", "arrays", "unknown"]},
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


def _auth(name: str, about: str, method: str, answers: dict[str, str]) -> dict[str, Any]:
    """A route of sign-in; `answers` are statuses and what they mean, problems from 400 on."""
    responses = {
        status: {"description": meaning, **({"content": _AUTH_PROBLEM} if status >= "400" else {})}
        for status, meaning in answers.items()
    }
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": about,
        "tags": ["sign-in"],
        "security": [],
        "responses": responses,
    }
    wanted = _PARAMETERS.get(name.rpartition("_")[2], ())
    if wanted:
        operation["parameters"] = [
            {"name": one, "in": "query", "schema": {"type": "string"}} for one in wanted
        ]
    return {method: operation}


_PARAMETERS = {"begin": ("return_to",), "finish": ("state", "code", "error", "iss")}
_AUTH_PROBLEM = {**_PROBLEM, "text/html": {"schema": {"type": "string"}}}
_BEGIN = {
    "303": "Go to the provider's own page, and keep the short-lived cookie.",
    "400": "`return_to` is not a path of this server.",
    "404": "Signing in this way is not set up.",
    "409": "It is not set up right; the detail says what is missing.",
    "503": "The provider cannot be reached; try again.",
}
_FINISH = {
    "303": "Signed in: go where the sign-in began, with the session cookie.",
    "400": "The sign-in came to nothing; the `code` starts with `signin_`.",
    "401": "Cookies of one name came twice.",
    "404": "Signing in this way is not set up.",
    "409": "It is not set up right; the detail says what is missing.",
    "503": "The provider cannot be reached; begin again.",
}
_LOGOUT = {
    "204": "Nobody is signed in with this cookie any more.",
    "401": "The session had ended before.",
    "403": "The request does not come from our own pages (`csrf`).",
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
    "/auth/github": _auth("github_begin", "Sign in with GitHub", "get", _BEGIN),
    "/auth/callback": _auth("github_finish", "Back from GitHub", "get", _FINISH),
    "/auth/oidc/login": _auth("oidc_begin", "Sign in by OpenID Connect", "get", _BEGIN),
    "/auth/oidc/callback": _auth("oidc_finish", "Back from the issuer", "get", _FINISH),
    "/auth/logout": _auth("logout", "Sign out", "post", _LOGOUT),
    "/metrics": _operation(
        "metrics",
        "Prometheus metrics: open to clients on this machine, else for `metrics.read`",
        "text/plain",
        _HTML,
        ("401", "Not from this machine, and no valid credential was sent.", True),
        ("403", "The caller may not do this.", True),
    ),
}
