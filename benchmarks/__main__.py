"""`python -m benchmarks`: everything, or parts of it, and one report.

A full run takes about ten minutes on two cores; `--quick` about three. Close what else runs.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    ingest,
    jobs,
    ledger_size,
    machine,
    memory,
    openloop,
    postgres_ingest,
    report,
    setup,
    start_latency,
    tokens,
)
from benchmarks.servers import FLOOR, GIDGETHUB, HOOKYARD_COMMAND, PROBOT, assembled, hookyard

PARTS = ("ingest", "postgres", "open-loop", "start", "jobs", "history", "drain", "memory", "tokens")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--only", metavar="PART,…", help="the same, separated by commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--rounds", type=int, help="rounds of each contender")
    parser.add_argument("--seconds", type=float, help="seconds of each round")
    parser.add_argument("--rate", type=float, default=300.0, help="open loop: deliveries/s")
    parser.add_argument("--deliveries", type=int, help="memory: how many to send")
    parser.add_argument("--history", type=int, help="history: finished jobs in the long one")
    parser.add_argument("--jobs", type=int, help="drain: how many to queue")
    parser.add_argument(
        "--hookyard-command",
        default=HOOKYARD_COMMAND,
        help=f"how Hookyard is started; default: {HOOKYARD_COMMAND!r}",
    )
    parser.add_argument(
        "--database-url",
        help="a Postgres for the assembled stack (postgresql+asyncpg://…) in place of SQLite",
    )
    given = parser.parse_args(argv)
    asked = given.parts + (given.only.split(",") if given.only else [])
    given.parts = asked or list(PARTS)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given


def run(given: argparse.Namespace) -> report.Figures:
    """Measure the parts asked for."""
    figures = report.Figures(machine=machine.describe())
    ours, stack = hookyard(given.hookyard_command), assembled(given.database_url)
    rounds = given.rounds or (2 if given.quick else 5)
    seconds = given.seconds or (2 if given.quick else 4)
    if "ingest" in given.parts:
        ingest.measure(figures, [ours, PROBOT, GIDGETHUB, stack, FLOOR], rounds, seconds)
    if "postgres" in given.parts:
        postgres_ingest.measure(figures, given.hookyard_command, rounds, seconds)
    if "open-loop" in given.parts:
        contenders = [ours, stack, PROBOT]
        openloop.measure(figures, contenders, given.rate, min(rounds, 3), seconds * 2)
    if "start" in given.parts:
        start_latency.measure(figures, ours, min(rounds, 3))
    if "jobs" in given.parts:
        jobs.measure(figures, min(rounds, 3), quick=given.quick)
    if "history" in given.parts:
        ledger_size.history(figures, given.history or (200_000 if given.quick else 5_000_000))
    if "drain" in given.parts:
        ledger_size.drain(figures, given.jobs or (100_000 if given.quick else 1_000_000))
    if "memory" in given.parts:
        deliveries = given.deliveries or (60_000 if given.quick else 200_000)
        memory.measure(figures, ours, deliveries, seconds * 2)
    if "tokens" in given.parts:
        tokens.measure(figures, given.hookyard_command, rounds, seconds)
    return figures


def main(argv: list[str]) -> int:
    """Measure and report; 0 whatever the figures are: they are for people to judge."""
    if not sys.platform.startswith("linux"):
        print("benchmarks: CPU and memory are read from /proc, which only Linux has")
        return 1
    given = parse(argv)
    setup.ensure()
    figures = run(given)
    print(f"\n{report.text(figures)}")
    if given.json:
        figures.save(given.json)
        print(f"\nwritten to {given.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
