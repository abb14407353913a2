"""What people and upkeep ask of the ledger: lists, counts, logs, held jobs, purges.

None of these walks the finished rows except a list that asks for them: unfinished states are
counted and found through partial indexes, and a purge starts at the oldest id.
"""

from collections.abc import Sequence

from sqlalchemy import Select, select, text

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import (
    Attempt,
    Job,
    JobBrief,
    JobFilter,
    JobId,
    JobState,
    Lane,
    LogLine,
)
from hookyard.core.jobs.store import COLUMNS, JOBS
from hookyard.kit.ids import encode as id_of
from hookyard.kit.json import Json, JsonObject, as_object
from hookyard.kit.pages import Page, clamp_limit, decode_cursor, encode_cursor

MAX_MESSAGE_BYTES = 4_096
MAX_FIELDS_BYTES = 16_384
MAX_LINES = 10_000

_NAMES = COLUMNS.split(", ")
_HELD = "state = 'waiting' AND waiting_what <> 'time' AND waiting_what <> 'key'"
_EXPIRED = RawSql.same(
    "SELECT id, key FROM jobs WHERE state = 'running' AND leased_until_ms < $1"
    " ORDER BY leased_until_ms LIMIT $2"
)
# why: an agent that leased over HTTP lives on when this process does not.
_OF_OTHER_BOOTS = RawSql.same(
    "SELECT id, key FROM jobs WHERE state = 'running'"
    " AND (worker IS NULL OR substr(worker, 1, length($1)) <> $1 AND worker NOT LIKE 'agent:%')"
    " ORDER BY id"
)
_TO_STOP = RawSql.same(
    "SELECT id, lease FROM jobs WHERE state = 'running' AND cancel_requested = 1 AND worker = $1"
)
_UNKNOWN = RawSql.same(
    f"SELECT waiting_holder, version, count(*) FROM jobs WHERE {_HELD} AND waiting_what = 'kind'"
    " GROUP BY waiting_holder, version"
)
_RELEASE = RawSql.same(
    f"UPDATE jobs SET waiting_until_ms = $3 WHERE {_HELD} AND waiting_what = $1"
    " AND waiting_holder = $2"
)
_RELEASE_KIND = RawSql.same(
    f"UPDATE jobs SET waiting_until_ms = $3 WHERE {_HELD} AND waiting_what = 'kind'"
    " AND waiting_holder = $1 AND version <= $2"
)
_COUNT = "SELECT state, lane, count(*) FROM {} WHERE {} GROUP BY state, lane"
_IN_LINE = f"key IS NOT NULL AND {store.UNFINISHED} AND state = 'waiting' AND waiting_what = 'key'"
_COUNTS = (
    RawSql.same(_COUNT.format("jobs", "state = 'queued'")),
    RawSql.same(_COUNT.format("jobs", "state = 'running'")),
    RawSql.same(_COUNT.format("jobs", "state = 'waiting' AND waiting_until_ms IS NOT NULL")),
    RawSql.same(_COUNT.format("jobs", f"{_HELD} AND waiting_until_ms IS NULL")),
    RawSql(_COUNT.format(store.LINE_ON_SQLITE, _IN_LINE), _COUNT.format("jobs", _IN_LINE)),
    RawSql.same(_COUNT.format("jobs", "state = 'dead'")),
)
_OLDEST = RawSql.same("SELECT lane, min(run_at_ms) FROM jobs WHERE state = 'queued' GROUP BY lane")
_LOG_SEQ = RawSql.same("SELECT max(seq) FROM job_logs WHERE job_id = $1")
_LOG = RawSql.same(
    "INSERT INTO job_logs (job_id, seq, attempt, at_ms, level, message, fields)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_LOGS = RawSql.same(
    "SELECT seq, attempt, at_ms, level, message, fields FROM job_logs"
    " WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
)
_ATTEMPTS = RawSql.same(
    "SELECT lease, attempt, worker, started_at_ms, finished_at_ms, outcome, error"
    " FROM job_attempts WHERE job_id = $1 ORDER BY lease"
)
_OLD = RawSql.same(
    "SELECT id FROM jobs WHERE id < $1 AND finished_at_ms < $2"
    " AND state IN ('succeeded', 'dead', 'cancelled') ORDER BY id LIMIT $3"
)
_IN = "IN (SELECT value FROM json_each($1))"
_DELETES = tuple(
    RawSql(f"DELETE FROM {table} WHERE {column} {_IN}", f"DELETE FROM {table} WHERE {column}"
           " = ANY ($1::text[])")
    for table, column in (("job_logs", "job_id"), ("job_attempts", "job_id"), ("jobs", "id"))
)  # fmt: skip


