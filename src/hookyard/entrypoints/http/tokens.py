"""A short way for tokens that are there: from the request to the cached answer.

# why: a cached token is asked for before every git call of a fleet, and routing, models and the
# edge's wrapping cost many times what it takes to find the answer. Only a repeated request of a
# caller who was given this very token before goes this way: who they are is checked each time,
# the token is looked up each time, and whatever is unusual takes the ordinary way.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookyard.core.identity.model import Actor
from hookyard.core.tokens.desk import Given, TokenDesk
from hookyard.core.tokens.model import Ask
from hookyard.core.tokens.wire import TokenOut, token_out
from hookyard.entrypoints.http.edge import DEFAULTS, plain_id
from hookyard.entrypoints.http.security import Guard
from hookyard.kit.errors import HookyardError

PREFIXES = ("/tokens/installations/", "/tokens/accounts/")
MAX_BODY = 4_096
REMEMBERED = 4_096
_ENCODE = msgspec.json.Encoder().encode
_JSON = b"application/json"
_USUAL = (*DEFAULTS, (b"content-type", _JSON))
_UNUSUAL = frozenset({b"cookie", b"content-encoding", b"expect", b"x-tenant-id"})

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


class _Key(NamedTuple):
    """What makes two requests the same."""

    method: str
    path: str
    query: bytes
    credential: bytes
    body: bytes


class _Known(NamedTuple):
    """What was given to whom, and the answer that says so."""

    actor: Actor
    ask: Ask
    given: Given
    answer: bytes


class TokenLane:
    """Wraps the API; answers repeated requests for tokens itself.

    `new_id` makes request ids, `observe` hears of what is answered here.
    """

    def __init__(
        self,
        api: ASGIApp,
        guard: Guard,
        desk: TokenDesk,
        new_id: Callable[[], str],
        observe: Callable[[str, float], None],
    ) -> None:
        self._api = api
        self._guard = guard
        self._desk = desk
        self._new_id = new_id
        self._observe = observe
        self._known: OrderedDict[_Key, _Known] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        credential, request_id, is_usual = _read(scope["headers"], scope["method"])
        first: Message | None = None
        body = b""
        if is_usual and scope["method"] == "POST":
            first = await receive()
            body = first.get("body", b"")
            is_usual = not first.get("more_body", False) and len(body) <= MAX_BODY
        if not is_usual:
            await self._api(scope, _again(first, receive), send)
            return
        key = _Key(scope["method"], scope["path"], scope["query_string"], credential, body)
        known = self._known.get(key)
        if known is not None and await self._holds(known, credential):
            await self._answer(known, request_id, send)
            return
        state = scope.setdefault("state", {})
        await self._api(scope, _again(first, receive), send)
        self._remember(key, state.get("token_given"))

    async def _holds(self, known: _Known, credential: bytes) -> bool:
        try:
            actor = await self._guard.actor_of(credential.decode("latin-1"))
        except HookyardError:
            return False
        is_same = actor == known.actor and actor.facts == known.actor.facts
        # why: an engine of policies may have changed its mind; it is asked on the ordinary way.
        return (
            is_same
            and actor.authorizer is None
            and self._desk.holds(known.ask, known.given)
            and self._guard.may_spend(actor)
        )

    async def _answer(self, known: _Known, request_id: bytes, send: Send) -> None:
        self._observe("cached", 0.0)
        headers = [
            *_USUAL,
            (b"content-length", b"%d" % len(known.answer)),
            (b"x-request-id", request_id or self._new_id().encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": known.answer})

    def _remember(self, key: _Key, found: tuple[Actor, Ask, Given] | None) -> None:
        """Note what the ordinary way gave, as it left it on the request."""
        self._known.pop(key, None)
        if found is None:
            return
        actor, ask, given = found
        out: TokenOut = token_out(given, cached=True)
        self._known[key] = _Known(actor, ask, given, _ENCODE(out))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _read(headers: Headers, method: str) -> tuple[bytes, bytes, bool]:
    """The credential, the caller's request id, and whether the request is of the usual kind."""
    credential = request_id = b""
    is_usual = method in ("GET", "POST")
    for name, value in headers:
        if name == b"authorization":
            is_usual = is_usual and not credential
            credential = value
        elif name == b"x-request-id":
            request_id = plain_id(value)
        elif name in _UNUSUAL or (name == b"content-type" and value != _JSON):
            is_usual = False
    return credential, request_id, is_usual and bool(credential)


def _again(first: Message | None, receive: Receive) -> Receive:
    """A `receive` that gives the message that was read once more, and then what comes."""
    if first is None:
        return receive
    waiting = [first]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
