"""What a decision costs, what it costs to know a warm caller, and what the audit chain adds.

The audit figures are units that record one entry, on SQLite, one after the other and many at
once, beside units that insert a row of the same size without a chain.
"""

import asyncio
import statistics
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Figures, Goal
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database, RawSql, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_grants
from hookyard.core.identity.grants_memory import GrantMemory
from hookyard.core.identity.grants_model import GrantSource, KeptGrant, Subject
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.core.identity.rules import authorize
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker

GOAL_US = 2.0
AT_ONCE = 64
_PLAIN = RawSql.same("INSERT INTO benchmark_plain (id, text) VALUES ($1, $2)")


def measure(figures: Figures, units: int) -> None:
    """Decisions, warm callers, and the trail."""
    rows: list[dict[str, object]] = []
    scope = Scope.of_repository("acme/shop", repository_id=7)
    few = (Grant(Role.WORKER), Grant(Role.OPERATOR, Scope.of_org("acme")))
    many = (*(Grant(Role.VIEWER, Scope.of_repository(f"acme/r{n}")) for n in range(19)), *few)
    worst = 0.0
    for what, grants in (("2 grants", few), ("21 grants, the last fits", many)):
        actor = Actor(ActorKind.USER, "u", "default", grants)
        cost_us = _cost_us(lambda a=actor: authorize(a, "jobs.cancel", scope))  # type: ignore[misc]
        rows.append({"what": f"authorize(), {what}", "µs": round(cost_us, 3)})
        worst = max(worst, cost_us) if grants is few else worst
    figures.goals.append(Goal("authorize()", "2 µs", worst / GOAL_US, 1.0, at_least=False))
    rows += asyncio.run(_with_database(units))
    figures.tables["authorization and audit"] = rows


def _cost_us(work: Callable[[], object], number: int = 100_000) -> float:
    """Median of five runs, microseconds a call."""
    found = [timeit.timeit(work, number=number) / number * 1e6 for _ in range(5)]
    return statistics.median(found)


async def _with_database(units: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="hookyard-bench-") as folder:
        database = SqliteDatabase(Path(folder) / "h.db")
        try:
            await database.write(lambda unit: METADATA.create_all(unit.connection))
            plain = RawSql.same("CREATE TABLE benchmark_plain (id TEXT PRIMARY KEY, text TEXT)")
            await database.write(lambda unit: unit.run_raw(plain))
            return [await _warm(database), *await _trail(database, units)]
        finally:
            await database.close()


async def _warm(database: Database) -> dict[str, object]:
    clock, subject = SystemClock(), Subject(ActorKind.USER, "u")
    kept = KeptGrant(
        "g", subject, Role.VIEWER, Scope(), GrantSource.MANUAL, "", 1, "benchmark", None
    )
    await database.write(lambda unit: store_grants.add(unit, kept))
    memory = GrantMemory(database, clock)
    await memory.grants_of(subject)
    number, started = 50_000, time.perf_counter()
    for _ in range(number):
        await memory.grants_of(subject)
    spent = (time.perf_counter() - started) / number * 1e6
    return {"what": "grants of a warm caller, no query", "µs": round(spent, 3)}


async def _trail(database: Database, units: int) -> list[dict[str, object]]:
    audit, ids, clock = Audit(IdMaker()), IdMaker(), SystemClock()
    entry = AuditEntry("user:u", "tokens.mint", "installation:1", detail={"repositories": ["a"]})
    text = "x" * 300

    def chained(unit: Unit) -> None:
        audit.record(unit, entry, clock.now_ms())

    def plain(unit: Unit) -> None:
        unit.run_raw(_PLAIN, ids.new(clock.now_ms()), text)

    found: dict[str, list[float]] = {}
    for _ in range(3):
        for name, work in (("plain row", plain), ("chained entry", chained)):
            for at_once in (1, AT_ONCE):
                spent = await _spent_us(database, work, units, at_once)
                found.setdefault(f"unit with a {name}, {at_once} at once", []).append(spent)
    return [
        {"what": what, "µs": round(statistics.median(spent), 1)} for what, spent in found.items()
    ]


async def _spent_us(
    database: Database, work: Callable[[Unit], None], units: int, at_once: int
) -> float:
    async def several(count: int) -> None:
        for _ in range(count):
            await database.write(work)

    started = time.perf_counter()
    await asyncio.gather(*(several(units // at_once) for _ in range(at_once)))
    return (time.perf_counter() - started) / (units // at_once * at_once) * 1e6
