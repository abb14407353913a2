"""Paths that name a repository by its id: `/repositories/{id}/…` is `/repos/{owner}/{name}/…`."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from hookyard_sandbox.github.state import World

_PATH = re.compile(r"(/api/v3)?/repositories/([0-9]{1,18})(/.*)?")


class ById:
    """Middleware that rewrites such paths; ids of no repository are left alone and not found."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is not None:
            prefix, number, rest = found.groups(default="")
            with self._world.lock:
                it = self._world.repository_by_id(int(number))
            if it is not None:
                scope = {**scope, "path": f"{prefix}/repos/{it.full_name}{rest}"}
        await self._app(scope, receive, send)
