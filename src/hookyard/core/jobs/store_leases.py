"""Leases of outside agents: the table of slots, and the statements that find and take jobs.

An offer is a job an agent may take: ready, or parked because no worker here knows its kind.
`ix_jobs_offer` holds just these by kind and lane, in the order they are to be taken, and none of
the two kinds that come with every delivery.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.identity.model import Scope, ScopeKind
from hookyard.core.jobs import store
from hookyard.core.jobs.leases_model import LIMIT_OF, Offer
from hookyard.core.jobs.model import Job, Lane, WaitingFor

OFFERED = (
    "(state = 'queued' OR (state = 'waiting' AND waiting_what = 'kind'"
    " AND waiting_until_ms IS NULL)) AND kind <> 'ingress.route' AND kind <> 'effect.land'"
)

Index(
    "ix_jobs_offer",
    store.JOBS.c.kind,
    store.JOBS.c.lane,
    text("priority DESC"),
    store.JOBS.c.turn,
    store.JOBS.c.id,
    sqlite_where=text(OFFERED),
    postgresql_where=text(OFFERED),
    _table=store.JOBS,
)
SLOTS = Table(
    "lease_slots",
    METADATA,
    Column("holder", Text, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("job_id", Text, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Index("ix_lease_slots_job_id", "job_id"),
    sqlite_with_rowid=False,
)

# why: only the index's own words let SQLite use it; the named index keeps it from another.
_OFFERS = (
    f"SELECT id, key, repository, priority, turn FROM {{jobs}} WHERE {OFFERED}"
    " AND kind = $1 AND lane = $2{reach} ORDER BY priority DESC, turn, id LIMIT $3"
)
_REACH = {
    ScopeKind.TENANT: "",
    ScopeKind.ORG: " AND lower(substr(repository, 1, length($4) + 1)) = $4 || '/'",
    ScopeKind.REPOSITORY: " AND lower(repository) = $4",
    ScopeKind.CAMPAIGN: " AND lower(repository) = $4 AND 1 = 0",
    ScopeKind.PROJECT: " AND lower(repository) = $4 AND 1 = 0",
}
_FIND = {
    kind: RawSql(
        _OFFERS.format(jobs="jobs INDEXED BY ix_jobs_offer", reach=reach),
        _OFFERS.format(jobs="jobs", reach=reach.replace("$4", "$4::text")),
    )
    for kind, reach in _REACH.items()
}
_CLAIM = (
    "UPDATE jobs SET state = 'running', attempt = attempt + 1, lease = lease + 1,"
    " started_at_ms = $1, leased_until_ms = {until}, worker = $3, cancel_requested = 0,"
    " waiting_what = NULL, waiting_holder = NULL WHERE id IN (SELECT j.id FROM jobs AS j"
    f" WHERE j.id {{ids}} AND {OFFERED} AND (j.state = 'queued' OR j.key IS NULL OR NOT EXISTS"
    " (SELECT 1 FROM jobs AS o WHERE o.key = j.key AND o.key IS NOT NULL"
    " AND o.state IN ('queued', 'running'))){lock})"
    f" RETURNING {store.COLUMNS}, turn"
)
_TAKE = RawSql(
    _CLAIM.format(
        until="min($2, $1 + timeout_ms)", ids="IN (SELECT value FROM json_each($4))", lock=""
    ),
    _CLAIM.format(
        until="least($2, $1 + timeout_ms)",
        ids="= ANY ($4::text[])",
        lock=" FOR UPDATE SKIP LOCKED",
    ),
)
_PARK = (
    "UPDATE jobs SET state = 'waiting', waiting_what = $2, waiting_holder = $3,"
    f" waiting_until_ms = $4 WHERE id IN (SELECT id FROM jobs WHERE id {{ids}} AND {OFFERED}"
    "{lock})"
)
_PUT_ASIDE = RawSql(
    _PARK.format(ids="IN (SELECT value FROM json_each($1))", lock=""),
    _PARK.format(ids="= ANY ($1::text[])", lock=" FOR UPDATE SKIP LOCKED"),
)
_HELD = (
    "state = 'waiting' AND waiting_what <> 'time' AND waiting_what <> 'key'"
    " AND waiting_what = 'limit' AND waiting_until_ms IS NULL"
)
_LET_GO = (
    "UPDATE jobs SET waiting_until_ms = $2 WHERE id IN (SELECT id FROM jobs"
    f" WHERE {_HELD} AND waiting_holder = $1"
    " ORDER BY priority DESC, turn, id LIMIT $3{lock})"
)
_RELEASE = RawSql(_LET_GO.format(lock=""), _LET_GO.format(lock=" FOR UPDATE SKIP LOCKED"))
_HOLDERS = RawSql.same(
    f"SELECT DISTINCT waiting_holder FROM jobs WHERE {_HELD}"
    f" AND waiting_holder >= '{LIMIT_OF}' AND waiting_holder < '{LIMIT_OF}~' LIMIT $1"
)
_FRONT = RawSql.same(
    "SELECT turn FROM jobs WHERE state = 'queued' AND lane = $1"
    " ORDER BY priority DESC, turn, id LIMIT 1"
)
_STALE = (
    "NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = lease_slots.job_id"
    " AND jobs.lease = lease_slots.lease AND jobs.state = 'running')"
)
_CLEAN = RawSql.same(f"DELETE FROM lease_slots WHERE holder = $1 AND {_STALE}")
_USED = RawSql.same("SELECT slot FROM lease_slots WHERE holder = $1 ORDER BY slot")
_ADD = RawSql.same(
    "INSERT INTO lease_slots (holder, slot, job_id, lease, lease_ms) VALUES ($1, $2, $3, $4, $5)"
)
_LENGTH = RawSql.same(
    "SELECT lease_ms FROM lease_slots WHERE job_id = $1 AND lease = $2 ORDER BY holder LIMIT 1"
)
_FREE = RawSql.same("DELETE FROM lease_slots WHERE job_id = $1 AND lease = $2 RETURNING holder")


def find(unit: Unit, kind: str, lane: Lane, scope: Scope, limit: int) -> list[Offer]:
    """The first offers of a kind and lane inside a scope, in the order they are to be taken.

    Costs what it returns for a key over the whole tenant; for a narrow one it passes by the
    offers of the same kind and lane that lie outside its scope.
    """
    name = () if scope.kind is ScopeKind.TENANT else (scope.name,)
    return [
        Offer(
            job_id=str(job_id),
            key=None if key is None else str(key),
            lane=lane,
            kind=kind,
            repository=None if repository is None else str(repository),
            rank=(-store.whole(priority), store.whole(turn), str(job_id)),
        )
        for job_id, key, repository, priority, turn in unit.fetch_raw(
            _FIND[scope.kind], kind, lane.value, limit, *name
        )
    ]


def take(
    unit: Unit, job_ids: Sequence[str], worker: str, now_ms: int, until_ms: int
) -> list[tuple[Job, int]]:
    """Take these offers, with the turn of each, as far as they still are: running, attempt and
    lease raised.

    One whose key another job has the turn of stays where it is; the caller has locked the keys.
    No lease outlasts the time its job may run.
    """
    rows = unit.fetch_raw(_TAKE, now_ms, until_ms, worker, list(job_ids))
    return [(store.job_of(row[:-1]), store.whole(row[-1])) for row in rows]


def front(unit: Unit, lane: Lane) -> int | None:
    """The turn of the job of a lane that is next for the workers here; None when none is ready."""
    rows = unit.fetch_raw(_FRONT, lane.value)
    return store.whole(rows[0][0]) if rows else None


def put_aside(unit: Unit, job_ids: Sequence[str], waiting: WaitingFor) -> int:
    """Let offers wait for something; how many did."""
    return unit.run_raw(_PUT_ASIDE, list(job_ids), waiting.what, waiting.holder, waiting.until_ms)


def let_go(unit: Unit, owner: str, count: int, now_ms: int) -> int:
    """Make up to `count` jobs due that wait for a slot of this owner, the most urgent first."""
    return unit.run_raw(_RELEASE, LIMIT_OF + owner, now_ms, count)


def waiting_owners(unit: Unit, limit: int) -> list[str]:
    """Owners that have jobs waiting for a slot."""
    return [str(holder).removeprefix(LIMIT_OF) for (holder,) in unit.fetch_raw(_HOLDERS, limit)]


def used(unit: Unit, holder: str) -> list[int]:
    """The slots a holder has in use, those of attempts that ended unseen taken away.

    The caller has locked the holder.
    """
    unit.run_raw(_CLEAN, holder)
    return slots(unit, holder)


def slots(unit: Unit, holder: str) -> list[int]:
    """The slots a holder has in use, as they stand."""
    return [store.whole(slot) for (slot,) in unit.fetch_raw(_USED, holder)]


def occupy(unit: Unit, holder: str, slot: int, job: Job, lease_ms: int) -> None:
    """Give a free slot to a leased job; two cannot have the same."""
    unit.run_raw(_ADD, holder, slot, job.id, job.lease, lease_ms)


def lease_ms_of(unit: Unit, job_id: str, lease: int) -> int | None:
    """How long each heartbeat extends a lease; None when it is not an agent's."""
    rows = unit.fetch_raw(_LENGTH, job_id, lease)
    return store.whole(rows[0][0]) if rows else None


def vacate(unit: Unit, job_id: str, lease: int) -> list[str]:
    """Take away the slots of a lease that ended; who held them."""
    return [str(holder) for (holder,) in unit.fetch_raw(_FREE, job_id, lease)]
