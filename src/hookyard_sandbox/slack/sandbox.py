"""A simulated Slack on a loopback port, for tests and demos.

# spec: docs.slack.dev, Web API: chat.postMessage, chat.update, conversations.open and
# conversations.history; bot tokens, scopes, `ok` and `error`, 429 with Retry-After.
"""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text, dig
from hookyard_sandbox.github.server import Connections, Server
from hookyard_sandbox.slack.model import Conversation, Fault, Message

SCOPES = frozenset({"chat:write", "im:write", "im:history", "channels:history", "groups:history"})
NEEDS = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.open": "im:write",
}
MAX_TEXT = 40_000


class Refused(Exception):
    """Slack says no, with a word."""

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)


class SlackSandbox:
    """One workspace with one bot. `create_channel` makes channels; people are there at once."""

    def __init__(self, clock: Clock | None = None, *, port: int = 0, token: str = "") -> None:
        self.clock = clock or SystemClock()
        self.token = token or "xoxb-sandbox-1"
        self.scopes = set(SCOPES)
        self.conversations: dict[str, Conversation] = {}
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self._people: dict[str, str] = {}
        self._count = 0
        self._connections = Connections()
        self._port = port
        self._server: Server | None = None
        self.app = Starlette(routes=[Route("/api/{method}", self._call, methods=["POST"])])

    @property
    def api_url(self) -> str:
        """The root of the Web API, as HOOKYARD_SLACK_API_URL takes it."""
        return f"http://127.0.0.1:{self._server.port}/api" if self._server else ""

    def create_channel(self, channel_id: str) -> Conversation:
        """A channel that the bot is in."""
        made = self.conversations[channel_id] = Conversation(channel_id)
        return made

    def with_person(self, user_id: str) -> Conversation:
        """The conversation of the bot with a person; made at first."""
        if user_id not in self._people:
            found = f"D{len(self._people) + 1:08d}"
            self._people[user_id] = found
            self.conversations[found] = Conversation(found)
        return self.conversations[self._people[user_id]]

    def texts(self, conversation_id: str) -> list[str]:
        """What stands in a conversation, oldest first."""
        return [message.text for message in self.conversations[conversation_id].messages]

    def start(self) -> "SlackSandbox":
        """Serve on a loopback port from a thread; connections are accepted at once."""
        self._server = Server(self.app, self._connections, self._port)
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> "SlackSandbox":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.calls.append(method)
        fault = self._fault(method)
        if fault is not None and not fault.applies:
            return await self._broken(request, fault)
        answer = await self._answer(method, request)
        return answer if fault is None else await self._broken(request, fault)

    async def _answer(self, method: str, request: Request) -> Response:
        try:
            body = as_object(json.loads(await request.body()))
        except ValueError:
            body = {}
        try:
            self._admit(method, request, body)
            shown = self._apply(method, body)
        except Refused as refused:
            return JSONResponse({"ok": False, "error": refused.error})
        return JSONResponse({"ok": True, **shown})

    def _admit(self, method: str, request: Request, body: JsonObject) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refused("invalid_auth")
        needed = NEEDS.get(method, "")
        if method == "conversations.history":
            kind = as_text(body.get("channel"))[:1]
            needed = {"D": "im", "G": "groups"}.get(kind, "channels") + ":history"
        if needed and needed not in self.scopes:
            raise Refused("missing_scope")

    def _apply(self, method: str, body: JsonObject) -> JsonObject:
        match method:
            case "chat.postMessage":
                return self._post(body)
            case "chat.update":
                return self._update(body)
            case "conversations.open":
                person = as_text(body.get("users"))
                if not person.startswith(("U", "W")):
                    raise Refused("user_not_found")
                return {"channel": {"id": self.with_person(person).id}}
            case "conversations.history":
                return self._history(body)
        raise Refused("unknown_method")

    def _post(self, body: JsonObject) -> JsonObject:
        there = self._conversation(body)
        if not there.joined:
            raise Refused("not_in_channel")
        if there.archived:
            raise Refused("is_archived")
        self._count += 1
        ts = f"{self.clock.now_ms() // 1000}.{self._count:06d}"
        there.messages.append(Message(ts, _text(body), as_object(body.get("metadata"))))
        return {"channel": there.id, "ts": ts}

    def _update(self, body: JsonObject) -> JsonObject:
        there = self._conversation(body)
        for message in there.messages:
            if message.ts == body.get("ts"):
                message.text, message.edited = _text(body), message.edited + 1
                return {"channel": there.id, "ts": message.ts, "text": message.text}
        raise Refused("message_not_found")

    def _history(self, body: JsonObject) -> JsonObject:
        there = self._conversation(body)
        oldest = float(as_text(body.get("oldest")) or "0")
        limit = min(as_int(body.get("limit")) or 100, 999)
        start = int(as_text(body.get("cursor")) or "0")
        found = [one for one in reversed(there.messages) if float(one.ts) >= oldest]
        shown: list[Json] = []
        for one in found[start : start + limit]:
            message: dict[str, Json] = {"type": "message", "ts": one.ts, "text": one.text}
            if body.get("include_all_metadata") is True and one.metadata:
                message["metadata"] = one.metadata
            shown.append(message)
        more = start + limit < len(found)
        return {
            "messages": shown,
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + limit) if more else ""},
        }

    def _conversation(self, body: JsonObject) -> Conversation:
        there = self.conversations.get(as_text(body.get("channel")))
        if there is None:
            raise Refused("channel_not_found")
        return there

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def _broken(self, request: Request, fault: Fault) -> Response:
        if fault.drops:
            await self._connections.drop(request)
            return Response(status_code=500)
        if fault.retry_after_s is not None:
            said = {"ok": False, "error": "ratelimited"}
            return JSONResponse(said, 429, {"retry-after": str(fault.retry_after_s)})
        if fault.error:
            return JSONResponse({"ok": False, "error": fault.error}, fault.status)
        return Response("trouble", fault.status, media_type="text/plain")


def _text(body: JsonObject) -> str:
    text = as_text(body.get("text"))
    if not text:
        raise Refused("no_text")
    if len(text) > MAX_TEXT:
        raise Refused("msg_too_long")
    event = dig(body, "metadata", "event_type")
    if body.get("metadata") is not None and not isinstance(event, str):
        raise Refused("invalid_metadata_format")
    return text
