"""A fixed rate of deliveries, whether or not the server keeps up: what senders really do.

A closed loop waits for slow answers and so hides queueing. Here every delivery has an intended
instant, its latency counts from that instant, and one that finds no idle connection opens another
(up to a limit, beyond which it waits, and the wait counts).
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import cast

import httptools
import uvloop

from benchmarks.bodies import SMALL, signed
from benchmarks.report import Figures, compare
from benchmarks.servers import WEBHOOKS, Contender, Server, start_all

MOST_CONNECTIONS = 256
PATIENCE_S = 60.0


class Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # why: uvloop's transports do not derive from asyncio's classes.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser at the end of a response."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(self._parser.get_status_code())
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed by the server"))

    async def ask(self, request: bytes) -> int:
        """Send and wait for the status; 0 when the connection is lost or patience runs out."""
        if self.transport is None:
            return 0
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await asyncio.wait_for(self.answer, PATIENCE_S)
        except (ConnectionError, TimeoutError):
            return 0


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from the intended instant, of those acknowledged, in order; and the rest."""

    sorted_ms: list[float]
    errors: int

    def percentile(self, share: float) -> float:
        """The latency that this share did not exceed."""
        if not self.sorted_ms:
            return float("inf")
        last = len(self.sorted_ms) - 1
        return self.sorted_ms[min(last, int(share * len(self.sorted_ms)))]


class Driver:
    """Sends prepared requests at a fixed rate to one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(MOST_CONNECTIONS)
        self._latencies: list[float] = []
        self._errors = 0

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection

    async def _one(self, intended: float, request: bytes) -> None:
        async with self._slots:
            try:
                connection = await self._connection()
            except OSError:
                self._errors += 1
                return
            status = await connection.ask(request)
            if 200 <= status < 300:
                self._latencies.append((time.perf_counter() - intended) * 1000)
                self._idle.append(connection)
            else:
                self._errors += 1
                if connection.transport is not None:
                    connection.transport.close()

    async def run(self, requests: Sequence[bytes], rate: float) -> Latencies:
        """Send all; returns when each has its answer."""
        loop = asyncio.get_running_loop()
        due: asyncio.Queue[float] = asyncio.Queue()
        began = time.perf_counter() + 0.05

        def tick() -> None:
            for number in range(len(requests)):
                intended = began + number / rate
                time.sleep(max(0.0, intended - time.perf_counter()))
                loop.call_soon_threadsafe(due.put_nowait, intended)

        # why: the loop's timers count whole milliseconds, and its lateness would be the servers'.
        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        async with asyncio.TaskGroup() as group:
            for request in requests:
                group.create_task(self._one(await due.get(), request))
        ticking.join()
        for connection in self._idle:
            if connection.transport is not None:
                connection.transport.close()
        return Latencies(sorted(self._latencies), self._errors)


def prepared(port: int, count: int) -> list[bytes]:
    """Whole requests, signed beforehand so that signing does not delay sending."""
    requests = []
    for (given, body), _ in zip(signed(SMALL), range(count), strict=False):
        lines = [f"POST {WEBHOOKS} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in given.items()]
        lines.append(f"Content-Length: {len(body)}")
        requests.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return requests


def drive(server: Server, rate: float, seconds: float) -> Latencies:
    """`rate` deliveries per second for `seconds`."""
    requests = prepared(server.port, round(rate * seconds))

    async def main() -> Latencies:
        return await Driver(server.port).run(requests, rate)

    found = uvloop.run(main())
    server.acks += len(found.sorted_ms)
    server.settle()
    return found


def row(title: str, turns: Sequence[Latencies]) -> dict[str, object]:
    """A contender's medians as a line of the table."""
    percentiles: dict[str, object] = {
        f"p{share} ms": statistics.median(turn.percentile(share / 100) for turn in turns)
        for share in (50, 90, 99)
    }
    return {"contender": title} | percentiles | {"errors": sum(turn.errors for turn in turns)}


def measure(
    figures: Figures, contenders: Sequence[Contender], rate: float, rounds: int, seconds: float
) -> None:
    """Contenders in turn at a fixed rate; p99 of Hookyard against the assembled stack's."""
    found: dict[str, list[Latencies]] = {}
    with ExitStack() as stack:
        servers = start_all(stack, contenders, figures.note)
        for server in servers:
            drive(server, rate, 1)
        for _ in range(rounds):
            for server in servers:
                turn = drive(server, rate, seconds)
                found.setdefault(server.contender.key, []).append(turn)
                said = f"p99 {turn.percentile(0.99):.2f} ms"
                print(f"  open loop {server.contender.title}: {said}", flush=True)
    titles = {server.contender.key: server.contender.title for server in servers}
    heading = f"Open loop, 10k: {rate:g}/s, {rounds} x {seconds:g} s, from the intended instant"
    figures.tables[heading] = [row(titles[key], turns) for key, turns in found.items()]
    if {"hookyard", "assembled"} <= found.keys():
        ours = [turn.percentile(0.99) for turn in found["hookyard"]]
        theirs = [turn.percentile(0.99) for turn in found["assembled"]]
        what = f"p99 at {rate:g}/s, 10k"
        goal = compare(what, titles["assembled"], ours, theirs, 1 / 3, at_least=False)
        figures.goals.append(goal)
