"""Serves the front door with uvicorn, and ends it cleanly."""

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn

from hookyard.bootstrap import Yard
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.heads import GuardedProtocol, protocol_for
from hookyard.entrypoints.http.lane import lane_for
from hookyard.entrypoints.http.traced import TracedWebhookApp

log = structlog.get_logger("hookyard")


BACKLOG = 2048


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured: `stop` of `serve` is the one way to end it."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # why: asyncio sends without delay (TCP_NODELAY) only where the protocol is named; otherwise
    # head and body of an answer are 40 ms apart on a connection that is kept.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def server_for(front: Front) -> uvicorn.Server:
    """A server without access log, proxy headers, lifespan or websockets: none is used here."""
    config = uvicorn.Config(
        front,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        http=protocol_of(front),
        ws="none",
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        limit_concurrency=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=64 * 1024,
    )
    return _Server(config)


def protocol_of(front: Front) -> type[GuardedProtocol]:
    """What speaks HTTP on each connection. Traced deliveries all go the ordinary way."""
    refused = front.webhooks.count_malformed
    if isinstance(front.webhooks, TracedWebhookApp):
        return protocol_for(refused)
    return lane_for(front.webhooks, refused)


async def serve(
    yard: Yard,
    front: Front,
    bound: socket.socket,
    stop: asyncio.Event,
    patience_s: Callable[[], float] | None = None,
) -> None:
    """Answer requests until `stop` is set, then let the running ones end.

    `patience_s` says, once `stop` is set, how long they may take.
    """
    server = server_for(front)
    flushing = [
        asyncio.create_task(front.rejections.run(yard.database)),
        asyncio.create_task(front.trail.run()),
    ]
    serving = asyncio.create_task(server.serve([bound]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if patience_s is not None:
            server.config.timeout_graceful_shutdown = math.ceil(patience_s())
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        for task in flushing:
            task.cancel()
        await front.rejections.flush(yard.database)
        await front.trail.flush()
