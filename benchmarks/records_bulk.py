"""Import and export of many records: how fast, and does the server's memory stay flat?

The lines are made while they are sent, so nothing of them is held here. Resident memory is sampled
meanwhile; the last tenth of the samples is held against the second.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import httpx2

from benchmarks.memory import Sampler, tenth
from benchmarks.pgserver import Postgres
from benchmarks.records import OURS, RecordServer
from benchmarks.report import Figures, Goal
from benchmarks.servers import ADMIN_KEY, NotMeasured, data_folder

LINES_A_PIECE = 200
LINE = (
    b'{"artifactId": "a%08d", "conversationId": "c-%d", "name": "report-%d.json", "size": %d,'
    b' "content": "A short text about what was found in the repository.",'
    b' "meta": {"source": "bench", "tags": ["a", "b"]}}\n'
)


class EmptyServer(RecordServer):
    """A Hookyard that has no records yet."""

    path = "/v1/artifacts?limit=1"


def lines(rows: int) -> Iterator[bytes]:
    """So many records as lines, in pieces."""
    for start in range(0, rows, LINES_A_PIECE):
        yield b"".join(
            LINE % (n, n % 100, n, n) for n in range(start, min(rows, start + LINES_A_PIECE))
        )


def take_in(server: RecordServer, rows: int) -> dict[str, object]:
    """Import them; the report."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/x-ndjson",
               "idempotency-key": "bench"}  # fmt: skip
    url = f"http://127.0.0.1:{server.port}/v1/artifacts/_import"
    with httpx2.Client(trust_env=False, timeout=60) as http:
        answer = http.post(url, content=lines(rows), headers=headers)
    if answer.status_code != 200 or answer.json()["created"] != rows:
        raise NotMeasured(f"the import was answered {answer.status_code}: {answer.text[:300]}")
    found: dict[str, object] = answer.json()
    return found


def take_out(server: RecordServer, rows: int) -> int:
    """Export them; bytes."""
    size = count = 0
    url = f"http://127.0.0.1:{server.port}/v1/artifacts/_export"
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    with (
        httpx2.Client(trust_env=False, timeout=60) as http,
        http.stream("GET", url, headers=headers) as answer,
    ):
        for piece in answer.iter_bytes():
            size += len(piece)
            count += piece.count(b"\n")
    if count != rows:
        raise NotMeasured(f"an export of {rows} records had {count} lines")
    return size


def measure(
    figures: Figures, command: str, rows: int, engines: Sequence[str] = ("sqlite", "postgres")
) -> None:
    """Both ways on each engine; tables and goals are added to `figures`."""
    table = []
    for engine in engines:
        with ExitStack() as stack:
            try:
                contender = replace(OURS, command=command)
                if engine == "postgres":
                    postgres = Postgres(stack.enter_context(data_folder()))
                    stack.callback(postgres.stop)
                    contender = replace(contender, env={"DATABASE_URL": postgres.url()})
                server = EmptyServer(contender, stack.enter_context(data_folder()), None)
                stack.callback(server.kill)
                server.wait_ready()
                for what, work in (("import", take_in), ("export", take_out)):
                    row, goal = _timed(server, what, engine, rows, work)
                    table.append(row)
                    figures.goals.append(goal)
                    print(f"  {row}", flush=True)
            except NotMeasured as reason:
                figures.note(f"not measured: bulk on {engine}: {reason}")
    if table:
        figures.tables[f"Import and export of {rows:,} records"] = table


def _timed(
    server: RecordServer, what: str, engine: str, rows: int, work: object
) -> tuple[dict[str, object], Goal]:
    assert callable(work)
    idle, before = server.rss_mb(), server.cpu_s()
    began = time.monotonic()
    with Sampler(server) as sampler:
        work(server, rows)
    took = time.monotonic() - began
    taken = sampler.taken or [server.rss_mb()]
    early, late = tenth(taken, 1), tenth(taken, 9)
    row: dict[str, object] = {
        "engine": engine, "what": what, "records/s": rows / took,
        "CPU µs": (server.cpu_s() - before) / rows * 1e6, "idle MB": idle,
        "second tenth MB": early, "last tenth MB": late, "peak MB": max(taken),
    }  # fmt: skip
    goal = Goal(
        f"memory, last tenth of an {what} of {rows:,}, {engine}", "second tenth",
        late / early, 1.1, at_least=False,
    )  # fmt: skip
    return row, goal
