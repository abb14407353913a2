"""What precedes a request's body, kept small: a protocol for uvicorn that refuses long heads.

# why: the parser under uvicorn grows with the head it is sent; a stranger could fill the memory
# with one header that never ends. What cannot be parsed at all is answered as a problem, too.
"""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hookyard.core.ingress.model import Refusal
from hookyard.entrypoints.http.problems import problem
from hookyard.kit.streaming import ABORT

MAX_HEAD = 64 * 1024
TOO_LONG = Refusal(431, "head_too_large", f"Address and headers are over {MAX_HEAD} bytes.")
MALFORMED = Refusal(400, "malformed_request", "This is not an HTTP request.")


class HeadTooLong(ValueError):
    """Raised inside the parser to stop it."""


class Joined:
    """A transport that sends a head together with the body that follows it.

    # why: the server writes them one after the other, and each write is a system call here and a
    # wake-up at the other end. A head whose body takes its time leaves at the end of the turn.
    """

    __slots__ = ("_held", "_inner", "_loop")

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop
        self._held: bytes | None = None

    def write(self, data: bytes) -> None:
        """Keep a head for a moment; send anything else, with the head that waits for it."""
        if self._held is not None:
            held, self._held = self._held, None
            self._inner.write(held + data)
        elif data.startswith(b"HTTP/1.1 "):
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            self._inner.write(data)

    def write_whole(self, data: bytes) -> None:
        """Send a head and its body that are one piece already."""
        self._flush()
        self._inner.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._inner.close()

    def _flush(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            if not self._inner.is_closing():
                self._inner.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `refused` hears of every request that did not get as far as a route.

    `between` tells that the parser holds no part of a request.
    """

    refused: ClassVar[Callable[[Refusal], None]]
    between = True
    _in_head = True
    _size = 0
    _suspect = False
    _closed = False
    joined: Joined

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.joined = Joined(transport, self.loop)
        self.transport = self.joined  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Count what arrives before a head is complete; the parser may hold that and no more."""
        if self._closed:
            return
        began_in_head = self._in_head
        # why: a head that arrived within the limit needs no measuring.
        self._suspect = self._size + len(data) > MAX_HEAD
        super().data_received(data)
        if not self._in_head:
            self._size = 0
        elif began_in_head:
            self._size += len(data)
            if self._size > MAX_HEAD:
                self._refuse(TOO_LONG)

    def on_message_begin(self) -> None:
        self._in_head = True
        self.between = False
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"call": self._abort}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        self.check_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.between = True
        super().on_message_complete()

    def _abort(self) -> None:
        """Drop the connection and what was not sent: for an answer whose reader does not read."""
        self.transport.abort()

    def check_head(self) -> None:
        """HeadTooLong when a head that may be too long is."""
        if self._suspect:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MAX_HEAD:
                self._size = size
                raise HeadTooLong

    def send_400_response(self, msg: str) -> None:
        """Called for whatever the parser stumbles over."""
        self._refuse(TOO_LONG if self._size > MAX_HEAD else MALFORMED)

    def _refuse(self, refusal: Refusal) -> None:
        if self._closed:
            return
        self._closed = True
        type(self).refused(refusal)
        # why: an answer that is under way on this connection must not be mixed with this one.
        if self.cycle is None or self.cycle.response_complete:
            body = problem(refusal.status, refusal.code, refusal.detail)
            reason = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: application/problem+json\r\n"
                b"content-length: %d\r\nx-content-type-options: nosniff\r\n"
                b"connection: close\r\n\r\n%b"
                % (refusal.status, reason[refusal.status], len(body), body)
            )
        self.transport.close()


def protocol_for(refused: Callable[[Refusal], None]) -> type[GuardedProtocol]:
    """The protocol of one front door, which counts what it refuses."""
    return type("FrontProtocol", (GuardedProtocol,), {"refused": staticmethod(refused)})
