"""`/_sandbox/…`: faults, history and the world, for tests and demos in another process.

Not part of GitHub; needs no credential, so serve it on loopback only.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hookyard.kit.json import Json
from hookyard_sandbox.github import people
from hookyard_sandbox.github.acts import ACTS, People
from hookyard_sandbox.github.faults import Fault

if TYPE_CHECKING:
    from hookyard_sandbox.github.app import Gateway


def _json(data: Json, status: int = 200) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json")


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /_sandbox/faults`; `skew_s` alone only moves the clock."""

    kind: str | None = None
    times: int | None = 1
    method: str = "*"
    path: str = "*"
    status: int = 502
    message: str = "Server Error"
    delay_s: float = 1.0
    wait_s: int = 60
    retry_after: bool = True
    skew_s: float | None = None


class Control:
    """The control routes of a gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    async def faults(self, request: Request) -> Response:
        """List, add (POST) or clear (DELETE) faults; answers with those still active."""
        faults = self._gateway.faults
        if request.method == "DELETE":
            faults.clear()
        if request.method == "POST":
            try:
                asked = msgspec.json.decode(await request.body(), type=FaultRequest)
                self._add(asked)
            except (msgspec.DecodeError, ValueError) as error:
                return _json({"message": str(error)}, 422)
        active = [msgspec.to_builtins(fault) for fault in faults.active]
        return _json({"active": active, "skew_s": faults.skew_ms / 1000})

    def _add(self, asked: FaultRequest) -> None:
        faults = self._gateway.faults
        if asked.skew_s is not None:
            faults.skew_ms = int(asked.skew_s * 1000)
        if asked.kind is not None:
            values = msgspec.structs.asdict(asked)
            del values["skew_s"]
            faults.add(Fault(**values))

    async def history(self, request: Request) -> Response:
        """Applied writes, oldest first; any query parameter filters by that fact."""
        world = self._gateway.world
        with world.lock:
            lines = [
                line
                for line in world.history
                if all(str(line.get(k)) == v for k, v in request.query_params.items())
            ]
            return _json({"items": lines})

    async def world(self, _: Request) -> Response:
        """Issues, comments, reactions and check runs as people see them."""
        with self._gateway.world.lock:
            return _json(people.look(self._gateway.world))

    async def act(self, request: Request) -> Response:
        """A person does something: `POST /_sandbox/do/create_issue {"repository": …}`."""
        name = request.path_params["act"]
        somebody = People(self._gateway.world)
        act: Callable[..., object] | None = getattr(somebody, name) if name in ACTS else None
        if act is None:
            return _json({"message": f"no act {name!r}; there are {', '.join(ACTS)}"}, 404)
        try:
            made = act(**msgspec.json.decode(await request.body() or b"{}", type=dict))
        except (TypeError, ValueError, KeyError) as error:
            return _json({"message": str(error)}, 422)
        facts = ("id", "number", "sha", "full_name")
        return _json({k: getattr(made, k) for k in facts if hasattr(made, k)}, 201)

    async def calls(self, _: Request) -> Response:
        """Every API call that was answered: method, path, status."""
        seen: list[Json] = [
            {"method": method, "path": path, "status": status}
            for method, path, status in self._gateway.seen
        ]
        return _json({"items": seen})


def routes(gateway: "Gateway") -> list[Route]:
    """The control routes of a gateway."""
    control = Control(gateway)
    return [
        Route("/_sandbox/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/_sandbox/history", control.history),
        Route("/_sandbox/world", control.world),
        Route("/_sandbox/do/{act}", control.act, methods=["POST"]),
        Route("/_sandbox/calls", control.calls),
    ]
