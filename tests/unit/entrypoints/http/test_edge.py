"""The edge: what it lets through, refuses, and puts on every answer."""

import json
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from hookyard.entrypoints.http.bodies import BodyBudget
from hookyard.entrypoints.http.edge import Edge
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

Message = MutableMapping[str, Any]
JSON = (b"content-type", b"application/json")


class Echo:
    """Answers with the body it got, and keeps what the log would know."""

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.bodies: list[bytes] = []
        self.context: Mapping[str, Any] = {}
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append((await receive()).get("body", b""))
        self.context = dict(structlog.contextvars.get_contextvars())
        await send({"type": "http.response.start", "status": 200, "headers": list(self._headers)})
        await send({"type": "http.response.body", "body": b"ok"})


async def ask(
    edge: Edge, method: str, headers: tuple[tuple[bytes, bytes], ...], *chunks: bytes
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of an answer; status 0 when there was none."""
    waiting: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ] or [{"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await edge({"type": "http", "method": method, "headers": headers}, receive, send)
    if not sent:
        return 0, {}, b""
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def make(app: Echo, budget: BodyBudget | None = None) -> Edge:
    return Edge(app, IdMaker(), ManualClock(), max_body=100, budget=budget)


async def test_body_arrives_whole_however_it_was_cut() -> None:
    app, budget = Echo(), BodyBudget(1_000)
    status, _, _ = await ask(make(app, budget), "POST", (JSON,), b'{"a"', b":", b"1}")
    assert (status, app.bodies) == (200, [b'{"a":1}'])
    assert budget.used == 0


async def test_body_over_the_cap_never_reaches_the_app() -> None:
    app, budget = Echo(), BodyBudget(1_000)
    status, headers, body = await ask(make(app, budget), "POST", (JSON,), b"x" * 60, b"x" * 60)
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert headers[b"connection"] == b"close"
    announced = (JSON, (b"content-length", b"101"))
    assert (await ask(make(app, budget), "POST", announced, b""))[0] == 413
    assert (app.bodies, budget.used) == ([], 0)


async def test_full_budget_asks_to_come_back() -> None:
    app, budget = Echo(), BodyBudget(10)
    status, headers, _ = await ask(make(app, budget), "POST", (JSON,), b"x" * 20)
    assert (status, headers[b"retry-after"]) == (503, b"2")
    assert app.bodies == []


async def test_only_one_json_type_is_taken() -> None:
    app, budget = Echo(), BodyBudget(1_000)
    refused: tuple[tuple[tuple[bytes, bytes], ...], ...] = (
        (),
        ((b"content-type", b"text/json"),),
        ((b"content-type", b"application/jsonx"),),
        (JSON, JSON),
    )
    for headers in refused:
        assert (await ask(make(app, budget), "POST", headers, b"{}"))[0] == 415
    assert (app.bodies, budget.used) == ([], 0)
    for kind in (b"application/problem+json", b"APPLICATION/JSON; charset=utf-8"):
        assert (await ask(make(app), "POST", ((b"content-type", kind),), b"{}"))[0] == 200
    assert (await ask(make(app), "POST", (), b""))[0] == 200


async def test_client_that_left_gets_nothing() -> None:
    app = Echo()
    assert (await ask(make(app), "POST", (JSON,)))[0] == 0
    assert app.bodies == []


async def test_request_id_is_kept_when_plain_and_made_when_not() -> None:
    app = Echo()
    _, headers, _ = await ask(make(app), "GET", ((b"x-request-id", b"trace.7"),), b"")
    assert headers[b"x-request-id"] == b"trace.7"
    assert app.context["request_id"] == "trace.7"
    for unfit in (b"", b"a b", b"x" * 65, b'"<script>'):
        _, headers, _ = await ask(make(app), "GET", ((b"x-request-id", unfit),), b"")
        assert len(headers[b"x-request-id"]) == 26
    assert structlog.contextvars.get_contextvars() == {}


async def test_headers_of_a_route_win_over_the_defaults() -> None:
    own = ((b"content-security-policy", b"default-src 'self'"),)
    _, headers, _ = await ask(make(Echo(own)), "GET", (), b"")
    assert headers[b"content-security-policy"] == b"default-src 'self'"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
