"""Look-ups of records at a fixed rate, whether or not the server keeps up, beside the ORM stack.

Each look-up has an intended instant and its latency counts from there, as for deliveries.
"""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import uvloop

from benchmarks.openloop import Driver, Latencies, row
from benchmarks.records import OURS, ROWS, RecordServer, pair, started
from benchmarks.report import Figures, compare
from benchmarks.servers import ADMIN_KEY, NotMeasured

RATE = 500.0


def look_ups(port: int, count: int, rows: int) -> list[bytes]:
    """Whole requests, each for some record."""
    chosen = random.Random(7)
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\r\n"
    return [
        f"GET /v1/artifacts/a{chosen.randrange(rows):07d} HTTP/1.1\r\n{head}".encode()
        for _ in range(count)
    ]


def drive(server: RecordServer, rate: float, seconds: float, rows: int) -> Latencies:
    """`rate` look-ups a second for `seconds`."""
    requests = look_ups(server.port, round(rate * seconds), rows)

    async def main() -> Latencies:
        return await Driver(server.port).run(requests, rate)

    return uvloop.run(main())


def measure(
    figures: Figures,
    command: str,
    rounds: int,
    seconds: float,
    engines: Sequence[str] = ("sqlite", "postgres"),
    rows: int = ROWS,
) -> None:
    """Both in turns on each engine; p99 against the peer's."""
    for engine in engines:
        with ExitStack() as stack:
            try:
                contenders, _ = pair(stack, engine, replace(OURS, command=command))
                servers = [started(stack, contender, rows) for contender in contenders]
            except NotMeasured as reason:
                figures.note(f"not measured: records at a fixed rate on {engine}: {reason}")
                continue
            _compare(figures, engine, servers, rounds, seconds, rows)


def _compare(
    figures: Figures,
    engine: str,
    servers: Sequence[RecordServer],
    rounds: int,
    seconds: float,
    rows: int,
) -> None:
    found: list[list[Latencies]] = [[] for _ in servers]
    for server in servers:
        drive(server, RATE, 1, rows)
    for number in range(1, rounds + 1):
        for server, turns in zip(servers, found, strict=True):
            turns.append(drive(server, RATE, seconds, rows))
            said = f"p50 {turns[-1].percentile(0.5):.2f} p99 {turns[-1].percentile(0.99):.2f} ms"
            title = f"{engine} paced {number}/{rounds} {server.contender.title}"
            print(f"  {title}: {said}, {turns[-1].errors} errors", flush=True)
    heading = f"GET by id on {engine} at {RATE:g}/s: {rounds} x {seconds:g} s"
    figures.tables[heading] = [
        row(server.contender.title, turns) for server, turns in zip(servers, found, strict=True)
    ]
    ours, theirs = ([turn.percentile(0.99) for turn in turns] for turns in found)
    what = f"p99 of GET by id at {RATE:g}/s on {engine}"
    goal = compare(what, servers[1].contender.title, ours, theirs, 1 / 3, at_least=False)
    figures.goals.append(goal)
