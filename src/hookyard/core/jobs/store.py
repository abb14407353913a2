"""Tables of the ledger, how rows become jobs, and the statements for one job or one key.

Every index on `jobs` that the way in must maintain is paid for by each delivery, so all but two
are partial: a row that was just made ready enters the primary key, `ix_jobs_ready` and, when a
delivery caused it, `ix_jobs_delivery`.
"""

import json

import msgspec
from sqlalchemy import DDL, BigInteger, Column, Index, Integer, Table, Text, event
from sqlalchemy import text as sql

from hookyard.adapters.database.port import METADATA, RawSql, Row, SqlValue, Unit
from hookyard.core.jobs.line import Place
from hookyard.core.jobs.model import (
    Job,
    JobId,
    JobState,
    KeyPolicy,
    Lane,
    WaitingFor,
)
from hookyard.core.jobs.rules import Life, Step
from hookyard.kit.json import Json, JsonObject

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("key", Text),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=sql("0")),
    Column("max_attempts", Integer, nullable=False),
    Column("lease", BigInteger, nullable=False, server_default=sql("0")),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("run_at_ms", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("leased_until_ms", BigInteger),
    Column("worker", Text),
    Column("waiting_what", Text),
    Column("waiting_holder", Text),
    Column("waiting_until_ms", BigInteger),
    Column("cancel_requested", Integer, nullable=False, server_default=sql("0")),
    Column("delivery_id", Text),
    Column("repository", Text),
    Column("timeout_ms", BigInteger, nullable=False),
    Column("progress", Text),
    Column("result", Text),
    Column("error", Text),
    Column("version", Integer, nullable=False),
    Column("skippable", Integer, nullable=False),
    Column("party", Text),
    Column("turn", BigInteger, nullable=False, server_default=sql("0")),
    sqlite_with_rowid=False,
)
# why: a claim walks past what was claimed since the last vacuum. By default that comes when a fifth
# of the table has changed, which is a million rows beside a long history, and then may leave the
# indexes out.
event.listen(
    JOBS,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0,"
        " autovacuum_vacuum_threshold = 10000, vacuum_index_cleanup = on)"
    ).execute_if(dialect="postgresql"),
)


def _partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    fields = [sql(c) if " " in c else JOBS.c[c] for c in columns]
    return Index(
        name,
        *fields,
        unique=unique,
        sqlite_where=sql(where),
        postgresql_where=sql(where),
        _table=JOBS,
    )


UNFINISHED = "state IN ('queued', 'running', 'waiting')"

# why: `run_at_ms` at the end lets the age of the oldest ready job be read from the index alone.
_partial("ix_jobs_ready", "state = 'queued'", "lane", "priority DESC", "turn", "id", "run_at_ms")
_partial("ix_jobs_due", "state = 'waiting' AND waiting_until_ms IS NOT NULL", "waiting_until_ms")
_partial("ix_jobs_lease", "state = 'running'", "leased_until_ms")
_partial("ix_jobs_cancel", "state = 'running' AND cancel_requested = 1", "worker")
_partial(
    "ix_jobs_held",
    "state = 'waiting' AND waiting_what <> 'time' AND waiting_what <> 'key'",
    "waiting_what",
    "waiting_holder",
)
_partial("ix_jobs_line", f"key IS NOT NULL AND {UNFINISHED}", "key", "id")
_partial(
    "uq_jobs_key_turn", "key IS NOT NULL AND state IN ('queued', 'running')", "key", unique=True
)
_partial("ix_jobs_key", "key IS NOT NULL", "key", "id")
_partial("ix_jobs_delivery", "delivery_id IS NOT NULL", "delivery_id", "id")
_partial("ix_jobs_repository", "repository IS NOT NULL", "repository", "id")
_partial("ix_jobs_dead", "state = 'dead'", "id")
_partial("ix_jobs_cancelled", "state = 'cancelled'", "id")

