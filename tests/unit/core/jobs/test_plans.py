"""What the hot statements read: rows through their own index, never the history or the backlog."""

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import RawParam, RawSql
from hookyard.core.jobs import explain, store, store_cold, store_fairness, store_hot, store_pauses

STATEMENTS: list[tuple[RawSql, tuple[RawParam, ...], set[str]]] = [
    (store_hot._CLAIM, (1, 2, "w", 1, 1, 1, 1), {"ix_jobs_ready"}),
    (store_hot._LOOK, (5,), {"ix_jobs_ready", "ix_jobs_due"}),
    (store_hot._PROMOTE_DUE, (1, 5), {"ix_jobs_due"}),
    (store_hot._KEYS_DUE, (1, 5), {"ix_jobs_due"}),
    (store_hot._DUE_OF_KEY, (1, "k"), {"ix_jobs_due"}),
    *(
        (
            count,
            (),
            {
                "ix_jobs_ready",
                "ix_jobs_lease",
                "ix_jobs_due",
                "ix_jobs_held",
                "ix_jobs_line",
                "ix_jobs_dead",
            },
        )
        for count in store_cold._COUNTS
    ),
    (store._LINE, ("k", 5), {"ix_jobs_line"}),
    (store._LAST, ("k",), {"ix_jobs_line"}),
    (store_cold._EXPIRED, (1, 5), {"ix_jobs_lease"}),
    (store_cold._TO_STOP, ("w",), {"ix_jobs_cancel"}),
    (store_cold._UNKNOWN, (), {"ix_jobs_held"}),
    (store_cold._RELEASE, ("limit", "x", 1), {"ix_jobs_held"}),
    (store_pauses._READY, ("high", 0, 1, "j", 5), {"ix_jobs_ready"}),
    (store_pauses._NEXT_PRIORITY, ("high", 9), {"ix_jobs_ready"}),
    (store_pauses._LET_GO, ("pause", "x", 1, 5), {"ix_jobs_held"}),
    (store_pauses._COUNT_HELD, ("budget", "x", 5), {"ix_jobs_held"}),
    (store_fairness._READY_OF_KEYS, (["k"],), {"uq_jobs_key_turn"}),
    (explain._MORE_URGENT, ("high", 0, 5), {"ix_jobs_ready"}),
    (explain._BEFORE, ("high", 0, 1, "j", 5), {"ix_jobs_ready"}),
    (explain._RUNNING, (1,), {"ix_jobs_lease"}),
    (store_cold._OLDEST, (), {"ix_jobs_ready"}),
]


@pytest.mark.parametrize(("statement", "values", "indexes"), STATEMENTS)
async def test_hot_statements_walk_their_own_index(
    sqlite_database: SqliteDatabase,
    statement: RawSql,
    values: tuple[RawParam, ...],
    indexes: set[str],
) -> None:
    explain = RawSql.same(f"EXPLAIN QUERY PLAN {statement.sqlite}")
    plan = await sqlite_database.write(lambda unit: unit.fetch_raw(explain, *values))
    steps = [str(row[3]) for row in plan]
    reads = [step for step in steps if " jobs" in step]
    assert reads
    for step in reads:
        indexed = any(f"INDEX {name} " in f"{step} " for name in indexes)
        assert indexed or "PRIMARY KEY (id=?)" in step, steps
    assert not [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step], steps
