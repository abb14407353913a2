"""Acknowledged deliveries per second, latency and CPU: every contender, round-robin, wrk.

Rates swing with whatever else the machine does, so contenders take turns (A B C A B C …) and what
is compared are the ratios within a round. After its turn a contender may finish what it put off
(Hookyard routes what it stored) before the next begins; the CPU of that is counted too, in the
figure `CPU µs all`, and it is this one that the goal is held against.

Then the claim behind an acknowledgement is tried: Hookyard is killed with -9 in the middle of a
load, and its SQLite file must hold at least as many deliveries as wrk saw acknowledged.
"""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import load, machine
from benchmarks.bodies import LARGE, SMALL, BodySet
from benchmarks.report import Figures, compare
from benchmarks.servers import Contender, Server, start_all

CONNECTIONS = 32
SLOW_DISK_US = 1000


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of one contender. CPU in µs per acknowledged delivery."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    cpu_all_us: float
    rss_mb: float
    errors: int


def take_turn(server: Server, body_set: BodySet, seconds: float) -> Round:
    """Load a server, measure, and wait until it has done what it put off."""
    before = server.cpu_s()
    seen = load.run(server.url, body_set, seconds, CONNECTIONS)
    loaded, rss = server.cpu_s(), server.rss_mb()
    server.acks += seen.acks
    if not server.settle():
        print(f"  {server.contender.title} was still busy two minutes after its turn", flush=True)
    acks = max(1, seen.acks)
    return Round(
        rate=seen.rate,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        cpu_us=(loaded - before) / acks * 1e6,
        cpu_all_us=(server.cpu_s() - before) / acks * 1e6,
        rss_mb=rss,
        errors=seen.refused + seen.broken,
    )


def rounds_of(
    servers: Sequence[Server], body_set: BodySet, rounds: int, seconds: float
) -> dict[str, list[Round]]:
    """Warm everyone up, then take turns."""
    found: dict[str, list[Round]] = {server.contender.key: [] for server in servers}
    for server in servers:
        take_turn(server, body_set, 1)
    for number in range(1, rounds + 1):
        print(f"  4 kB to disk: {machine.sync_us(40):,.0f} µs", flush=True)
        for server in servers:
            turn = take_turn(server, body_set, seconds)
            found[server.contender.key].append(turn)
            print(
                f"  {body_set.name} round {number}/{rounds} {server.contender.title}: "
                f"{turn.rate:,.0f}/s p99 {turn.p99_ms:.1f} ms {turn.cpu_us:.0f} µs",
                flush=True,
            )
    return found


def row(contender: Contender, turns: Sequence[Round]) -> dict[str, object]:
    """A contender's medians as a line of the table."""

    def median(name: str) -> float:
        values: list[float] = [getattr(turn, name) for turn in turns]
        return statistics.median(values)

    rates = [turn.rate for turn in turns]
    return {
        "contender": contender.title,
        "on disk": "yes" if contender.durable else "no",
        "acks/s": median("rate"),
        "min–max": f"{min(rates):,.0f}–{max(rates):,.0f}",
        "p50 ms": median("p50_ms"),
        "p99 ms": median("p99_ms"),
        "CPU µs": median("cpu_us"),
        "CPU µs all": median("cpu_all_us"),
        "RSS MB": median("rss_mb"),
        "errors": sum(turn.errors for turn in turns),
    }


RATE_GOALS = {
    "10k": (("probot", 1.4), ("gidgethub", 1.1), ("assembled", 15.0)),
    "25k": (("probot", 1.7), ("gidgethub", 1.1)),
}


def judge(
    figures: Figures, size: str, found: dict[str, list[Round]], titles: dict[str, str]
) -> None:
    """Ratios of Hookyard to each peer, against the goals."""
    if "hookyard" not in found:
        return

    def of(key: str, name: str) -> list[float]:
        return [getattr(turn, name) for turn in found[key]]

    for key, wanted in RATE_GOALS[size]:
        if key in found:
            ours, theirs = of("hookyard", "rate"), of(key, "rate")
            goal = compare(f"acks/s, {size}", titles[key], ours, theirs, wanted, at_least=True)
            figures.goals.append(goal)
    if size == "10k" and "probot" in found:
        for what, name, wanted in (
            ("CPU per delivery, 10k, while loaded", "cpu_us", 1.0),
            ("CPU per delivery, 10k, routed and all", "cpu_all_us", 1.0),
            ("p99 closed loop, 10k", "p99_ms", 2.0),
        ):
            ours, theirs = of("hookyard", name), of("probot", name)
            goal = compare(what, titles["probot"], ours, theirs, wanted, at_least=False)
            figures.goals.append(goal)


def crash(server: Server, seconds: float = 3.0) -> str:
    """Kill -9 in the middle of a load, then count: a sentence with both numbers."""
    wrk = load.start_wrk(server.url, SMALL, seconds, CONNECTIONS)
    time.sleep(seconds / 2)
    server.kill()
    server.acks += load.result(wrk).acks
    rows = server.rows()
    verdict = "nothing acknowledged is lost" if rows >= server.acks else "DELIVERIES WERE LOST"
    return (
        f"{server.contender.title}, kill -9 under load: {rows:,} deliveries on disk, "
        f"{server.acks:,} acknowledged: {verdict}"
    )


def measure(figures: Figures, contenders: Sequence[Contender], rounds: int, seconds: float) -> None:
    """All contenders that start, both sizes; tables and goals are added to `figures`."""
    with ExitStack() as stack:
        servers = start_all(stack, contenders, figures.note)
        if (sync_us := machine.sync_us()) > SLOW_DISK_US:
            figures.note(f"slow disk, {sync_us:,.0f} µs a sync: hard on those who store")
        titles = {server.contender.key: server.contender.title for server in servers}
        for body_set in (SMALL, LARGE):
            found = rounds_of(servers, body_set, rounds, seconds)
            title = f"Ingest, {body_set.name}: wrk -t1 -c{CONNECTIONS}, {rounds} x {seconds:g} s"
            figures.tables[title] = [
                row(server.contender, found[server.contender.key]) for server in servers
            ]
            judge(figures, body_set.name, found, titles)
        for server in servers:
            if server.contender.key == "hookyard":
                figures.note(f"hookyard: ready after {server.ready_s:.2f} s")
                figures.note(crash(server))