ATTEMPTS = Table(
    "job_attempts",
    METADATA,
    Column("job_id", Text, primary_key=True),
    Column("lease", BigInteger, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("worker", Text),
    Column("started_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    sqlite_with_rowid=False,
)
LOGS = Table(
    "job_logs",
    METADATA,
    Column("job_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("fields", Text, nullable=False),
    sqlite_with_rowid=False,
)
_LONG = sql("seq % 1000 = 0")
Index("ix_job_logs_long", LOGS.c.job_id, sqlite_where=_LONG, postgresql_where=_LONG)
CRON = Table(
    "cron_jobs",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("expression", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("enabled", Integer, nullable=False),
    Column("next_run_ms", BigInteger, nullable=False),
    Column("last_run_ms", BigInteger),
    Column("last_job_id", Text),
)

COLUMNS = (
    "id, kind, lane, priority, key, policy, state, payload, attempt, max_attempts, lease, "
    "created_at_ms, run_at_ms, started_at_ms, finished_at_ms, leased_until_ms, worker, "
    "waiting_what, waiting_holder, waiting_until_ms, cancel_requested, delivery_id, repository, "
    "timeout_ms, progress, result, error, version"
)
_STATES = {state.value: state for state in JobState}
_LANES = {lane.value: lane for lane in Lane}
_POLICIES = {policy.value: policy for policy in KeyPolicy}
_decode = msgspec.json.Decoder().decode

_GET = RawSql.same(f"SELECT {COLUMNS} FROM jobs WHERE id = $1")
_TAKE = RawSql(
    f"SELECT {COLUMNS} FROM jobs WHERE id = $1",
    f"SELECT {COLUMNS} FROM jobs WHERE id = $1 FOR UPDATE",
)
_HELD = RawSql(
    "SELECT id FROM jobs WHERE id = $1 AND lease = $2 AND state = 'running'",
    "SELECT id FROM jobs WHERE id = $1 AND lease = $2 AND state = 'running' FOR UPDATE",
)
# why: SQLite would rather take the index of all jobs of a key, and so walk the key's history;
# Postgres knows by its statistics that the partial one is smaller.
LINE_ON_SQLITE = "jobs INDEXED BY ix_jobs_line"


def _of_line(text: str) -> RawSql:
    return RawSql(text.format(jobs=LINE_ON_SQLITE), text.format(jobs="jobs"))


_LINE = _of_line(
    "SELECT id, state, run_at_ms, waiting_what, waiting_holder, waiting_until_ms, policy,"
    " skippable, created_at_ms, attempt FROM {jobs}"
    f" WHERE key = $1 AND key IS NOT NULL AND {UNFINISHED} ORDER BY id LIMIT $2"
)
_LAST = _of_line(
    f"SELECT max(id) FROM {{jobs}} WHERE key = $1 AND key IS NOT NULL AND {UNFINISHED}"
)
_LIVE = RawSql.same(
    "UPDATE jobs SET state = $3, attempt = $4, lease = $5, run_at_ms = $6, waiting_what = $7,"
    " waiting_holder = $8, waiting_until_ms = $9, cancel_requested = $10, finished_at_ms = $11,"
    " result = $12, error = $13, leased_until_ms = NULL WHERE id = $1 AND lease = $2"
)
_MOVE = RawSql.same(
    "UPDATE jobs SET state = $2, waiting_what = $3, waiting_holder = $4, waiting_until_ms = $5"
    " WHERE id = $1 AND state IN ('queued', 'waiting')"
)
_ASK_STOP = RawSql.same("UPDATE jobs SET cancel_requested = 1 WHERE id = $1 AND state = 'running'")
_FOLD = RawSql.same(
    "UPDATE jobs SET payload = $2, run_at_ms = $3, waiting_until_ms ="
    " CASE WHEN waiting_what = 'time' THEN $4 ELSE waiting_until_ms END WHERE id = $1"
)
_PAYLOAD = RawSql.same("UPDATE jobs SET payload = $2 WHERE id = $1")
_PROGRESS = RawSql.same("UPDATE jobs SET progress = $2 WHERE id = $1")
_ATTEMPT = RawSql.same(
    "INSERT INTO job_attempts (job_id, lease, attempt, worker, started_at_ms, finished_at_ms,"
    " outcome, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)


def encode(value: Json) -> str:
    """JSON text of a value; TypeError or ValueError when it is none, before any SQL runs.

    # why: lone surrogates have no UTF-8 and no JSON reader but Python's takes them back; they
    become "?".
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()


def maybe(value: Json) -> str | None:
    """As `encode`, with None as SQL NULL."""
    return None if value is None else encode(value)


def decoded(value: SqlValue) -> Json:
    """The value of a JSON column; NULL is None."""
    if value is None:
        return None
    got: Json = _decode(str(value))
    return got


def job_of(row: Row) -> Job:
    """A row of `COLUMNS` as a job."""
    (
        job_id, kind, lane, priority, key, policy, state, payload, attempt, max_attempts, lease,
        created, run_at, started, finished, leased, worker, what, holder, until, cancel,
        delivery_id, repository, timeout_ms, progress, result, error, version,
    ) = row  # fmt: skip
    return Job(
        id=JobId(job_id),  # type: ignore[arg-type]
        kind=kind,  # type: ignore[arg-type]
        lane=_LANES[lane],  # type: ignore[index]
        priority=priority,  # type: ignore[arg-type]
        key=key,  # type: ignore[arg-type]
        policy=_POLICIES[policy],  # type: ignore[index]
        state=_STATES[state],  # type: ignore[index]
        payload=_decode(payload),  # type: ignore[arg-type]
        attempt=attempt,  # type: ignore[arg-type]
        max_attempts=max_attempts,  # type: ignore[arg-type]
        lease=lease,  # type: ignore[arg-type]
        created_at_ms=created,  # type: ignore[arg-type]
        run_at_ms=run_at,  # type: ignore[arg-type]
        started_at_ms=started,  # type: ignore[arg-type]
        finished_at_ms=finished,  # type: ignore[arg-type]
        leased_until_ms=leased,  # type: ignore[arg-type]
        worker=worker,  # type: ignore[arg-type]
        waiting_for=_waiting(what, holder, until),
        cancel_requested=bool(cancel),
        delivery_id=delivery_id,  # type: ignore[arg-type]
        repository=repository,  # type: ignore[arg-type]
        timeout_s=timeout_ms / 1000,  # type: ignore[operator]
        progress=decoded(progress),
        result=decoded(result),
        error=decoded(error),
        version=version,  # type: ignore[arg-type]
    )


def whole(value: SqlValue) -> int:
    """An integer column that is never NULL."""
    if not isinstance(value, int):
        raise TypeError(f"expected an integer column, got {type(value).__name__}")
    return value


def optional_whole(value: SqlValue) -> int | None:
    """An integer column that may be NULL."""
    return None if value is None else whole(value)


def _waiting(what: SqlValue, holder: SqlValue, until: SqlValue) -> WaitingFor | None:
    if what is None:
        return None
    return WaitingFor(str(what), None if holder is None else str(holder), optional_whole(until))


def get(unit: Unit, job_id: str) -> Job | None:
    """A job by id."""
    rows = unit.fetch_raw(_GET, job_id)
    return job_of(rows[0]) if rows else None


def take(unit: Unit, job_id: str) -> Job | None:
    """A job by id, its row locked until the transaction ends."""
    rows = unit.fetch_raw(_TAKE, job_id)
    return job_of(rows[0]) if rows else None


def holds_lease(unit: Unit, job_id: str, lease: int) -> bool:
    """Whether this attempt still runs; its row stays locked until the transaction ends."""
    return bool(unit.fetch_raw(_HELD, job_id, lease))


def line_of(unit: Unit, key: str, limit: int) -> list[Place]:
    """The first unfinished jobs of a key, in order of arrival."""
    return [
        Place(
            job_id=JobId(str(job_id)),
            state=_STATES[str(state)],
            run_at_ms=whole(run_at),
            waiting_for=_waiting(what, holder, until),
            policy=_POLICIES[str(policy)],
            skippable=bool(skippable),
            created_at_ms=whole(created),
            attempt=whole(attempt),
        )
        for (
            job_id, state, run_at, what, holder, until, policy, skippable, created, attempt
        ) in unit.fetch_raw(_LINE, key, limit)
    ]  # fmt: skip


def last_of(unit: Unit, key: str) -> JobId | None:
    """The newest unfinished job of a key."""
    value = unit.fetch_raw(_LAST, key)[0][0]
    return None if value is None else JobId(str(value))


def write_life(unit: Unit, job_id: str, lease: int, life: Life) -> None:
    """Store what the state machine decided, for the row that still has this lease."""
    waiting = life.waiting_for or WaitingFor("")
    unit.run_raw(
        _LIVE,
        job_id,
        lease,
        life.state.value,
        life.attempt,
        life.lease,
        life.run_at_ms,
        waiting.what or None,
        waiting.holder,
        waiting.until_ms,
        int(life.cancel_requested),
        life.finished_at_ms,
        maybe(life.result),
        maybe(life.error),
    )


def move(unit: Unit, job_id: str, waiting: WaitingFor | None) -> None:
    """Make a job that does not run ready (None), or hold it behind `waiting`."""
    if waiting is None:
        unit.run_raw(_MOVE, job_id, "queued", None, None, None)
    else:
        unit.run_raw(_MOVE, job_id, "waiting", waiting.what, waiting.holder, waiting.until_ms)


def ask_to_stop(unit: Unit, job_id: str) -> None:
    """Note on a running job that it should end."""
    unit.run_raw(_ASK_STOP, job_id)


def fold(unit: Unit, job_id: str, payload: JsonObject, until_ms: int | None) -> None:
    """Give a job that has not started a newer payload, and a debounce its new end."""
    if until_ms is None:
        unit.run_raw(_PAYLOAD, job_id, encode(payload))
    else:
        unit.run_raw(_FOLD, job_id, encode(payload), until_ms, until_ms)


def set_progress(unit: Unit, job_id: str, value: Json) -> None:
    """Replace the progress of a job; the caller holds its lease."""
    unit.run_raw(_PROGRESS, job_id, encode(value))


def add_attempt(unit: Unit, job: Job, step: Step, now_ms: int) -> None:
    """The history row of an attempt that ended."""
    unit.run_raw(
        _ATTEMPT,
        job.id,
        job.lease,
        job.attempt,
        job.worker,
        job.started_at_ms,
        now_ms,
        step.ended.value,
        maybe(step.error),
    )
