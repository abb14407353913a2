"""`python -m benchmarks`: everything, or parts of it, and one report.

A full run takes about forty minutes on two cores; `--quick` about fifteen. Close what else runs.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    authorize,
    churn,
    extract,
    fairness,
    faults,
    ingest,
    jobs,
    ledger_size,
    machine,
    manifests,
    memory,
    openloop,
    postgres_ingest,
    records,
    records_bulk,
    records_paced,
    records_pages,
    records_search,
    recovery,
    report,
    results,
    setup,
    start_latency,
    tokens,
)
from benchmarks.servers import (
    FLOOR,
    GIDGETHUB,
    HOOKYARD_COMMAND,
    PROBOT,
    NotMeasured,
    assembled,
    hookyard,
)

PARTS = (
    "ingest", "postgres", "open-loop", "start", "jobs", "history", "drain", "churn", "fairness",
    "recovery", "faults", "memory", "authorize", "tokens", "extract", "results", "manifests",
    "records", "records-paced", "pages", "search", "bulk",
)  # fmt: skip


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
    parser.add_argument("--history", type=int, help="history, churn: finished jobs")
    parser.add_argument("--jobs", type=int, help="drain: how many to queue")
    parser.add_argument("--churned", type=int, help="churn: how many jobs pass through")
    parser.add_argument("--vectors", type=int, help="search: how many to search in")
    parser.add_argument("--rows", type=int, help="bulk, pages: how many records")
    parser.add_argument("--outage", type=int, help="recovery: deliveries emitted while away")
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
    """Measure the parts asked for; one that cannot be measured is named and left out."""
    figures = report.Figures(machine=machine.describe())
    measures = plan(given, figures)
    for part in PARTS:
        if part in given.parts:
            try:
                measures[part]()
            except NotMeasured as reason:
                figures.note(f"not measured: {part}: {reason}")
    return figures


def plan(given: argparse.Namespace, figures: report.Figures) -> dict[str, Callable[[], None]]:
    """Every part with how much of it is measured."""
    ours, stack = hookyard(given.hookyard_command), assembled(given.database_url)
    quick = given.quick
    rounds = given.rounds or (2 if quick else 5)
    seconds = given.seconds or (2 if quick else 4)
    few = min(rounds, 3)
    taken_in = [ours, PROBOT, GIDGETHUB, stack, FLOOR]
    paced = [ours, stack, PROBOT]
    history = given.history or (200_000 if quick else 5_000_000)
    beside = given.history or (200_000 if quick else 2_000_000)
    passing = given.churned or (50_000 if quick else 300_000)
    sent = given.deliveries or (60_000 if quick else 200_000)
    return {
        "ingest": lambda: ingest.measure(figures, taken_in, rounds, seconds),
        "postgres": lambda: postgres_ingest.measure(
            figures, given.hookyard_command, rounds, seconds
        ),
        "open-loop": lambda: openloop.measure(figures, paced, given.rate, few, seconds * 2),
        "start": lambda: start_latency.measure(figures, ours, rounds),
        "jobs": lambda: jobs.measure(figures, few, quick=quick),
        "history": lambda: ledger_size.history(figures, history),
        "drain": lambda: ledger_size.drain(
            figures, given.jobs or (100_000 if quick else 1_000_000)
        ),
        "churn": lambda: churn.measure(figures, beside, passing),
        "fairness": lambda: fairness.measure(figures, few),
        "recovery": lambda: recovery.measure(figures, given.outage or (1_000 if quick else 7_000)),
        "faults": lambda: faults.measure(figures, min(seconds * 2, 8)),
        "memory": lambda: memory.measure(figures, ours, sent, seconds * 2),
        "authorize": lambda: authorize.measure(figures, 1_000 if quick else 3_000),
        "extract": lambda: extract.measure(figures, rounds),
        "records": lambda: records.measure(figures, given.hookyard_command, few, seconds),
        "records-paced": lambda: records_paced.measure(
            figures, given.hookyard_command, few, seconds * 2
        ),
        "pages": lambda: records_pages.measure(
            figures, given.hookyard_command, given.rows or (200_000 if quick else 1_000_000)
        ),
        "search": lambda: records_search.measure(
            figures, given.vectors or (20_000 if quick else 100_000)
        ),
        "bulk": lambda: records_bulk.measure(
            figures, given.hookyard_command, given.rows or (50_000 if quick else 1_000_000)
        ),
        "tokens": lambda: tokens.measure(figures, given.hookyard_command, rounds, seconds),
        "results": lambda: results.measure(figures, rounds),
        "manifests": lambda: manifests.measure(figures, max(rounds, 5)),
    }


def main(argv: list[str]) -> int:
    """Measure and report; 0 whatever the figures are: they are for people to judge."""
    if not sys.platform.startswith("linux"):
        print("benchmarks: CPU and memory are read from /proc, which only Linux has")
        return 1
    given = parse(argv)
    # why: what was started has to be ended, its data removed, when somebody ends this.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    setup.ensure()
    figures = run(given)
    print(f"\n{report.text(figures)}")
    if given.json:
        figures.save(given.json)
        print(f"\nwritten to {given.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
