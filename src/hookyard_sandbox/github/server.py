"""Serving the simulated GitHub from a thread, with connections that faults can reset."""

import asyncio
import socket
import struct
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """The open connections of a server by the client's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """A protocol class that keeps track of its connections here."""
        known = self._open

        class Tracked(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                known[transport.get_extra_info("peername")[:2]] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    known.pop(self.client, None)
                super().connection_lost(exc)

        return Tracked

    async def drop(self, request: Request) -> None:
        """Reset the connection a request came on, and wait until it is gone."""
        if request.client is None:
            raise ConnectionResetError("no connection to break")
        transport = self._open[(request.client.host, request.client.port)]
        # why: lingering for 0 seconds makes the kernel send RST instead of FIN.
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
        message = await request.receive()
        while message["type"] != "http.disconnect":
            message = await request.receive()


class Server:
    """One application on one loopback port. Port 0 picks a free one."""

    def __init__(self, app: Starlette, connections: Connections, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(128)
        config = uvicorn.Config(
            app,
            http=connections.protocol(),
            loop="asyncio",
            lifespan="off",
            date_header=False,
            server_header=False,
            access_log=False,
            log_config=None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="sandbox-github", daemon=True)

    @property
    def port(self) -> int:
        """The port in use; the kernel queues connections from the first moment."""
        number: int = self._socket.getsockname()[1]
        return number

    def start(self) -> None:
        """Serve from a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
