"""A short way for ordinary deliveries: from the socket straight to the webhook route.

# why: parsing every header through callbacks and an ASGI cycle for each request (scope, events,
# a task that waits for a body that is there already) cost more than checking a signature. Only
# what is plain goes this way: a POST to a configured address without a query, each header once
# and written the usual way, a body of known length, all in one read and nothing after it.
# Everything else takes the ordinary way; no byte of it was looked at twice by two parsers.
"""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import ClassVar

from hookyard.core.ingress.model import Refusal
from hookyard.entrypoints.http.heads import MAX_HEAD, GuardedProtocol
from hookyard.entrypoints.http.webhooks import LARGE, PREFIX, Reply, WebhookApp

_START = b"POST " + PREFIX.encode()
_END = b" HTTP/1.1"
_PRINTABLE = bytes(range(0x20, 0x7F))
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te"})
_REMEMBERED = 1_024
_NOSNIFF = b"x-content-type-options: nosniff"
_SHORT_LINE = 128
_STATUS = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


class _Turn:
    """Stands where uvicorn keeps the cycle of a request under way, so that pipelined requests,
    shutdown and a lost connection are handled as for any other."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    def __init__(self, protocol: "LaneProtocol") -> None:
        self._protocol = protocol
        self.keep_alive = True
        self.response_complete = False
        self.disconnected = False

    @property
    def message_event(self) -> "_Turn":
        return self

    def set(self) -> None:
        """Nobody waits for more of the message."""

    def answer(self, reply: Reply) -> None:
        """Write the answer, and be done."""
        self._protocol.answer(self, reply)


class LaneProtocol(GuardedProtocol):
    """One connection; `webhooks` answers what goes the short way."""

    webhooks: ClassVar[WebhookApp]
    _idle_since: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if not data.startswith(_START) or not self._taken(data):
            super().data_received(data)

    def _taken(self, data: bytes) -> bool:
        """Take a plain delivery the short way; False when it is anything else."""
        if not self.between or self._closed or self.flow.write_paused:
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            return False
        first, *lines = data[:end].split(b"\r\n")
        if not first.endswith(_END):
            return False
        headers = _headers(lines)
        if headers is None:
            return False
        length = headers.get(b"content-length", b"")
        if (
            not length.isdigit()
            or len(length) > 7
            or int(length) != len(data) - end - 4
            or len(data) > LARGE
            or not _SPECIAL.isdisjoint(headers)
            or headers.get(b"connection", b"keep-alive") != b"keep-alive"
            or len(self.connections) >= (self.limit_concurrency or len(self.connections) + 1)
        ):
            return False
        endpoint = self.webhooks.endpoint_at(first[5:-9].decode("latin-1"))
        if endpoint is None:
            return False
        self._unset_keepalive_if_required()
        turn = _Turn(self)
        self.cycle = turn  # type: ignore[assignment]
        self.webhooks.take(endpoint, headers, data[end + 4 :], turn.answer)
        return True

    def answer(self, turn: _Turn, reply: Reply) -> None:
        """Write the answer of a request that went the short way."""
        if not turn.disconnected and not self.transport.is_closing():
            closing = not turn.keep_alive or (b"connection", b"close") in reply.more
            self.joined.write_whole(_rendered(reply, closing=closing))
            if closing:
                self.transport.close()
        turn.response_complete = True
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """As in uvicorn, but for one timer that outlives requests."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._look_idle)

    def _unset_keepalive_if_required(self) -> None:
        # why: to begin and cancel a timer for each request costs more than to look at a clock.
        self._idle_since = None
        super()._unset_keepalive_if_required()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def _look_idle(self) -> None:
        self._timer = None
        if self._idle_since is None or self.transport.is_closing():
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0.001:
            self._timer = self.loop.call_later(left, self._look_idle)
        else:
            self.timeout_keep_alive_handler()


_LINES: dict[bytes, tuple[bytes, bytes]] = {}


def _headers(lines: list[bytes]) -> Mapping[bytes, bytes] | None:
    """The headers by lower-case name; None when a name comes twice or a line is unusual.

    # why: senders repeat most of their lines from one delivery to the next, so what a short line
    # means is remembered, for a bounded number of them.
    """
    known = _LINES
    headers: dict[bytes, bytes] = {}
    for line in lines:
        pair = known.get(line)
        if pair is None:
            pair = _pair(line)
            if pair is None:
                return None
            if len(line) <= _SHORT_LINE:
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[line] = pair
        headers[pair[0]] = pair[1]
    return headers if len(headers) == len(lines) else None


def _pair(line: bytes) -> tuple[bytes, bytes] | None:
    """Name and value of `Name: value` in printable ASCII; None for any other line."""
    name, colon, value = line.partition(b": ")
    name = name.lower()
    if not colon or not name or name.translate(None, _TOKEN) or value.translate(None, _PRINTABLE):
        return None
    return name, value.strip()


def _rendered(reply: Reply, *, closing: bool) -> bytes:
    if not reply.more and not closing:
        return b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b\r\n\r\n%b" % (
            _STATUS[reply.status], reply.media_type, len(reply.body), _NOSNIFF, reply.body,
        )  # fmt: skip
    headers = b"".join([b"%b: %b\r\n" % pair for pair in reply.headers()])
    if closing and (b"connection", b"close") not in reply.more:
        headers += b"connection: close\r\n"
    return b"%b%b\r\n%b" % (_STATUS[reply.status], headers, reply.body)


def lane_for(webhooks: WebhookApp, refused: Callable[[Refusal], None]) -> type[LaneProtocol]:
    """The protocol of one front door."""
    parts = {"webhooks": webhooks, "refused": staticmethod(refused)}
    return type("FrontProtocol", (LaneProtocol,), parts)
