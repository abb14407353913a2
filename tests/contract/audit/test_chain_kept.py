"""The trail as a chain in each engine: gapless, append-only, purged under a signature."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from hookyard.adapters.database.migrate import alembic_config, migrate
from hookyard.adapters.database.port import Database, RawSql, Unit
from hookyard.core.audit.export import ExportReader, Report, export, verify
from hookyard.core.audit.keeping import Keeper
from hookyard.core.audit.model import AuditEntry, AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey, audit_key, existing_key, trust
from hookyard.core.audit.store import AUDIT
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.kit.secret import Secret

KEY = AuditKey([b"k" * 32])
TRUSTED = trust(KEY.trusted)
DAY_S = 86_400.0


class Trail:
    """A trail that is written, kept, tampered with and verified."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database = database
        self.clock = clock
        self.audit = Audit(ids)

    async def write(self, count: int = 1, tenant: str = "default") -> None:
        for n in range(count):
            entry = AuditEntry("user:u", "act", f"t:{n}", detail={"n": n}, tenant=tenant)
            now_ms = self.clock.now_ms()
            await self.database.write(lambda u, e=entry, at=now_ms: self.audit.record(u, e, at))  # type: ignore[misc]

    async def report(self, tenant: str = "default") -> Report:
        """What verifying finds, in place and through an export alike."""
        there = await verify(self.database, tenant, TRUSTED)
        reader = ExportReader(TRUSTED)
        async for line in export(self.database, tenant):
            reader.feed(line)
        assert reader.end() == there
        return there

    async def keep(self, days: int | None = None) -> None:
        await Keeper(KEY, self.audit, self.clock, days).turn(self.database)

    async def run(self, sql: str, *given: int) -> int:
        return await self.database.write(lambda unit: unit.run_raw(RawSql.same(sql), *given))

    async def count(self) -> int:
        rows = await self.database.read(
            lambda unit: unit.fetch_raw(RawSql.same("SELECT count(*) FROM audit"))
        )
        return int(str(rows[0][0]))

    async def without_triggers(self) -> None:
        """As an administrator of the database could."""

        def drop(unit: Unit) -> None:
            for verb in ("update", "delete"):
                on = " ON audit" if unit.dialect == "postgresql" else ""
                unit.run_raw(RawSql.same(f"DROP TRIGGER audit_no_{verb}{on}"))

        await self.database.write(drop)


@pytest.fixture
def trail(database: Database, clock: ManualClock, ids: IdMaker) -> Trail:
    return Trail(database, clock, ids)


async def test_units_that_record_at_once_make_one_chain(trail: Trail) -> None:
    async def several(n: int) -> None:
        def work(unit: Unit) -> None:
            for m in range(3):
                entry = AuditEntry(f"user:{n}", "act", str(m))
                trail.audit.record(unit, entry, trail.clock.now_ms())

        await trail.database.write(work)

    await asyncio.gather(*(several(n) for n in range(30)))
    report = await trail.report()
    assert (report.broken, report.entries, report.head_seq) == (None, 90, 90)


async def test_a_unit_that_fails_leaves_no_gap(trail: Trail) -> None:
    def fails(unit: Unit) -> None:
        trail.audit.record(unit, AuditEntry("a", "b", "c"), trail.clock.now_ms())
        raise ValueError("nothing happened")

    async def failing() -> None:
        with pytest.raises(ValueError, match="nothing happened"):
            await trail.database.write(fails)

    works: list[Callable[[], Awaitable[None]]] = [trail.write, failing] * 8
    await asyncio.gather(*(work() for work in works))
    report = await trail.report()
    assert (report.broken, report.entries, report.head_seq) == (None, 8, 8)


