"""What is asked of stored runs: lists, one run, its cases, blocks of a commit; and the purge."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, Select, and_, delete, exists, func, select

from hookyard.adapters.database.port import Unit
from hookyard.features.testruns.model import Outcome, Report, Run
from hookyard.features.testruns.store import (
    BLOCKS,
    REPORTS,
    RUNS,
    facts_of,
    report_of,
    totals_of,
)
from hookyard.features.testruns.store_cases import CASES, CLAIMS, HISTORY

_SUMS = tuple(
    func.sum(REPORTS.c[name]).label(name)
    for name in ("tests", "passed", "failed", "errors", "skipped", "flaky", "duration_ms")
)


def reports_of_commit(unit: Unit, repository: str, head_sha: str) -> list[Report]:
    """Reports and problems of the newest stored attempt of each run on a commit."""
    newer = RUNS.alias("newer")
    statement = (
        _reports()
        .where(
            RUNS.c.repository_key == repository.lower(),
            RUNS.c.head_sha == head_sha,
            RUNS.c.stored_at_ms.is_not(None),
            ~exists().where(
                newer.c.repository_key == RUNS.c.repository_key,
                newer.c.run_id == RUNS.c.run_id,
                newer.c.attempt > RUNS.c.attempt,
                newer.c.stored_at_ms.is_not(None),
            ),
        )
        .order_by(RUNS.c.run_id, REPORTS.c.artifact_name, REPORTS.c.artifact_id, REPORTS.c.member)
    )
    return [report_of(row) for row in unit.fetch(statement)]


def reports_of_run(unit: Unit, test_run_id: str) -> list[Report]:
    """Reports and problems of one attempt."""
    statement = (
        _reports()
        .where(RUNS.c.id == test_run_id)
        .order_by(REPORTS.c.artifact_name, REPORTS.c.artifact_id, REPORTS.c.member)
    )
    return [report_of(row) for row in unit.fetch(statement)]


def _reports() -> Select[tuple[object, ...]]:
    run = (RUNS.c.run_id, RUNS.c.attempt, RUNS.c.head_repository, RUNS.c.repository_key)
    return select(REPORTS, *run).join(RUNS, RUNS.c.id == REPORTS.c.test_run_id)


def runs_page(
    unit: Unit, repository: str, head_sha: str | None, before: str | None, limit: int
) -> list[Run]:
    """Stored attempts of a repository, newest first, below an id."""
    statement = _runs().where(RUNS.c.repository_key == repository.lower())
    if head_sha is not None:
        statement = statement.where(RUNS.c.head_sha == head_sha)
    if before is not None:
        statement = statement.where(RUNS.c.id < before)
    rows = unit.fetch(statement.order_by(RUNS.c.id.desc()).limit(limit))
    return [_run(row) for row in rows]


def find(unit: Unit, repository: str, run_id: int, attempt: int | None) -> Run | None:
    """One stored attempt of a run, or its newest."""
    statement = _runs().where(RUNS.c.repository_key == repository.lower(), RUNS.c.run_id == run_id)
    if attempt is not None:
        statement = statement.where(RUNS.c.attempt == attempt)
    row = unit.first(statement.order_by(RUNS.c.attempt.desc()).limit(1))
    return None if row is None else _run(row)


def _runs() -> Select[tuple[object, ...]]:
    problems = func.count(REPORTS.c.problem).label("problems")
    reports = func.count(REPORTS.c.id).label("reports")
    return (
        select(RUNS, reports, problems, *_SUMS)
        .outerjoin(REPORTS, REPORTS.c.test_run_id == RUNS.c.id)
        .where(RUNS.c.stored_at_ms.is_not(None))
        .group_by(RUNS.c.id)
    )


def _run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        facts=facts_of(row),
        reports=row["reports"],
        problems=row["problems"],
        totals=totals_of(row),
        stored_at_ms=row["stored_at_ms"],
    )


def cases_page(
    unit: Unit,
    test_run_id: str,
    after: tuple[str, int] | None,
    limit: int,
    *,
    outcome: Outcome | None = None,
    flaky: bool | None = None,
    criterion: str | None = None,
    report_id: str | None = None,
) -> Sequence[RowMapping]:
    """Notable cases of an attempt in order of reports and cases, past a report and ordinal."""
    statement = (
        select(CASES)
        .join(REPORTS, REPORTS.c.id == CASES.c.report_id)
        .where(REPORTS.c.test_run_id == test_run_id)
    )
    if outcome is not None:
        statement = statement.where(CASES.c.outcome == outcome.value)
    if flaky is not None:
        statement = statement.where(CASES.c.flaky == int(flaky))
    if report_id is not None:
        statement = statement.where(CASES.c.report_id == report_id)
    if criterion is not None:
        claim = and_(
            CLAIMS.c.report_id == CASES.c.report_id,
            CLAIMS.c.ordinal == CASES.c.ordinal,
            CLAIMS.c.criterion_id == criterion,
        )
        statement = statement.where(exists().where(claim))
    if after is not None:
        statement = statement.where(
            (CASES.c.report_id > after[0])
            | ((CASES.c.report_id == after[0]) & (CASES.c.ordinal > after[1]))
        )
    return unit.fetch(statement.order_by(CASES.c.report_id, CASES.c.ordinal).limit(limit))


def blocks_of_report(unit: Unit, report_id: str) -> list[tuple[bytes, str | None]]:
    """A report's packed cases in order, each with its place in the blob store if it lies there."""
    rows = unit.fetch(
        select(BLOCKS.c.data, BLOCKS.c.blob_key)
        .where(BLOCKS.c.report_id == report_id)
        .order_by(BLOCKS.c.number)
    )
    return [(bytes(row["data"] or b""), row["blob_key"]) for row in rows]


