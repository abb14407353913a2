"""The OpenAPI document: the framework's, completed with problems, rights and webhooks."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from hookyard import __version__
from hookyard.entrypoints.http.plain_docs import PLAIN
from hookyard.entrypoints.http.problems import MEDIA_TYPE
from hookyard.entrypoints.http.security import Check
from hookyard.entrypoints.http.webhook_docs import webhook_paths

ABOUT = (
    "Self-hosted control plane for code automation. Errors are application/problem+json with a "
    "stable `code`; lists are paged by `cursor`; instants are RFC 3339 in UTC."
)
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "reason"],
                "properties": {"path": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
REASONS = {
    "400": "The request cannot be used as it stands.",
    "401": "No valid credential was sent.",
    "403": "The caller may not do this.",
    "404": "There is nothing here under this name, or not for this caller.",
    "408": "The body did not arrive in time.",
    "409": "The state moved on.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too much at once; come back after `Retry-After` seconds.",
    "503": "Hookyard could not do its part; try again after `Retry-After`.",
}


def problem_response(status: str) -> dict[str, Any]:
    """The description of a problem answer."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": REASONS[status], "content": {MEDIA_TYPE: {"schema": schema}}}


def document(app: FastAPI, routes: Iterable[APIRoute], providers: Iterable[str]) -> dict[str, Any]:
    """The whole document. `routes` are those of the API, with their rights."""
    made = get_openapi(title="Hookyard", version=__version__, description=ABOUT, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    made["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "The admin key or an API key"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "hookyard_session",
            "description": "Set by sign-in, over https as `__Host-hookyard_session`; unsafe "
            "requests also send X-Hookyard-Csrf, which GET /api/me tells",
        },
    }
    for route in routes:
        for method in route.methods or ():
            _complete(made["paths"][route.path_format][method.lower()], route, method)
    if providers := tuple(providers):
        made["paths"].update(webhook_paths(providers))
    made["paths"].update(PLAIN)
    return made


def action_of(route: APIRoute) -> str | None:
    """The right a route names, or None."""
    checks = [dependency.call for dependency in route.dependant.dependencies]
    return next((check.action for check in checks if isinstance(check, Check)), None)


_OF_ROUTE = {
    "regenerate": {"409"},
    "get_install": {"409"},
    "end_pause": {"409"},
    "put_notification_rules": {"409", "429"},
    "stream_notifications": {"409", "429"},
    "explain_access": {"404"},
}
_OF_TAG = {"billing": {"404"}, "tokens": {"404", "429"}, "leases": {"409", "429"}}


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    operation["operationId"] = route.name
    operation["security"] = [{"key": []}, {"session": []}]
    operation["x-hookyard-action"] = action_of(route)
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    found = {"400", "401", "403", "503"}
    if route.param_convertors:
        found.add("404")
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        found |= {"408", "413", "415"}
    if route.name.startswith("replay_"):
        found.add("409")
    found |= _OF_ROUTE.get(route.name, set())
    for tag in route.tags:
        found |= _OF_TAG.get(str(tag), set())
    if "billing" in route.tags and method != "GET":
        found.add("409")
    for status in sorted(found):
        responses[status] = problem_response(status)


def names_of(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(method, path) of every operation."""
    return {
        (verb, path)
        for path, item in document["paths"].items()
        for verb in item
        if verb in ("get", "post", "put", "patch", "delete")
    }
