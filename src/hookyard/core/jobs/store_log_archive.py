"""SQL of long logs: which jobs have one, and the lines that move to the blob store."""

from collections.abc import Sequence

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import JobId

SEGMENT = 1_000
"""Lines of one blob; `ix_job_logs_long` has one row for so many lines of a job."""

# why: the index holds nothing but long logs, so looking for them costs what is to be done.
_LONG = RawSql.same(
    f"SELECT DISTINCT l.job_id FROM job_logs l JOIN jobs j ON j.id = l.job_id"
    f" WHERE l.seq % {SEGMENT} = 0 AND l.job_id > $1 AND l.job_id IN (SELECT n.job_id"
    f" FROM job_logs n WHERE n.job_id = l.job_id AND n.seq = l.seq + 1)"
    " AND j.state IN ('succeeded', 'dead', 'cancelled') ORDER BY l.job_id LIMIT $2"
)
_FIRST = RawSql.same("SELECT min(seq), max(seq) FROM job_logs WHERE job_id = $1")
_DROP = RawSql.same("DELETE FROM job_logs WHERE job_id = $1 AND seq BETWEEN $2 AND $3")


def long_logs(unit: Unit, after: str, limit: int) -> Sequence[JobId]:
    """Ended jobs with whole segments still in rows, by id, behind `after`."""
    return [JobId(str(row[0])) for row in unit.fetch_raw(_LONG, after, limit)]


def rows_left(unit: Unit, job_id: str) -> tuple[int, int] | None:
    """The first and the last line that still is a row; None when there is none."""
    first, last = unit.fetch_raw(_FIRST, job_id)[0]
    return None if first is None else (store.whole(first), store.whole(last))


def drop(unit: Unit, job_id: str, first: int, last: int) -> int:
    """Remove the rows of a segment; how many there were."""
    return unit.run_raw(_DROP, job_id, first, last)