def _filtered(wanted: JobFilter) -> Select[tuple[str]]:
    query = select(*(JOBS.c[name] for name in _NAMES))
    if wanted.state is not None:
        # why: only a literal lets SQLite see that a partial index applies.
        query = query.where(text(f"state = '{wanted.state.value}'"))
    if wanted.lane is not None:
        query = query.where(JOBS.c.lane == wanted.lane.value)
    for name in ("kind", "key", "repository", "delivery_id"):
        value: str | None = getattr(wanted, name)
        if value is not None:
            query = query.where(JOBS.c[name] == value)
    return query


def listed(unit: Unit, wanted: JobFilter, cursor: str | None, limit: int | None) -> Page[Job]:
    """Jobs newest first, a page at a time."""
    size = clamp_limit(limit)
    query = _filtered(wanted)
    if cursor is not None:
        (before,) = decode_cursor(cursor, (str,))
        query = query.where(JOBS.c.id < str(before))
    rows = unit.fetch(query.order_by(JOBS.c.id.desc()).limit(size + 1))
    jobs = tuple(store.job_of(tuple(row[name] for name in _NAMES)) for row in rows)
    more = len(jobs) > size
    return Page(jobs[:size], encode_cursor(jobs[size - 1].id) if more else None)


def of_deliveries(unit: Unit, delivery_ids: Sequence[str]) -> dict[str, list[JobBrief]]:
    """The jobs that each of these deliveries caused, oldest first, in one query."""
    found: dict[str, list[JobBrief]] = {delivery_id: [] for delivery_id in delivery_ids}
    query = (
        select(*(JOBS.c[name] for name in ("id", "kind", "state", "repository", "delivery_id")))
        .where(JOBS.c.delivery_id.in_(delivery_ids), JOBS.c.delivery_id.is_not(None))
        .order_by(JOBS.c.id)
    )
    for row in unit.fetch(query) if delivery_ids else ():
        brief = JobBrief(JobId(row["id"]), row["kind"], JobState(row["state"]), row["repository"])
        found[row["delivery_id"]].append(brief)
    return found


def matching(unit: Unit, wanted: JobFilter, limit: int) -> list[tuple[str, str | None]]:
    """Ids and keys of jobs that match, oldest first."""
    query = _filtered(wanted).order_by(JOBS.c.id).limit(limit)
    return [(row["id"], row["key"]) for row in unit.fetch(query)]


def expired(unit: Unit, now_ms: int, limit: int) -> list[tuple[str, str | None]]:
    """Ids and keys of running jobs whose lease has run out."""
    return _pairs(unit.fetch_raw(_EXPIRED, now_ms, limit))


def of_other_boots(unit: Unit, boot_id: str) -> list[tuple[str, str | None]]:
    """Ids and keys of running jobs whose worker's name does not begin with this boot."""
    return _pairs(unit.fetch_raw(_OF_OTHER_BOOTS, f"{boot_id}/"))


def _pairs(rows: Sequence[tuple[object, ...]]) -> list[tuple[str, str | None]]:
    return [(str(job_id), None if key is None else str(key)) for job_id, key in rows]


def to_stop(unit: Unit, worker: str) -> set[tuple[str, int]]:
    """(id, lease) of this worker's jobs that were asked to stop."""
    rows = unit.fetch_raw(_TO_STOP, worker)
    return {(str(job_id), store.whole(lease)) for job_id, lease in rows}


def unknown_kinds(unit: Unit) -> dict[tuple[str, int], int]:
    """Jobs held because no worker knew their (kind, version), counted."""
    return {
        (str(kind), store.whole(version)): store.whole(count)
        for kind, version, count in unit.fetch_raw(_UNKNOWN)
    }


