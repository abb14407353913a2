"""The three statements every job passes through: insert, claim, finish. Written by hand.

Each handles a whole batch, and none reads more rows than it returns: the claim walks the partial
index of ready rows, so neither the history nor what waits makes it slower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import RawSql, Row, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import Job, Lane
from hookyard.core.jobs.rules import LANES
from hookyard.core.jobs.store_fairness import TURN_OF_LANES, turn_of

_INSERT_COLUMNS = (
    "id, kind, lane, priority, key, policy, state, payload, max_attempts, created_at_ms,"
    " run_at_ms, waiting_what, waiting_holder, waiting_until_ms, delivery_id, repository,"
    " timeout_ms, version, skippable, party, turn"
)
_INSERT = RawSql.same(
    f"INSERT INTO jobs ({_INSERT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    f" $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, {turn_of('$21', '$3')})"
)
_PLAIN_COLUMNS = (
    "id, kind, lane, priority, policy, state, payload, max_attempts, created_at_ms, run_at_ms,"
    " delivery_id, repository, timeout_ms, version, skippable, party, turn"
)
_PLAIN_ONE = (
    f"INSERT INTO jobs ({_PLAIN_COLUMNS}) VALUES ($1, $2, $3, $4, 'queue', 'queued', $5, $6, $7,"
    f" $7, $8, $9, $10, $11, $12, $13, {turn_of('$14', '$3')})"
)
_PLAIN = RawSql(
    _PLAIN_ONE,
    f"INSERT INTO jobs ({_PLAIN_COLUMNS}) SELECT i, k, l, p, 'queue', 'queued', b, m, $7, $7,"
    f" nullif(d, ''), nullif(r, ''), t, v, s, nullif(y, ''), {TURN_OF_LANES}"
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],"
    " $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[],"
    " $14::bigint[]) AS n(i, k, l, p, b, m, d, r, t, v, s, y, w)",
)
# why: one statement over all of them takes a quarter less than one for each; both ids of a job are
# one text, since SQLite takes longer to look into an array of arrays.
_FOR_DELIVERY = (
    "INSERT INTO jobs (id, kind, lane, priority, policy, state, payload, max_attempts,"
    " created_at_ms, run_at_ms, delivery_id, timeout_ms, version, skippable, turn)"
    " SELECT {job}, $1, $2, $3, 'queue', 'queued',"
    """ '{{"delivery_id":"' || {delivery} || '"}}', $4, $5, $5, {delivery}, $6, $7, $8, {turn}"""
    " FROM {rows}"
)
_FOR_DELIVERIES = RawSql(
    _FOR_DELIVERY.format(
        job="substr(value, 1, 26)",
        delivery="substr(value, 27)",
        turn=turn_of(None, "$2"),
        rows="json_each($9)",
    ),
    _FOR_DELIVERY.format(
        job="i",
        delivery="d",
        turn=turn_of(None, "$2"),
        rows="unnest($9::text[], $10::text[]) AS n(i, d)",
    ),
)


def _ready(lane: Lane, parameter: str, *, lock: bool) -> str:
    skip = " FOR UPDATE SKIP LOCKED" if lock else ""
    return (
        f"SELECT id FROM (SELECT id FROM jobs WHERE state = 'queued' AND lane = '{lane.value}'"
        f" ORDER BY priority DESC, turn, id LIMIT {parameter}{skip}) AS {lane.value}_lane"
    )


def _all_ready(*, lock: bool) -> str:
    return " UNION ALL ".join(
        _ready(lane, f"${4 + index}", lock=lock) for index, lane in enumerate(LANES)
    )


_CLAIM_SET = (
    "SET state = 'running', attempt = attempt + 1, lease = lease + 1, started_at_ms = $1,"
    " leased_until_ms = $2, worker = $3, cancel_requested = 0"
)
_CLAIM = RawSql(
    f"UPDATE jobs {_CLAIM_SET} WHERE id IN ({_all_ready(lock=False)})"
    f" RETURNING {store.COLUMNS}, turn",
    f"WITH picked AS MATERIALIZED ({_all_ready(lock=True)}) UPDATE jobs {_CLAIM_SET}"
    " WHERE id = ANY (ARRAY(SELECT id FROM picked)) AND state = 'queued'"
    f" RETURNING {store.COLUMNS}, turn",
)


def _look(jobs: str) -> str:
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM {jobs} WHERE state = 'queued'"
        f" AND lane = '{lane.value}' LIMIT $1) AS {lane.value}_lane)"
        for lane in LANES
    )
    return (
        "SELECT (SELECT min(waiting_until_ms) FROM jobs WHERE state = 'waiting'"
        f" AND waiting_until_ms IS NOT NULL), (SELECT count(*) FROM job_pauses), {counts}"
    )


# why: on a file that somebody has analysed SQLite would rather walk the whole table.
_LOOK = RawSql(_look("jobs INDEXED BY ix_jobs_ready"), _look("jobs"))
_DUE = "state = 'waiting' AND waiting_until_ms IS NOT NULL AND waiting_until_ms <= $1"
_PROMOTE = (
    "UPDATE jobs SET state = 'queued', waiting_what = NULL, waiting_holder = NULL,"
    " waiting_until_ms = NULL WHERE id IN (SELECT id FROM jobs WHERE "
    f"{_DUE} AND key IS NULL ORDER BY waiting_until_ms LIMIT $2"
)
_MOVED = " RETURNING id, lane, party, turn"
_PROMOTE_DUE = RawSql(f"{_PROMOTE}){_MOVED}", f"{_PROMOTE} FOR UPDATE SKIP LOCKED){_MOVED}")
_KEYS_DUE = RawSql.same(
    f"SELECT DISTINCT key FROM (SELECT key FROM jobs WHERE {_DUE} AND key IS NOT NULL"
    " ORDER BY waiting_until_ms LIMIT $2) AS due"
)
_DUE_OF_KEY = RawSql(
    f"SELECT id FROM jobs INDEXED BY ix_jobs_due WHERE {_DUE} AND key = $2",
    f"SELECT id FROM jobs WHERE {_DUE} AND key = $2",
)
_RUNNING = RawSql.same(
    "SELECT id, lease FROM jobs WHERE state = 'running' AND id IN (SELECT value FROM json_each($1))"
)
_SUCCEED_ONE = RawSql.same(
    "UPDATE jobs SET state = 'succeeded', finished_at_ms = $2, leased_until_ms = NULL,"
    " result = $3, error = NULL WHERE id = $1"
)
_HISTORY_ONE = RawSql.same(
    "INSERT INTO job_attempts (job_id, lease, attempt, worker, started_at_ms, finished_at_ms,"
    " outcome) VALUES ($1, $2, $3, $4, $5, $6, 'succeeded')"
)
_SUCCEED = RawSql.same(
    "WITH done AS (UPDATE jobs AS j SET state = 'succeeded', finished_at_ms = $4,"
    " leased_until_ms = NULL, result = nullif(n.r, 'null'), error = NULL"
    " FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n(i, l, r)"
    " WHERE j.id = n.i AND j.lease = n.l AND j.state = 'running'"
    " RETURNING j.id, j.lease, j.attempt, j.worker, j.started_at_ms)"
    " INSERT INTO job_attempts (job_id, lease, attempt, worker, started_at_ms, finished_at_ms,"
    " outcome) SELECT id, lease, attempt, worker, started_at_ms, $4, 'succeeded' FROM done"
    " RETURNING job_id"
)
_EXTEND_ONE = RawSql.same(
    "UPDATE jobs SET leased_until_ms = $3 WHERE id = $1 AND lease = $2 AND state = 'running'"
)
_EXTEND = RawSql.same(
    "UPDATE jobs AS j SET leased_until_ms = $3 FROM unnest($1::text[], $2::bigint[]) AS n(i, l)"
    " WHERE j.id = n.i AND j.lease = n.l AND j.state = 'running' RETURNING j.id"
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A row to insert, every default filled in. `waiting` is (what, holder, until).

    `turn` None is the turn the lane is at.
    """

    id: str
    kind: str
    lane: str
    priority: int
    key: str | None
    policy: str
    payload: str
    max_attempts: int
    created_at_ms: int
    run_at_ms: int
    delivery_id: str | None
    repository: str | None
    timeout_ms: int
    version: int
    skippable: int
    waiting: tuple[str, str | None, int | None] | None = None
    party: str | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a claim finds: when the next held job is due, ready jobs by lane (capped), pauses."""

    next_due_ms: int | None
    ready: Mapping[Lane, int]
    has_pauses: bool = False


def insert(unit: Unit, row: Fresh) -> None:
    """Add one job in any state it may start in."""
    what, holder, until = row.waiting or (None, None, None)
    unit.run_raw(
        _INSERT,
        row.id, row.kind, row.lane, row.priority, row.key, row.policy,
        "queued" if row.waiting is None else "waiting",
        row.payload, row.max_attempts, row.created_at_ms, row.run_at_ms, what, holder, until,
        row.delivery_id, row.repository, row.timeout_ms, row.version, row.skippable,
        row.party, row.turn,
    )  # fmt: skip


def insert_plain(unit: Unit, rows: Sequence[Fresh], now_ms: int) -> None:
    """Add jobs without a key that are ready now, in one statement."""
    if unit.dialect == "sqlite":
        unit.run_raw_many(
            _PLAIN,
            [
                (
                    r.id, r.kind, r.lane, r.priority, r.payload, r.max_attempts, now_ms,
                    r.delivery_id, r.repository, r.timeout_ms, r.version, r.skippable,
                    r.party, r.turn,
                )
                for r in rows
            ],
        )  # fmt: skip
        return
    unit.run_raw(
        _PLAIN,
        [r.id for r in rows],
        [r.kind for r in rows],
        [r.lane for r in rows],
        [r.priority for r in rows],
        [r.payload for r in rows],
        [r.max_attempts for r in rows],
        now_ms,
        [r.delivery_id or "" for r in rows],
        [r.repository or "" for r in rows],
        [r.timeout_ms for r in rows],
        [r.version for r in rows],
        [r.skippable for r in rows],
        [r.party or "" for r in rows],
        [-1 if r.turn is None else r.turn for r in rows],
    )


def insert_for_deliveries(
    unit: Unit, shared: Fresh, ids: Sequence[str], delivery_ids: Sequence[str], now_ms: int
) -> None:
    """Add one job for each delivery, alike but for id, delivery and payload, in one statement."""
    same = (
        shared.kind, shared.lane, shared.priority, shared.max_attempts, now_ms,
        shared.timeout_ms, shared.version, shared.skippable,
    )  # fmt: skip
    if unit.dialect == "sqlite":
        pairs = [
            f"{job_id}{delivery_id}" for job_id, delivery_id in zip(ids, delivery_ids, strict=True)
        ]
        unit.run_raw(_FOR_DELIVERIES, *same, pairs)
        return
    unit.run_raw(_FOR_DELIVERIES, *same, list(ids), list(delivery_ids))


def look(unit: Unit, at_most: int) -> Look:
    """The next due instant and up to `at_most` ready jobs of each lane, counted."""
    due, pauses, *counts = unit.fetch_raw(_LOOK, at_most)[0]
    ready = {lane: store.whole(count) for lane, count in zip(LANES, counts, strict=True)}
    return Look(store.optional_whole(due), ready, bool(pauses))


def promote_plain(unit: Unit, now_ms: int, limit: int) -> list[Row]:
    """Make due jobs without a key ready; (id, lane, party, turn) of each."""
    return unit.fetch_raw(_PROMOTE_DUE, now_ms, limit)


def keys_due(unit: Unit, now_ms: int, limit: int) -> list[str]:
    """Keys that have a due job, sorted so that locks are taken in one order everywhere."""
    return sorted(str(key) for (key,) in unit.fetch_raw(_KEYS_DUE, now_ms, limit))


def due_of_key(unit: Unit, key: str, now_ms: int) -> list[str]:
    """Jobs of a key that are still marked due."""
    return [str(job_id) for (job_id,) in unit.fetch_raw(_DUE_OF_KEY, now_ms, key)]


def claim(
    unit: Unit, worker: str, share: Mapping[Lane, int], now_ms: int, until_ms: int
) -> list[tuple[Job, int]]:
    """Take ready jobs of each lane, with the turn of each: running, attempt and lease raised.

    Most urgent first.
    """
    rows = unit.fetch_raw(_CLAIM, now_ms, until_ms, worker, *(share[lane] for lane in LANES))
    taken = [(store.job_of(row[:-1]), store.whole(row[-1])) for row in rows]
    taken.sort(key=lambda t: (LANES.index(t[0].lane), -t[0].priority, t[1], t[0].id))
    return taken


def succeed(unit: Unit, ended: Sequence[tuple[Job, str | None]], now_ms: int) -> set[str]:
    """End attempts that succeeded, with result text; the ids whose lease still held."""
    ids = [job.id for job, _ in ended]
    if unit.dialect != "sqlite":
        leases = [job.lease for job, _ in ended]
        results = [result or "null" for _, result in ended]
        rows = unit.fetch_raw(_SUCCEED, ids, leases, results, now_ms)
        return {str(job_id) for (job_id,) in rows}
    live = set(unit.fetch_raw(_RUNNING, ids))
    held: list[tuple[Job, str | None]] = []
    for job, result in ended:
        if (job.id, job.lease) in live:
            live.discard((job.id, job.lease))
            held.append((job, result))
    unit.run_raw_many(_SUCCEED_ONE, [(job.id, now_ms, result) for job, result in held])
    unit.run_raw_many(_HISTORY_ONE, [_history(job, now_ms) for job, _ in held])
    return {job.id for job, _ in held}


def _history(job: Job, now_ms: int) -> Row:
    return (job.id, job.lease, job.attempt, job.worker, job.started_at_ms, now_ms)


def extend(unit: Unit, leases: Sequence[tuple[str, int]], until_ms: int) -> set[str]:
    """Push leases forward; the ids whose lease still held."""
    ids = [job_id for job_id, _ in leases]
    if unit.dialect != "sqlite":
        rows = unit.fetch_raw(_EXTEND, ids, [lease for _, lease in leases], until_ms)
        return {str(job_id) for (job_id,) in rows}
    live = set(unit.fetch_raw(_RUNNING, ids))
    held = [pair for pair in leases if pair in live]
    unit.run_raw_many(_EXTEND_ONE, [(job_id, lease, until_ms) for job_id, lease in held])
    return {job_id for job_id, _ in held}