async def test_units_that_lock_rows_in_any_order_do_not_block_each_other(trail: Trail) -> None:
    """# why: the head is locked last; locked when recording, these would wait for each other."""
    await trail.database.write(
        lambda u: u.run_raw(RawSql.same("CREATE TABLE test_rows (id INTEGER, n INTEGER)"))
    )
    for row in (1, 2):
        await trail.run("INSERT INTO test_rows VALUES ($1, 0)", row)
    touch = RawSql.same("UPDATE test_rows SET n = n + 1 WHERE id = $1")

    async def both(first: int, second: int) -> None:
        def work(unit: Unit) -> None:
            trail.audit.record(unit, AuditEntry("a", "b", "c"), trail.clock.now_ms())
            unit.lock("rows")
            unit.run_raw(touch, first)
            trail.audit.record(unit, AuditEntry("a", "b", "c"), trail.clock.now_ms())
            unit.run_raw(touch, second)

        await trail.database.write(work)

    await asyncio.gather(*(both(1 + n % 2, 2 - n % 2) for n in range(20)))
    assert (await trail.report()).head_seq == 40


async def test_each_tenant_has_its_own_chain(trail: Trail) -> None:
    await trail.write(2)
    await trail.write(3, "other")
    assert [(await trail.report(t)).entries for t in ("default", "other", "none")] == [2, 3, 0]
    page = await trail.database.read(
        lambda u: trail.audit.list_page(u, AuditFilter(), None, 50, "other")
    )
    assert [(found.seq, found.entry.tenant) for found in page.items] == [
        (3, "other"), (2, "other"), (1, "other"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET actor = 'user:mallory'",
        "DELETE FROM audit",
        "UPDATE audit_heads SET seq = 1",
        "UPDATE audit_heads SET hash = 'x'",
        "DELETE FROM audit_heads",
        "UPDATE audit_checkpoints SET seq = 9",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit",
        "TRUNCATE audit_heads",
        "TRUNCATE audit_checkpoints",
    ],
)
async def test_the_database_refuses_to_change_the_trail(trail: Trail, sql: str) -> None:
    if sql.startswith("TRUNCATE") and trail.database.dialect == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    await trail.write(3)
    await trail.keep()
    with pytest.raises(Exception, match="append-only"):
        await trail.run(sql)
    report = await trail.report()
    assert (report.broken, report.entries, report.checkpoints) == (None, 3, 1)


async def test_what_is_done_past_the_triggers_is_found(trail: Trail) -> None:
    """Attack: an administrator of the database changes, removes, adds and moves entries."""
    await trail.write(9)
    await trail.without_triggers()
    draw = random.Random(7)
    for _ in range(12):
        seq = draw.randint(1, 9)
        saved = await trail.database.read(
            lambda u, s=seq: u.first(sa.select(AUDIT).where(AUDIT.c.seq == s))  # type: ignore[misc]
        )
        assert saved is not None
        done = draw.choice(
            [
                "UPDATE audit SET target = 't:x' WHERE seq = $1",
                "UPDATE audit SET detail = '{ }' WHERE seq = $1",
                "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = $1",
                "DELETE FROM audit WHERE seq = $1",
                "UPDATE audit SET seq = seq + 100 WHERE seq = $1",
            ]
        )
        await trail.run(done, seq)
        report = await trail.report()
        assert report.broken is not None, done
        assert report.broken.seq == seq, done

        def mend(unit: Unit, row: dict[str, object]) -> None:
            unit.run(sa.delete(AUDIT).where(AUDIT.c.id == row["id"]))
            unit.run(sa.insert(AUDIT).values(row))

        await trail.database.write(partial(mend, row=dict(saved)))
        assert (await trail.report()).broken is None


async def test_an_entry_put_behind_the_head_is_found(trail: Trail) -> None:
    await trail.write(2)
    await trail.run("INSERT INTO audit_heads (tenant, seq, hash) VALUES ('ghost', 4, 'x')")
    report = await trail.report("ghost")
    assert report.broken is not None
    assert report.broken.what == "entries 1 to 4 are missing"


