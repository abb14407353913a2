"""Tables of test runs, their reports and cases, and the statements that write and find them.

Repositories are compared in lower case, as GitHub does. A run's attempt counts once `stored_at_ms`
is set, which is when all of its artifacts were read.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.testruns.model import (
    Block,
    MemberRead,
    Problem,
    Report,
    RunFacts,
    Totals,
)

RUNS = Table(
    "ci_runs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("repository_key", Text, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("conclusion", Text, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("head_branch", Text, nullable=False),
    Column("head_repository", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("pull_requests", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("stored_at_ms", BigInteger),
    Index("uq_ci_runs_attempt", "repository_key", "run_id", "attempt", unique=True),
    Index("ix_ci_runs_head_sha", "repository_key", "head_sha"),
    Index("ix_ci_runs_created", "created_at_ms"),
)

REPORTS = Table(
    "ci_reports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("test_run_id", Text, ForeignKey("ci_runs.id"), nullable=False),
    Column("artifact_id", BigInteger, nullable=False),
    Column("artifact_name", Text, nullable=False),
    Column("artifact_digest", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("tests", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("flaky", Integer, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("truncated", Integer, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("problem", Text),
    Column("detail", Text, nullable=False),
    Column("stored_at_ms", BigInteger, nullable=False),
    Index("uq_ci_reports_member", "test_run_id", "artifact_id", "member", unique=True),
)

BLOCKS = Table(
    "ci_blocks",
    METADATA,
    Column("report_id", Text, ForeignKey("ci_reports.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("cases", Integer, nullable=False),
    Column("data", LargeBinary),
    Column("blob_key", Text),
)


def lock(unit: Unit, repository: str, run_id: int) -> None:
    """Let no other unit change this run until this one ends."""
    unit.lock(f"testrun:{repository.lower()}#{run_id}")


def find_run(unit: Unit, repository: str, run_id: int, attempt: int) -> RowMapping | None:
    """The row of an attempt."""
    return unit.first(
        select(RUNS).where(
            RUNS.c.repository_key == repository.lower(),
            RUNS.c.run_id == run_id,
            RUNS.c.attempt == attempt,
        )
    )


def add_run(unit: Unit, id_: str, facts: RunFacts, now_ms: int) -> None:
    """A row for an attempt that is about to be read."""
    values = {
        "id": id_,
        "repository": facts.repository,
        "repository_key": facts.repository.lower(),
        "run_id": facts.run_id,
        "attempt": facts.attempt,
        "created_at_ms": now_ms,
        "stored_at_ms": None,
        **_said(facts),
    }
    unit.run(insert(RUNS), values)


def close_run(unit: Unit, id_: str, facts: RunFacts, now_ms: int) -> None:
    """All of an attempt's artifacts were read; from now on it counts."""
    unit.run(update(RUNS).where(RUNS.c.id == id_).values(stored_at_ms=now_ms, **_said(facts)))


def _said(facts: RunFacts) -> dict[str, str]:
    return {
        "name": facts.name,
        "path": facts.path,
        "event": facts.event,
        "conclusion": facts.conclusion,
        "head_sha": facts.head_sha,
        "head_branch": facts.head_branch,
        "head_repository": facts.head_repository,
        "url": facts.url,
        "pull_requests": msgspec.json.encode(facts.pull_requests).decode(),
    }


