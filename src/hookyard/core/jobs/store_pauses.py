"""Pauses in rows, and the statements that move what they hold, a chunk at a time."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.pauses_model import Pause, PauseOf, Place

JOB_PAUSES = Table(
    "job_pauses",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("what", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("until_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
)

HIGHEST = 1_000_001
_COLUMNS = "id, what, name, reason, created_at_ms, created_by, until_ms"
_LIVE = "ended_at_ms IS NULL AND (until_ms IS NULL OR until_ms > $1)"
_ADD = RawSql.same(f"INSERT INTO job_pauses ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)")
_GET = RawSql.same(f"SELECT {_COLUMNS} FROM job_pauses WHERE {_LIVE} AND id = $2")
_ACTIVE = RawSql.same(f"SELECT {_COLUMNS} FROM job_pauses WHERE {_LIVE} ORDER BY id DESC")
# why: who holds a job for a pause keeps the pause from ending until that is on disk; else its end
# could let everybody go but this one job.
_OBEYED = RawSql(
    f"SELECT {_COLUMNS} FROM job_pauses WHERE {_LIVE}",
    f"SELECT {_COLUMNS} FROM job_pauses WHERE {_LIVE} FOR SHARE",
)
_END = RawSql.same("UPDATE job_pauses SET ended_at_ms = $2 WHERE id = $1 AND ended_at_ms IS NULL")
_FORGET = RawSql.same("DELETE FROM job_pauses WHERE id = $1")
_OVER = (
    f"SELECT {_COLUMNS} FROM job_pauses WHERE (ended_at_ms IS NOT NULL OR until_ms <= $1)"
    " AND ($2 = '' OR id = $2)"
)
_TAKE_OVER = RawSql(_OVER, _OVER.replace("$2", "$2::text") + " FOR UPDATE SKIP LOCKED")
_NEXT_PRIORITY = RawSql.same(
    "SELECT max(priority) FROM jobs WHERE state = 'queued' AND lane = $1 AND priority < $2"
)
_READY = RawSql.same(
    "SELECT id, kind, repository, turn FROM jobs WHERE state = 'queued' AND lane = $1"
    " AND priority = $2 AND (turn, id) > ($3, $4) ORDER BY turn, id LIMIT $5"
)
# why: a keyed job that others may overtake is left to the claim, which puts its line in order.
_HOLD = (
    "UPDATE jobs SET state = 'waiting', waiting_what = 'pause', waiting_holder = $2,"
    " waiting_until_ms = $3 WHERE id {} AND state = 'queued' AND (key IS NULL OR skippable = 0)"
)
_HOLD_ALL = RawSql(
    _HOLD.format("IN (SELECT value FROM json_each($1))"), _HOLD.format("= ANY ($1::text[])")
)
_HELD = (
    "SELECT id FROM jobs WHERE state = 'waiting' AND waiting_what <> 'time'"
    " AND waiting_what <> 'key' AND waiting_what = $1 AND waiting_holder = $2"
)
_LET_GO = RawSql.same(
    "UPDATE jobs SET waiting_until_ms = $3 WHERE id IN"
    f" ({_HELD} AND (waiting_until_ms IS NULL OR waiting_until_ms > $3) LIMIT $4)"
)
_COUNT_HELD = RawSql.same(f"SELECT count(*) FROM ({_HELD} LIMIT $3) AS held")


def add(unit: Unit, pause: Pause) -> None:
    """Keep a new pause."""
    unit.run_raw(
        _ADD, pause.id, pause.what.value, pause.name, pause.reason, pause.created_at_ms,
        pause.created_by, pause.until_ms,
    )  # fmt: skip


def get(unit: Unit, pause_id: str, now_ms: int) -> Pause | None:
    """A pause in force, by id."""
    rows = unit.fetch_raw(_GET, now_ms, pause_id)
    return _pause(rows[0]) if rows else None


def active(unit: Unit, now_ms: int) -> list[Pause]:
    """Every pause in force, newest first."""
    return [_pause(row) for row in unit.fetch_raw(_ACTIVE, now_ms)]


def obeyed(unit: Unit, now_ms: int) -> list[Pause]:
    """Every pause in force, none of which can be ended before this transaction is over."""
    return [_pause(row) for row in unit.fetch_raw(_OBEYED, now_ms)]


def end(unit: Unit, pause_id: str, now_ms: int) -> bool:
    """Put a pause out of force; its row stays until everything it held is let go."""
    return unit.run_raw(_END, pause_id, now_ms) > 0


def over(unit: Unit, now_ms: int, pause_id: str = "") -> list[Pause]:
    """Pauses out of force whose row is still there (all, or this one), locked for us alone."""
    return [_pause(row) for row in unit.fetch_raw(_TAKE_OVER, now_ms, pause_id)]


def forget(unit: Unit, pause_id: str) -> None:
    """Delete a pause's row."""
    unit.run_raw(_FORGET, pause_id)


def ready(unit: Unit, place: Place, limit: int) -> list[Row]:
    """(id, kind, repository, turn) of ready jobs of one lane and priority after a place."""
    return unit.fetch_raw(_READY, place.lane.value, place.priority, place.turn, place.job_id, limit)


def next_priority(unit: Unit, lane: Lane, below: int) -> int | None:
    """The highest priority below this one that a ready job of the lane has."""
    return store.optional_whole(unit.fetch_raw(_NEXT_PRIORITY, lane.value, below)[0][0])


def hold(unit: Unit, job_ids: Sequence[str], holder: str, until_ms: int | None) -> int:
    """Hold ready jobs for a pause, in one statement; how many."""
    return unit.run_raw(_HOLD_ALL, list(job_ids), holder, until_ms)


def let_go(unit: Unit, pause: Pause, now_ms: int, limit: int) -> int:
    """Make up to `limit` jobs due that a pause holds; how many."""
    return unit.run_raw(_LET_GO, pause.held_for, pause.words, now_ms, limit)


def held(unit: Unit, pause: Pause, at_most: int) -> int:
    """How many jobs a pause holds, counted up to `at_most`."""
    rows = unit.fetch_raw(_COUNT_HELD, pause.held_for, pause.words, at_most)
    return store.whole(rows[0][0])


def _pause(row: Row) -> Pause:
    pause_id, what, name, reason, created, by, until = row
    return Pause(
        id=str(pause_id),
        what=PauseOf(str(what)),
        name=str(name),
        reason=str(reason),
        created_at_ms=store.whole(created),
        created_by=str(by),
        until_ms=store.optional_whole(until),
    )