async def test_a_chain_is_signed_when_it_moved_on(trail: Trail) -> None:
    await trail.keep()
    await trail.write(2)
    await trail.keep()
    await trail.keep()
    assert (await trail.report()).checkpoints == 1
    await trail.write()
    await trail.keep()
    report = await trail.report()
    assert (report.checkpoints, report.broken) == (2, None)


async def test_old_entries_go_under_a_signature_and_the_rest_holds(trail: Trail) -> None:
    await trail.write(5)
    trail.clock.advance(40 * DAY_S)
    await trail.write(2)
    await trail.keep(30)
    report = await trail.report()
    assert (report.broken, report.entries, report.head_seq) == (None, 3, 8)
    assert await trail.count() == 3
    page = await trail.database.read(lambda u: trail.audit.list_page(u, AuditFilter(), None, 1))
    assert (page.items[0].entry.action, page.items[0].entry.target) == ("audit.purge", "audit:5")
    await trail.keep(30)
    assert (await trail.report()).entries == 3
    with pytest.raises(Exception, match="append-only"):
        await trail.run("DELETE FROM audit WHERE seq = 6")


async def test_the_head_itself_is_never_purged(trail: Trail) -> None:
    await trail.write(3)
    trail.clock.advance(400 * DAY_S)
    await trail.keep(30)
    report = await trail.report()
    assert (report.broken, report.head_seq) == (None, 4)
    assert await trail.count() == 2


async def test_a_purge_that_died_half_way_is_finished_later(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trail.write(6)
    trail.clock.advance(40 * DAY_S)
    await trail.write()
    monkeypatch.setattr("hookyard.core.audit.keeping.PORTION", 2)
    real, dropped = trail.database.write, 0

    async def dying(work: Callable[[Unit], object]) -> object:
        nonlocal dropped
        dropped += 1
        if dropped == 3:
            raise RuntimeError("killed")
        return await real(work)

    monkeypatch.setattr(trail.database, "write", dying)
    with pytest.raises(RuntimeError, match="killed"):
        await trail.keep(30)
    monkeypatch.setattr(trail.database, "write", real)
    half = await trail.report()
    assert half.broken is None
    assert await trail.count() == 6
    await trail.keep(30)
    assert (await trail.report()).broken is None
    assert await trail.count() == 2


async def test_a_migration_chains_what_was_there(
    database: Database, clock: ManualClock, ids: IdMaker
) -> None:
    from alembic import command

    def back_to_the_first(unit: Unit) -> None:
        meta = sa.MetaData()
        meta.reflect(unit.connection)
        meta.drop_all(unit.connection)
        command.upgrade(alembic_config(unit), "0001")
        add = sa.text(
            "INSERT INTO audit (id, at_ms, actor, action, target, outcome, reason, detail)"
            " VALUES (:id, :at, 'user:ü', 'act', 't', 'done', '', :detail)"
        )
        rows = [
            {"id": ids.new(clock.now_ms() + n), "at": clock.now_ms() + n, "detail": '{"n":1}'}
            for n in range(2_500)
        ]
        unit.run(add, rows)

    await database.write(back_to_the_first)
    await migrate(database)
    trail = Trail(database, clock, ids)
    report = await trail.report()
    assert (report.broken, report.entries) == (None, 2_500)
    await trail.write()
    assert (await trail.report()).head_seq == 2_501
    with pytest.raises(Exception, match="append-only"):
        await trail.run("DELETE FROM audit")


def test_the_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "data" / "audit.key"
    assert existing_key((), path) is None
    made = audit_key((), path)
    assert audit_key((), path).public == made.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["audit.key"]
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        audit_key((), path)
    given = audit_key((Secret("ab" * 32), Secret("cd" * 32)), path)
    assert len(given.trusted) == 2
    for wrong in ("ab", "xy" * 32):
        with pytest.raises(ConfigurationError, match="HOOKYARD_AUDIT_KEY") as refused:
            audit_key((Secret(wrong),), path)
        assert wrong not in str(refused.value).replace("audit", "").replace("hexadecimal", "")