def facts_of(row: RowMapping) -> RunFacts:
    """A run's row as a value."""
    return RunFacts(
        repository=row["repository"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        name=row["name"],
        path=row["path"],
        event=row["event"],
        conclusion=row["conclusion"],
        head_sha=row["head_sha"],
        head_branch=row["head_branch"],
        head_repository=row["head_repository"],
        url=row["url"],
        pull_requests=tuple(msgspec.json.decode(row["pull_requests"], type=list[int])),
    )


def has_artifact(unit: Unit, test_run_id: str, artifact_id: int, digest: str) -> bool:
    """Whether these very bytes of an artifact are stored under this attempt already."""
    statement = select(REPORTS.c.id).where(
        REPORTS.c.test_run_id == test_run_id,
        REPORTS.c.artifact_id == artifact_id,
        REPORTS.c.artifact_digest == digest,
    )
    return unit.first(statement) is not None


def drop_not_got(unit: Unit, test_run_id: str, artifact_id: int) -> None:
    """Forget that an artifact could not be got; now something else is known of it."""
    unit.run(
        delete(REPORTS).where(
            REPORTS.c.test_run_id == test_run_id,
            REPORTS.c.artifact_id == artifact_id,
            REPORTS.c.artifact_digest == "",
        )
    )


def seen_in_another_attempt(unit: Unit, facts: RunFacts, artifact_id: int) -> bool:
    """Whether an earlier attempt of the run has this artifact: its results are in the history."""
    statement = (
        select(REPORTS.c.id)
        .join(RUNS, RUNS.c.id == REPORTS.c.test_run_id)
        .where(
            RUNS.c.repository_key == facts.repository.lower(),
            RUNS.c.run_id == facts.run_id,
            RUNS.c.attempt != facts.attempt,
            REPORTS.c.artifact_id == artifact_id,
        )
    )
    return unit.first(statement) is not None


def add_report(
    unit: Unit,
    id_: str,
    test_run_id: str,
    artifact: tuple[int, str, str],
    read: MemberRead,
    now_ms: int,
) -> None:
    """A report, or a problem. `artifact` is its id, name and digest."""
    totals = read.totals
    values = {
        "id": id_,
        "test_run_id": test_run_id,
        "artifact_id": artifact[0],
        "artifact_name": artifact[1],
        "artifact_digest": artifact[2],
        "member": read.member,
        "configuration": read.configuration,
        "dialect": read.dialect,
        "tests": totals.tests,
        "passed": totals.passed,
        "failed": totals.failed,
        "errors": totals.errors,
        "skipped": totals.skipped,
        "flaky": totals.flaky,
        "duration_ms": min(round(totals.duration_s * 1000), 2**62),
        "truncated": int(read.truncated),
        "warnings": msgspec.json.encode(read.warnings).decode(),
        "problem": None if read.problem is None else read.problem.value,
        "detail": read.detail,
        "stored_at_ms": now_ms,
    }
    unit.run(insert(REPORTS), values)


def add_blocks(unit: Unit, report_id: str, blocks: Sequence[Block]) -> None:
    """A report's cases; those of large blocks lie in the blob store."""
    if blocks:
        unit.run(
            insert(BLOCKS),
            [
                {
                    "report_id": report_id,
                    "number": block.number,
                    "cases": block.cases,
                    "data": None if block.blob else block.data,
                    "blob_key": block.blob,
                }
                for block in blocks
            ],
        )


def report_of(row: RowMapping) -> Report:
    """A report's row, joined with its run's, as a value."""
    return Report(
        id=row["id"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        artifact_id=row["artifact_id"],
        artifact_name=row["artifact_name"],
        artifact_digest=row["artifact_digest"],
        member=row["member"],
        dialect=row["dialect"],
        totals=totals_of(row),
        truncated=bool(row["truncated"]),
        warnings=tuple(msgspec.json.decode(row["warnings"], type=list[str])),
        problem=None if row["problem"] is None else Problem(row["problem"]),
        detail=row["detail"],
        from_fork=row["head_repository"].lower() != row["repository_key"],
        stored_at_ms=row["stored_at_ms"],
    )


def totals_of(row: RowMapping) -> Totals:
    """The counts of a report, or the sums of several."""
    return Totals(
        tests=row["tests"] or 0,
        passed=row["passed"] or 0,
        failed=row["failed"] or 0,
        errors=row["errors"] or 0,
        skipped=row["skipped"] or 0,
        flaky=row["flaky"] or 0,
        duration_s=int(row["duration_ms"] or 0) / 1000,
    )
