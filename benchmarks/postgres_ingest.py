"""Deliveries acknowledged on Postgres against Probot's no-op, which stores nothing.

The rounds of `ingest`, with a Postgres of our own on the same disk. The load, the server and
Postgres share this machine's processors, so what Postgres needs for itself is stated too. Then
Hookyard is killed with -9 under load, and the table must hold what was acknowledged.
"""

import time
from contextlib import ExitStack

from benchmarks import ingest, load, machine
from benchmarks.bodies import SMALL
from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, compare
from benchmarks.servers import PROBOT, Contender, NotMeasured, Server, data_folder, start_all

KEY = "hookyard-postgres"
GOAL = 1.4


def contender(command: str, url: str) -> Contender:
    """Hookyard as `hookyard up` serves it, on a Postgres."""
    return Contender(KEY, "Hookyard on Postgres", command, durable=True, env={"DATABASE_URL": url})


def measure(figures: Figures, command: str, rounds: int, seconds: float) -> None:
    """A table and a goal; a note where there is no Postgres."""
    with ExitStack() as stack:
        try:
            postgres = Postgres(stack.enter_context(data_folder()))
        except NotMeasured as reason:
            figures.note(f"not measured: {reason}")
            return
        stack.callback(postgres.stop)
        url = postgres.url()
        servers = start_all(stack, [contender(command, url), PROBOT], figures.note)
        before = machine.cpu_s([postgres.process.pid])
        found = ingest.rounds_of(servers, SMALL, rounds, seconds)
        spent = machine.cpu_s([postgres.process.pid]) - before
        title = f"Ingest on Postgres, {SMALL.name}: {rounds} x {seconds:g} s"
        figures.tables[title] = [
            ingest.row(server.contender, found[server.contender.key]) for server in servers
        ]
        figures.note(postgres.version)
        if KEY not in found:
            return
        ours = servers[0]
        share = spent / max(1, ours.acks) * 1e6
        figures.note(f"Postgres itself: {share:.0f} µs CPU a delivery, routing and all")
        if PROBOT.key in found:
            rates = [[turn.rate for turn in found[key]] for key in (KEY, PROBOT.key)]
            what = f"acks/s on Postgres, {SMALL.name}"
            goal = compare(what, PROBOT.title, *rates, GOAL, at_least=True)
            figures.goals.append(goal)
        figures.note(crash(ours, postgres, url.rpartition("/")[2]))


def crash(server: Server, postgres: Postgres, database: str, seconds: float = 3.0) -> str:
    """Kill -9 in the middle of a load, then count: a sentence with both numbers."""
    wrk = load.start_wrk(server.url, SMALL, seconds, ingest.CONNECTIONS)
    time.sleep(seconds / 2)
    server.kill()
    server.acks += load.result(wrk).acks
    rows = int(postgres.sql("SELECT count(*) FROM deliveries", database=database))
    verdict = "nothing acknowledged is lost" if rows >= server.acks else "DELIVERIES WERE LOST"
    return (
        f"{server.contender.title}, kill -9 under load: {rows:,} deliveries in the table, "
        f"{server.acks:,} acknowledged: {verdict}"
    )
