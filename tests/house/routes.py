"""Rules on routes: each declares its action, or is on the short list of those open to all."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from fastapi.routing import APIRoute
from starlette.routing import Route

from hookyard.core.identity.model import Action
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.openapi import action_of

# Why each of these asks for no right.
OPEN: Mapping[tuple[str, str], str] = {
    ("GET", "/"): "the start page: version and addresses of sources, nothing of anybody's",
    ("GET", "/docs"): "the API's description is public",
    ("GET", "/openapi.json"): "the API's description is public",
    ("GET", "/health"): "alive or not, for whoever starts and stops the process",
    ("GET", "/readyz"): "ready or not, for whoever sends requests here",
    ("GET", "/healthz"): "dependencies by name and latency, no addresses",
    ("GET", "/metrics"): "open to this machine; else the page itself asks for metrics.read",
    ("GET", "/blobs/{key:path}"): "the link is signed, ends soon, and is its own credential",
    ("GET", "/auth/github"): "sign-in: nobody is known yet",
    ("GET", "/auth/callback"): "sign-in: proved by state, and what the issuer says",
    ("GET", "/auth/oidc/login"): "sign-in: nobody is known yet",
    ("GET", "/auth/oidc/callback"): "sign-in: proved by state, and what the issuer says",
    ("GET", "/setup"): "shows nothing before there is an App, and asks for secrets.write after",
    ("POST", "/setup"): "the form holds the admin key, and the page asks for secrets.write by it",
    ("GET", "/setup/callback"): "proved by state and cookie of whoever began it with that key",
    ("GET", "/setup/result"): "proved by the same cookie; tells of the App that browser made",
    ("POST", "/auth/logout"): "ends the session that is shown, and no other",
}
# What the front door hands to something other than the framework, by the name of its prefix.
PLAIN: Mapping[str, str] = {
    "PREFIX": "webhooks: proved by the signature of the source",
    "RECORDS": "the gateway asks for the rights that each entity declares",
    "TOKENS": "goes before the framework's own routes, which declare their actions",
}


def flattened(routes: Iterable[object]) -> Iterator[object]:
    """Every route, those of included routers in their place."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from flattened(included.routes)


def undeclared(front: Front) -> list[str]:
    """Routes without an action that are not on the list, and entries of the list without one."""
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    known = {action.value for action in Action}
    for route in flattened(front.app.router.routes):
        if isinstance(route, APIRoute):
            action = action_of(route)
            if action not in known:
                found.append(f"{route.path}: declares {action!r}, which is no action")
        elif isinstance(route, Route):
            methods = sorted((route.methods or set()) - {"HEAD"})
            seen |= {(method, route.path) for method in methods}
            found += [
                f"{method} {route.path}: no action, and not on the list"
                for method in methods
                if (method, route.path) not in OPEN
            ]
        else:
            found.append(f"{route!r}: neither a route of the API nor a page")
    found += [f"{method} {path}: on the list, and gone" for method, path in set(OPEN) - seen]
    return found


def plain_ways(source: str) -> list[str]:
    """Prefixes that a front door hands away and that are not on the list."""
    return [
        ast.unparse(argument)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("startswith", "fullmatch", "match")
        for argument in node.args
        if ast.unparse(argument) not in PLAIN
    ]


def front_door() -> str:
    """The text of what decides where a request goes."""
    return textwrap.dedent(inspect.getsource(Front.__call__))