def release(unit: Unit, what: str, holder: str, now_ms: int) -> int:
    """Make jobs held by this name due; the next claim makes them ready."""
    return unit.run_raw(_RELEASE, what, holder, now_ms)


def release_kind(unit: Unit, kind: str, version: int, now_ms: int) -> int:
    """Make jobs of a kind that is known now due."""
    return unit.run_raw(_RELEASE_KIND, kind, version, now_ms)


def counts(unit: Unit) -> dict[tuple[JobState, Lane], int]:
    """Unfinished and dead jobs by state and lane; what is not there counts 0."""
    found = dict.fromkeys(
        ((s, lane) for s in JobState for lane in Lane if s.value not in ("succeeded", "cancelled")),
        0,
    )
    for query in _COUNTS:
        for state, lane, count in unit.fetch_raw(query):
            found[JobState(str(state)), Lane(str(lane))] += store.whole(count)
    return found


def oldest_ready(unit: Unit) -> dict[Lane, int]:
    """Since when the longest waiting ready job of each lane could have run; only lanes with one."""
    return {Lane(str(lane)): store.whole(run_at_ms) for lane, run_at_ms in unit.fetch_raw(_OLDEST)}


def clip(message: str, limit: int) -> str:
    """Text of at most `limit` bytes, cut at a character, without NUL or lone surrogates."""
    raw = message.replace("\x00", "\ufffd").encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - 3].decode("utf-8", "ignore") + "…"


def add_log(
    unit: Unit, job_id: str, attempt: int, at_ms: int, level: str, message: str, fields: JsonObject
) -> LogLine | None:
    """Append a line; None once the log is full, whose last line says so."""
    last = unit.fetch_raw(_LOG_SEQ, job_id)[0][0]
    seq = 1 if last is None else store.whole(last) + 1
    if seq > MAX_LINES:
        return None
    if seq == MAX_LINES:
        level, message, fields = "warning", "the log is full; later lines are dropped", {}
    kept = store.encode(fields)
    if len(kept) > MAX_FIELDS_BYTES:
        fields = {"dropped": "fields larger than 16 kB"}
        kept = store.encode(fields)
    line = LogLine(seq, attempt, at_ms, level, clip(message, MAX_MESSAGE_BYTES), fields)
    unit.run_raw(_LOG, job_id, seq, attempt, at_ms, level, line.message, kept)
    return line


def logs(unit: Unit, job_id: str, cursor: str | None, limit: int | None) -> Page[LogLine]:
    """Lines of a job's log, oldest first, a page at a time."""
    size = clamp_limit(limit)
    after = 0 if cursor is None else decode_cursor(cursor, (int,))[0]
    lines = tuple(
        LogLine(
            store.whole(seq), store.whole(attempt), store.whole(at_ms), str(level), str(message),
            as_object(store.decoded(fields)),
        )
        for seq, attempt, at_ms, level, message, fields in unit.fetch_raw(
            _LOGS, job_id, after, size + 1
        )
    )  # fmt: skip
    more = len(lines) > size
    return Page(lines[:size], encode_cursor(lines[size - 1].seq) if more else None)


def attempts_of(unit: Unit, job_id: str) -> Sequence[Attempt]:
    """The history of a job, oldest first."""
    return [
        Attempt(
            job_id=JobId(job_id),
            lease=store.whole(lease),
            attempt=store.whole(attempt),
            worker=None if worker is None else str(worker),
            started_at_ms=store.optional_whole(started),
            finished_at_ms=store.whole(finished),
            outcome=str(outcome),
            error=as_object(store.decoded(error)) if error is not None else None,
        )
        for lease, attempt, worker, started, finished, outcome, error in unit.fetch_raw(
            _ATTEMPTS, job_id
        )
    ]


def purge(unit: Unit, before_ms: int, limit: int) -> list[JobId]:
    """Delete jobs that ended before an instant, oldest first, with attempts and logs."""
    rows = unit.fetch_raw(_OLD, id_of(max(0, before_ms) << 80), before_ms, limit)
    ids = [JobId(str(job_id)) for (job_id,) in rows]
    if ids:
        for statement in _DELETES:
            unit.run_raw(statement, ids)
    return ids


def detail(value: Json) -> str:
    """The reason inside an error value, for one line of text."""
    return str(as_object(value).get("reason", ""))
