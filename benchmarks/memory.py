"""Does memory stay flat over many deliveries, and bounded under hostile ones?

Flat: 200,000 distinct deliveries are sent as fast as they are taken while resident memory is
sampled; the last tenth is held against the second (the first fills caches and arenas).

Bounded: 64 connections each send a body of just the 25 MiB that are allowed, slowly and with a
forged signature, all of it but the last byte, and stay; what Hookyard must then hold is at most
connections x cap above what it held before. Then as many send chunks without end, and have to be
turned away.
"""

import asyncio
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from benchmarks import load
from benchmarks.bodies import SMALL, headers
from benchmarks.report import Figures, Goal
from benchmarks.servers import WEBHOOKS, Contender, NotMeasured, Server, running

CAP = 25 * 1024 * 1024
ATTACKERS = 64
PIECE = 256 * 1024


class Sampler:
    """Resident megabytes of a server, taken twice a second in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.taken: list[float] = []

    def _sample(self) -> None:
        while not self._stop.wait(0.5):
            self.taken.append(self._server.rss_mb())

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def tenth(samples: list[float], number: int) -> float:
    """Median of one tenth of the samples, counted from 0."""
    size = max(1, len(samples) // 10)
    chosen = samples[number * size : (number + 1) * size] or samples[-size:]
    return statistics.median(chosen)


def flat(server: Server, deliveries: int) -> tuple[dict[str, object], Goal]:
    """Send that many; memory at the start, early, late, and after the backlog is done."""
    idle, sent = server.rss_mb(), 0
    began = time.monotonic()
    with Sampler(server) as sampler:
        while sent < deliveries:
            seen = load.run(server.url, SMALL, 4)
            sent += seen.acks
            if not seen.acks:
                raise NotMeasured(f"{server.contender.title} acknowledged nothing for 4 s")
    server.acks += sent
    took = time.monotonic() - began
    server.settle()
    early, late = tenth(sampler.taken, 1), tenth(sampler.taken, 9)
    row: dict[str, object] = {
        "deliveries": sent,
        "seconds": took,
        "idle MB": idle,
        "second tenth MB": early,
        "last tenth MB": late,
        "peak MB": max(sampler.taken),
        "settled MB": server.rss_mb(),
    }
    what = f"memory, last tenth of {sent:,}"
    return row, Goal(what, "second tenth", late / early, 1.1, at_least=False)


@dataclass(slots=True)
class Attack:
    """64 clients that send slowly; `answers` counts statuses, or how a connection ended."""

    port: int
    seconds: float
    answers: Counter[str]

    def head(self, framing: str) -> bytes:
        """A request's head with a signature of the right shape and no truth."""
        lines = [f"POST {WEBHOOKS} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", framing]
        lines += [f"{name}: {value}" for name, value in headers("issues", "ab" * 32).items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    async def answer(self, reader: asyncio.StreamReader) -> str:
        """The status, or how the connection ended without one."""
        try:
            line = await asyncio.wait_for(reader.readline(), 30)
        except ConnectionError:
            return "closed"
        except TimeoutError:
            return "no answer"
        return line.split()[1].decode() if line else "closed"

    async def slow(self, held: asyncio.Barrier, let_go: asyncio.Event) -> None:
        """Everything but the last byte, then the byte when told to."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        pieces = CAP // PIECE
        try:
            writer.write(self.head(f"Content-Length: {CAP}"))
            for number in range(pieces):
                writer.write(b" " * (PIECE - (number == pieces - 1)))
                await writer.drain()
                await asyncio.sleep(self.seconds / pieces)
        except ConnectionError:
            pass
        await held.wait()
        await let_go.wait()
        if not writer.is_closing():
            writer.write(b"}")
        self.answers[await self.answer(reader)] += 1
        writer.close()

    async def endless(self) -> None:
        """Chunk after chunk until turned away, or until twice the cap went through."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = asyncio.ensure_future(self.answer(reader))
        chunk = b"%x\r\n" % PIECE + b"[" * PIECE + b"\r\n"
        try:
            writer.write(self.head("Transfer-Encoding: chunked"))
            for _ in range(2 * CAP // PIECE):
                if answer.done():
                    break
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        self.answers[await answer] += 1
        writer.close()


async def besiege(server: Server, seconds: float, figures: dict[str, object]) -> None:
    """Both attacks, one after the other; memory is noted while all are held."""
    held, let_go = asyncio.Barrier(ATTACKERS + 1), asyncio.Event()
    slow = Attack(server.port, seconds, Counter())
    async with asyncio.TaskGroup() as group:
        for _ in range(ATTACKERS):
            group.create_task(slow.slow(held, let_go))
        await held.wait()
        await asyncio.sleep(1)
        figures["all held MB"] = await asyncio.to_thread(server.rss_mb)
        figures["meanwhile a delivery"] = await asyncio.to_thread(server.send)
        let_go.set()
    endless = Attack(server.port, seconds, Counter())
    async with asyncio.TaskGroup() as group:
        for _ in range(ATTACKERS):
            group.create_task(endless.endless())
    figures["forged 25 MiB"] = dict(slow.answers)
    figures["chunks without end"] = dict(endless.answers)


def bounded(server: Server, seconds: float) -> tuple[dict[str, object], Goal]:
    """Memory before, at its peak and after hostile bodies, and what they were answered."""
    before = server.rss_mb()
    row: dict[str, object] = {"before MB": before}
    with Sampler(server) as sampler:
        asyncio.run(besiege(server, seconds, row))
    peak = max(sampler.taken)
    server.settle()
    row |= {"peak MB": peak, "after MB": server.rss_mb(), "then a delivery": server.send()}
    limit = ATTACKERS * CAP / 2**20
    grown = (peak - before) / limit
    return row, Goal("memory under hostile bodies", "cap x connections", grown, 1.0, at_least=False)


def measure(figures: Figures, contender: Contender, deliveries: int, seconds: float) -> None:
    """Both questions, on a server of its own each."""
    questions = {
        f"Memory over {deliveries:,} deliveries, 10k": partial(flat, deliveries=deliveries),
        f"Memory under {ATTACKERS} hostile senders": partial(bounded, seconds=seconds),
    }
    for title, ask in questions.items():
        try:
            with running(contender) as server:
                row, goal = ask(server)
        except NotMeasured as reason:
            figures.note(f"not measured: {reason}")
            continue
        figures.tables[title] = [row]
        figures.goals.append(goal)