def earlier_reports(
    unit: Unit, repository: str, head_sha: str, configuration: str, run_id: int, artifact_id: int
) -> list[str]:
    """Reports under the same configuration on the same commit, but for this artifact's own."""
    rows = unit.fetch(
        select(REPORTS.c.id)
        .join(RUNS, RUNS.c.id == REPORTS.c.test_run_id)
        .where(
            RUNS.c.repository_key == repository.lower(),
            RUNS.c.head_sha == head_sha,
            REPORTS.c.configuration == configuration,
            REPORTS.c.tests > 0,
            ~and_(RUNS.c.run_id == run_id, REPORTS.c.artifact_id == artifact_id),
        )
        .order_by(REPORTS.c.id.desc())
        .limit(10)
    )
    return [str(row["id"]) for row in rows]


def purge(unit: Unit, before_ms: int, limit: int) -> tuple[int, list[str]]:
    """Forget runs made before an instant, some at a time: how many, and ids of their reports."""
    old = select(RUNS.c.id).where(RUNS.c.created_at_ms < before_ms)
    runs = [str(row["id"]) for row in unit.fetch(old.order_by(RUNS.c.id).limit(limit))]
    if not runs:
        return 0, []
    of_runs = select(REPORTS.c.id).where(REPORTS.c.test_run_id.in_(runs))
    reports = [str(row["id"]) for row in unit.fetch(of_runs)]
    for at in range(0, len(reports), 500):
        some = reports[at : at + 500]
        for table in (CLAIMS, CASES, BLOCKS):
            unit.run(delete(table).where(table.c.report_id.in_(some)))
        unit.run(delete(REPORTS).where(REPORTS.c.id.in_(some)))
    unit.run(delete(RUNS).where(RUNS.c.id.in_(runs)))
    return len(runs), reports


def purge_history(unit: Unit, before_ms: int) -> int:
    """Forget what cases did before an instant."""
    return unit.run(delete(HISTORY).where(HISTORY.c.last_at_ms < before_ms))
