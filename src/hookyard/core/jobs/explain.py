"""What holds a job, found out: the facts around it, each read through an index and bounded."""

from dataclasses import dataclass

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import Job, JobState, Lane, WaitingFor
from hookyard.core.jobs.why import COUNTED_AHEAD, Facts, held_for, why_waiting

_TURN = RawSql.same("SELECT turn FROM jobs WHERE id = $1")
_MORE_URGENT = RawSql.same(
    "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state = 'queued' AND lane = $1"
    " AND priority > $2 LIMIT $3) AS ahead"
)
_BEFORE = RawSql.same(
    "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state = 'queued' AND lane = $1"
    " AND priority = $2 AND (turn, id) < ($3, $4) LIMIT $5) AS ahead"
)
_RUNNING = RawSql.same(
    "SELECT lane, count(*) FROM jobs WHERE state = 'running' AND leased_until_ms >= $1"
    " GROUP BY lane"
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What holds a job, and the same in a sentence."""

    waiting_for: WaitingFor | None
    why: str


def explain(unit: Unit, job: Job, now_ms: int) -> Explanation:
    """Why a job does not run now, from all the database knows."""
    facts = Facts(now_ms)
    if job.state is JobState.QUEUED:
        facts = Facts(now_ms, _ahead(unit, job), _running(unit, now_ms))
    elif job.waiting_for is not None and job.waiting_for.what == "key":
        facts = Facts(now_ms, front=store.get(unit, job.waiting_for.holder or ""))
    return Explanation(held_for(job, facts), why_waiting(job, facts))


def _ahead(unit: Unit, job: Job) -> int:
    lane = job.lane.value
    more = unit.fetch_raw(_MORE_URGENT, lane, job.priority, COUNTED_AHEAD)[0][0]
    turn = store.whole(unit.fetch_raw(_TURN, job.id)[0][0])
    before = unit.fetch_raw(_BEFORE, lane, job.priority, turn, job.id, COUNTED_AHEAD)[0][0]
    return min(COUNTED_AHEAD, store.whole(more) + store.whole(before))


def _running(unit: Unit, now_ms: int) -> dict[Lane, int]:
    rows = unit.fetch_raw(_RUNNING, now_ms)
    return {Lane(str(lane)): store.whole(count) for lane, count in rows}
