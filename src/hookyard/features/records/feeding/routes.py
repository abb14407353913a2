"""Calls told apart by path and method, for desks with a handful of routes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.query.params import read_query
from hookyard.features.records.trouble import wrong
from hookyard.kit.errors import MethodNotAllowed, NotFound

Handler: TypeAlias = Callable[[Call, str], Awaitable[Reply]]
Routes: TypeAlias = Mapping[str, Mapping[str, Handler]]
"""Handlers by method, by the path after the desk's own segment: "", "*", "*/word"."""


async def routed(routes: Routes, call: Call) -> Reply:
    """The answer of whatever handles a call; `*` stands for one segment, which is handed on."""
    rest = call.segments[1:]
    name = rest[0] if rest else ""
    by_method = routes.get("/".join(("*", *rest[1:])) if rest else "")
    if by_method is None or (rest and not name):
        raise NotFound
    handler = by_method.get("GET" if call.method == "HEAD" else call.method)
    if handler is None:
        raise MethodNotAllowed(allowed=", ".join(by_method))
    if call.key is not None:
        raise wrong("/header/idempotency-key", "idempotency_key_not_taken", "no key is taken here")
    if call.method not in ("GET", "HEAD"):
        read_query(call.query, frozenset())
    return await handler(call, name)
