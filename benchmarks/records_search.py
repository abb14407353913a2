"""Search by vectors for a tenant that has one record in a hundred: what is found, and how fast.

Recall is the share of the true ten nearest, computed beside it one by one, that a search gives.
Vectors lie in clusters, as those of texts do. "exact" is what a tenant of this size gets; "index"
is what it would get if it were too large for that. Everything runs in this process, without HTTP.
"""

import asyncio
import json
import math
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, Goal
from benchmarks.servers import NotMeasured, data_folder

if TYPE_CHECKING:
    from hookyard.adapters.database.port import Database, Row
    from hookyard.bootstrap.recording import Records
    from hookyard.features.records.search.service import Searches
    from hookyard.kit.json import JsonObject

DIMENSION = 384
EXACT_AT_MOST = 30_000
CLUSTERS = 200
SHARE = 100
QUERIES = 50
K = 10
PORTION = 500
DECLARED = f"""
entities:
  notes:
    id: {{field: noteId, make: client}}
    fields:
      place: {{type: vector, dimension: {DIMENSION}, metric: cosine}}
"""
TENANTS = ("small", "large")


@dataclass(frozen=True, slots=True)
class Points:
    """The vectors of each tenant, and what is looked for."""

    by_tenant: dict[str, list[list[float]]]
    queries: list[list[float]]


def points(rows: int, seed: int = 11) -> Points:
    """Points around centres, the same for the same seed."""
    random = Random(seed)
    gauss = random.gauss
    centres = [[gauss(0, 1) for _ in range(DIMENSION)] for _ in range(CLUSTERS)]

    def point() -> list[float]:
        return [one + gauss(0, 0.6) for one in random.choice(centres)]

    few = max(K * 2, rows // SHARE)
    made = {"small": [point() for _ in range(few)], "large": [point() for _ in range(rows - few)]}
    return Points(made, [point() for _ in range(QUERIES)])


def nearest(among: Sequence[Sequence[float]], query: Sequence[float]) -> set[str]:
    """The ids of the true nearest."""
    scored = []
    for number, one in enumerate(among):
        length = math.sqrt(sum(map(mul, one, one)))
        scored.append((-sum(map(mul, one, query)) / length, f"n{number:07}"))
    return {name for _, name in sorted(scored)[:K]}


async def _measure(figures: Figures, engine: str, environ: dict[str, str], rows: int) -> None:
    from hookyard.bootstrap import migrate_as_set, open_database
    from hookyard.bootstrap.recording import apply_built_in, open_records
    from hookyard.core.audit.service import Audit
    from hookyard.features.records.search.service import Searches
    from hookyard.kit.clock import SystemClock
    from hookyard.kit.ids import IdMaker
    from hookyard.settings import load_settings

    settings = load_settings(environ, folder=Path(environ["HOOKYARD_DATA_DIR"]))
    database, ids, clock = await open_database(settings), IdMaker(), SystemClock()
    try:
        await migrate_as_set(settings, database)
        await apply_built_in(database, ids, clock)
        records = open_records(database, Audit(ids), ids, clock)
        data = points(rows)
        began = time.monotonic()
        await _fill(database, records, data)
        filled = time.monotonic() - began
        ways = {"exact": records.gateway.searches}
        if records.catalog.pgvector:
            ways["index"] = Searches(database, records.catalog, exact_rows=0)
        table = []
        for way, searches in ways.items():
            for tenant in TENANTS:
                if (way, tenant) == ("exact", "large") and rows > EXACT_AT_MOST:
                    continue
                row, recall = await _asked(records, searches, data, tenant)
                table.append({"way": way, **row})
                print(f"  {engine} {table[-1]}", flush=True)
                if (way, tenant) == ("exact", "small"):
                    what = f"recall@10 at 1 % of {rows:,} records, {engine}"
                    figures.goals.append(Goal(what, "the true ten", recall, 0.99, at_least=True))
        title = f"Search on {engine}: {rows:,} vectors of {DIMENSION}, filled in {filled:.0f} s"
        figures.tables[title] = table
    finally:
        await database.close()


async def _fill(database: "Database", records: "Records", data: Points) -> None:
    from hookyard.adapters.database.port import Unit
    from hookyard.features.records.schema.declare import read_entities
    from hookyard.features.records.writing import store_records

    def declare(unit: Unit) -> None:
        plan = records.schemas.plan_file(unit, read_entities(DECLARED.encode()))
        records.schemas.apply(unit, plan, "bench", 0)

    await database.write(declare)
    shape = await records.catalog.shape("notes")
    extra = {"revision": "r", "createdAt": "c", "updatedAt": "c"}

    def row(tenant: str, number: int) -> "Row":
        vector = data.by_tenant[tenant][number]
        named = {"tenantId": tenant, "id": f"n{number:07}", "place": vector}
        return shape.row(extra | named)

    for tenant in TENANTS:
        count = len(data.by_tenant[tenant])
        for start in range(0, count, PORTION):
            rows = [row(tenant, n) for n in range(start, min(count, start + PORTION))]

            def write(unit: Unit, tenant: str = tenant, rows: "list[Row]" = rows) -> None:
                unit.confine(tenant)
                store_records.insert_many(unit, shape, rows)

            await database.write(write)


async def _asked(
    records: "Records", searches: "Searches", data: Points, tenant: str
) -> tuple[dict[str, object], float]:
    """Every query of one tenant: a line of the table, and the recall."""
    from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
    from hookyard.features.records.rules import roles_of

    shape = await records.catalog.shape("notes")
    grant = Grant(Role.VIEWER, Scope(tenant=tenant))
    actor = Actor(ActorKind.SERVICE, "jwt/bench", tenant, (grant,), "bench")
    roles, hits, found = roles_of(actor), 0, {"exact": None}
    took: list[float] = []
    for query in data.queries:
        asked: JsonObject = {"vector": list(query), "k": K, "select": ["noteId"]}
        started = time.perf_counter()
        found = json.loads(await searches.find(actor, shape, roles, asked))
        took.append((time.perf_counter() - started) * 1e3)
        right = nearest(data.by_tenant[tenant], query)
        hits += len(right & {item["record"]["noteId"] for item in found["items"]})
    recall = hits / (K * len(data.queries))
    row: dict[str, object] = {
        "tenant": tenant,
        "records": len(data.by_tenant[tenant]),
        "recall@10": f"{recall:.4f}",
        "p50 ms": statistics.median(took),
        "p99 ms": sorted(took)[int(len(took) * 0.99)],
        "measured each": "yes" if found["exact"] else "no",
    }
    return row, recall


def measure(figures: Figures, rows: int, engines: Sequence[str] = ("sqlite", "postgres")) -> None:
    """Recall and time on each engine; tables and goals are added to `figures`."""
    for engine in engines:
        with ExitStack() as stack:
            data = stack.enter_context(data_folder())
            environ = {"HOOKYARD_DATA_DIR": str(data), "PATH": os.environ["PATH"]}
            try:
                if engine == "postgres":
                    postgres = Postgres(stack.enter_context(data_folder()))
                    stack.callback(postgres.stop)
                    environ["DATABASE_URL"] = postgres.url()
                asyncio.run(_measure(figures, engine, environ, rows))
            except NotMeasured as reason:
                figures.note(f"not measured: search on {engine}: {reason}")
