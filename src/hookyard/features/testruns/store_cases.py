"""Rows of notable cases, the ids they carry, and the history of cases that failed."""

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    insert,
    select,
)

from hookyard.adapters.database.port import METADATA, RawSql, Row, SqlValue, Unit
from hookyard.features.testruns.ids import parse_id
from hookyard.features.testruns.model import (
    Case,
    Claim,
    History,
    MemberRead,
    Notable,
    Outcome,
    Seen,
    Suspect,
)
from hookyard.kit.text import storable

MAX_SUSPECTS = 5_000
MAX_MESSAGE = 2_000

CASES = Table(
    "ci_cases",
    METADATA,
    Column("report_id", Text, ForeignKey("ci_reports.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("case_key", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("classname", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", Integer),
    Column("outcome", Text, nullable=False),
    Column("flaky", Integer, nullable=False),
    Column("reruns", Integer, nullable=False),
    Column("time_ms", BigInteger),
    Column("message", Text, nullable=False),
    Column("ids", Text, nullable=False),
)

CLAIMS = Table(
    "ci_claims",
    METADATA,
    Column("report_id", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("criterion_id", Text, primary_key=True),
    Column("issue", BigInteger, primary_key=True, autoincrement=False),
    ForeignKeyConstraint(
        ["report_id", "ordinal"],
        ["ci_cases.report_id", "ci_cases.ordinal"],
        name="fk_ci_claims_case",
    ),
)

HISTORY = Table(
    "ci_history",
    METADATA,
    Column("repository_key", Text, primary_key=True),
    Column("case_key", Text, primary_key=True),
    Column("head_sha", Text, primary_key=True),
    Column("configuration", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("classname", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("passes", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("marks", Integer, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    Index("ix_ci_history_last", "repository_key", "last_at_ms"),
    Index("ix_ci_history_configuration", "repository_key", "configuration"),
    Index("ix_ci_history_age", "last_at_ms"),
)

_SUSPECTS = RawSql.same(
    "SELECT case_key, suite, classname, name, occurrence FROM ci_history"
    " WHERE repository_key = $1 AND configuration = $2 AND (failures > 0 OR marks > 0)"
    " GROUP BY case_key, suite, classname, name, occurrence"
    " ORDER BY MAX(last_at_ms) DESC LIMIT $3"
)
_SEEN = RawSql.same(
    "INSERT INTO ci_history (repository_key, case_key, head_sha, configuration, suite,"
    " classname, name, occurrence, passes, failures, marks, last_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    " ON CONFLICT (repository_key, case_key, head_sha) DO UPDATE SET"
    " passes = ci_history.passes + excluded.passes,"
    " failures = ci_history.failures + excluded.failures,"
    " marks = ci_history.marks + excluded.marks,"
    " last_at_ms = excluded.last_at_ms"
)
_CLAIMED = RawSql.same(
    "SELECT k.issue, k.criterion_id, c.case_key, c.name, c.classname, c.file, c.line, c.outcome,"
    " c.flaky, c.reruns, h.passes, h.failures, r.run_id, r.attempt, r.url, p.artifact_id,"
    " p.artifact_name, p.artifact_digest, p.id, p.truncated, r.head_repository, p.stored_at_ms"
    " FROM ci_runs r JOIN ci_reports p ON p.test_run_id = r.id"
    " JOIN ci_claims k ON k.report_id = p.id"
    " JOIN ci_cases c ON c.report_id = k.report_id AND c.ordinal = k.ordinal"
    " LEFT JOIN ci_history h ON h.repository_key = r.repository_key"
    " AND h.case_key = c.case_key AND h.head_sha = r.head_sha"
    " WHERE r.repository_key = $1 AND r.head_sha = $2 AND r.stored_at_ms IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM ci_runs n WHERE n.repository_key = r.repository_key"
    " AND n.run_id = r.run_id AND n.attempt > r.attempt AND n.stored_at_ms IS NOT NULL)"
    " ORDER BY k.issue, k.criterion_id, r.run_id, p.artifact_name, p.member, c.ordinal"
)
_PASSED_NOW = RawSql(
    "INSERT INTO ci_history (repository_key, case_key, head_sha, configuration, suite,"
    " classname, name, occurrence, passes, failures, marks, last_at_ms)"
    " SELECT repository_key, case_key, $2, configuration, suite, classname, name, occurrence,"
    " 1, 0, 0, $3 FROM ci_history WHERE repository_key = $1"
    " AND case_key IN (SELECT value FROM json_each($4))"
    " GROUP BY repository_key, case_key, configuration, suite, classname, name, occurrence"
    " ON CONFLICT (repository_key, case_key, head_sha) DO UPDATE SET"
    " passes = ci_history.passes + 1, last_at_ms = excluded.last_at_ms",
    "INSERT INTO ci_history (repository_key, case_key, head_sha, configuration, suite,"
    " classname, name, occurrence, passes, failures, marks, last_at_ms)"
    " SELECT repository_key, case_key, $2::text, configuration, suite, classname, name, occurrence,"
    " 1, 0, 0, $3::bigint FROM ci_history WHERE repository_key = $1"
    " AND case_key = ANY($4::text[])"
    " GROUP BY repository_key, case_key, configuration, suite, classname, name, occurrence"
    " ON CONFLICT (repository_key, case_key, head_sha) DO UPDATE SET"
    " passes = ci_history.passes + 1, last_at_ms = excluded.last_at_ms",
)
# why: a bare id has no issue, and a key may have no NULL in it.
_CLAIMS_OF_NO_ISSUE = 0
MAX_COMMITS = 100


def add_cases(unit: Unit, report_id: str, notable: Sequence[Notable]) -> None:
    """Rows of a report's notable cases and of the ids they carry."""
    if not notable:
        return
    unit.run(insert(CASES), [_case_values(report_id, one) for one in notable])
    claims = {
        (one.ordinal, parsed[1], parsed[0] or _CLAIMS_OF_NO_ISSUE)
        for one in notable
        for id_ in one.case.ids
        if (parsed := parse_id(id_)) is not None
    }
    if claims:
        unit.run(
            insert(CLAIMS),
            [
                {"report_id": report_id, "ordinal": ordinal, "criterion_id": id_, "issue": issue}
                for ordinal, id_, issue in sorted(claims)
            ],
        )


def _case_values(report_id: str, one: Notable) -> dict[str, str | int | None]:
    case = one.case
    return {
        "report_id": report_id,
        "ordinal": one.ordinal,
        "case_key": one.case_key,
        "suite": storable(case.suite),
        "classname": storable(case.classname),
        "name": storable(case.name),
        "occurrence": case.occurrence,
        "file": storable(case.file),
        "line": case.line,
        "outcome": case.outcome.value,
        "flaky": int(case.flaky),
        "reruns": case.reruns,
        "time_ms": None if case.time_s is None else round(case.time_s * 1000),
        "message": storable(case.message[:MAX_MESSAGE]),
        "ids": " ".join(case.ids),
    }


def case_of(row: RowMapping) -> Case:
    """A row as the case it was, without the text, which is in its block."""
    return Case(
        name=row["name"],
        classname=row["classname"],
        suite=row["suite"],
        outcome=Outcome(row["outcome"]),
        time_s=None if row["time_ms"] is None else row["time_ms"] / 1000,
        file=row["file"],
        line=row["line"],
        message=row["message"],
        reruns=row["reruns"],
        flaky=bool(row["flaky"]),
        occurrence=row["occurrence"],
        ids=tuple(row["ids"].split()),
    )


def claims(unit: Unit, repository: str, head_sha: str) -> list[Claim]:
    """Every stored case of a commit that carries ids, of the newest stored attempt of each run."""
    key = repository.lower()
    return [_claim(row, key) for row in unit.fetch_raw(_CLAIMED, key, head_sha)]


def _claim(row: Row, repository_key: str) -> Claim:
    passes, failures = as_number(row[10]) or 0, as_number(row[11]) or 0
    outcome = Outcome(str(row[7]))
    failed = outcome in (Outcome.FAILED, Outcome.ERROR)
    if row[10] is None:
        passes, failures = int(outcome is Outcome.PASSED), int(failed)
    return Claim(
        issue=as_number(row[0]) or None,
        criterion_id=str(row[1]),
        case_key=str(row[2]),
        name=str(row[3]),
        classname=str(row[4]),
        file=str(row[5]),
        line=as_number(row[6]),
        outcome=outcome,
        flaky=bool(row[8]) or (passes > 0 and failures > 0),
        reruns=as_number(row[9]) or 0,
        failures=failures,
        observed=passes + failures,
        run_id=as_number(row[12]) or 0,
        attempt=as_number(row[13]) or 0,
        run_url=str(row[14]),
        artifact_id=as_number(row[15]) or 0,
        artifact_name=str(row[16]),
        artifact_digest=str(row[17]),
        report_id=str(row[18]),
        truncated=bool(row[19]),
        from_fork=str(row[20]).lower() != repository_key,
        stored_at_ms=as_number(row[21]) or 0,
    )


def as_number(value: SqlValue) -> int | None:
    """A column of whole numbers."""
    return value if isinstance(value, int) else None


def suspects(unit: Unit, repository: str, configuration: str) -> list[Suspect]:
    """Cases with failures in their history, those seen last first, up to a number."""
    rows = unit.fetch_raw(_SUSPECTS, repository.lower(), configuration, MAX_SUSPECTS)
    return [
        Suspect(str(row[0]), str(row[1]), str(row[2]), str(row[3]), as_number(row[4]) or 0)
        for row in rows
    ]


def note_failures(
    unit: Unit, repository: str, head_sha: str, read: MemberRead, now_ms: int
) -> None:
    """Count what a report says of cases that failed, now or before."""
    key, earlier = repository.lower(), dict(read.passed_before)
    rows: list[Row] = []
    for one in read.notable:
        case = one.case
        failed = case.outcome in (Outcome.FAILED, Outcome.ERROR)
        if not failed and not case.flaky:
            continue
        passes = int(case.flaky and not failed) + earlier.get(one.case_key, 0)
        failures = int(failed) + case.reruns
        names = (storable(case.suite), storable(case.classname), storable(case.name))
        rows.append(
            (key, one.case_key, head_sha, read.configuration, *names, case.occurrence,
             passes, failures, int(case.flaky), now_ms)
        )  # fmt: skip
    if rows:
        unit.run_raw_many(_SEEN, rows)
    for chunk in chunked(read.passed_now, 500):
        unit.run_raw(_PASSED_NOW, key, head_sha, now_ms, list(chunk))


def chunked(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The items, some at a time."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


def histories(unit: Unit, repository: str, since_ms: int, limit: int) -> list[History]:
    """What cases with failures did on each commit; cases seen last come first."""
    rows = unit.fetch(
        select(HISTORY)
        .where(HISTORY.c.repository_key == repository.lower(), HISTORY.c.last_at_ms >= since_ms)
        .order_by(HISTORY.c.last_at_ms.desc(), HISTORY.c.case_key, HISTORY.c.head_sha)
        .limit(limit)
    )
    found: dict[str, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["case_key"], []).append(row)
    return [_history(one) for one in found.values()]


def history(unit: Unit, repository: str, case_key: str) -> History | None:
    """What one case did on each commit, newest first."""
    rows = unit.fetch(
        select(HISTORY)
        .where(HISTORY.c.repository_key == repository.lower(), HISTORY.c.case_key == case_key)
        .order_by(HISTORY.c.last_at_ms.desc(), HISTORY.c.head_sha)
        .limit(MAX_COMMITS)
    )
    return _history(rows) if rows else None


def _history(rows: Sequence[RowMapping]) -> History:
    first = rows[0]
    return History(
        case_key=first["case_key"],
        configuration=first["configuration"],
        suite=first["suite"],
        classname=first["classname"],
        name=first["name"],
        seen=tuple(
            Seen(row["head_sha"], row["passes"], row["failures"], row["marks"], row["last_at_ms"])
            for row in rows
        ),
    )
