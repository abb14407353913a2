"""Tables `health_reports` and `health_assessments`, and every statement on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
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
from hookyard.features.codehealth.model import (
    Assessment,
    Base,
    BaseHow,
    Comparison,
    Conclusion,
    Gate,
    Level,
    Origin,
    Reading,
    Report,
    Score,
    Standing,
    Unreadable,
)
from hookyard.features.codehealth.packing import pack, unpack_comparison, unpack_readable

REPORTS = Table(
    "health_reports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository_key", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("artifact_id", BigInteger, nullable=False),
    Column("artifact_digest", Text, nullable=False),
    Column("artifact_name", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("from_fork", Integer, nullable=False),
    Column("problem_code", Text),
    Column("problem", Text),
    Column("findings", LargeBinary),
    Column("stored_at_ms", BigInteger, nullable=False),
    Column("delivery_id", Text),
    Index("ix_health_reports_commit", "repository_key", "head_sha"),
    Index("ix_health_reports_stored_at_ms", "stored_at_ms"),
)

ASSESSMENTS = Table(
    "health_assessments",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository_key", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("base_how", Text, nullable=False),
    Column("base_sha", Text),
    Column("base_asked", Text),
    Column("base_away", Integer, nullable=False),
    Column("conclusion", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("problems", Text, nullable=False),
    Column("new", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("fixed", Integer, nullable=False),
    Column("carried", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("notes", Integer, nullable=False),
    Column("score", Integer),
    Column("arithmetic", Text, nullable=False),
    Column("changed_lines", Integer),
    Column("from_fork", Integer, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("assessed_at_ms", BigInteger, nullable=False),
    Index("uq_health_assessments_commit", "repository_key", "number", "head_sha", unique=True),
    Index("ix_health_assessments_history", "repository_key", "id"),
    Index("ix_health_assessments_base", "repository_key", "base_asked"),
    Index("ix_health_assessments_assessed_at_ms", "assessed_at_ms"),
)
DETAILED = 1_000
"""Findings kept with an assessment, new ones first; the counts are of all."""
_REASONS = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Kept:
    """An assessment as kept: what it came to, and the first of its findings. Counts are of all;
    `errors`, `warnings` and `notes` of what is on the commit now."""

    id: str
    assessment: Assessment
    new: int
    unknown: int
    fixed: int
    carried: int
    errors: int
    warnings: int
    notes: int
    assessed_at_ms: int


def lock(unit: Unit, repository: str, head_sha: str) -> None:
    """Let no other unit change this commit's health until this one ends."""
    unit.lock(f"health:{repository.lower()}@{head_sha}")


def add_report(unit: Unit, report: Report, packed: bytes | None) -> None:
    """Store a report, its findings `packed`; one of the same member of the same artifact and
    attempt is replaced."""
    origin, reading = report.origin, report.reading
    table = REPORTS.c
    unit.run(
        delete(REPORTS).where(
            table.repository_key == origin.repository.lower(),
            table.head_sha == origin.head_sha,
            table.run_id == origin.run_id,
            table.attempt == origin.attempt,
            table.artifact_id == origin.artifact_id,
            table.member == origin.member,
        )
    )
    unreadable = reading if isinstance(reading, Unreadable) else None
    unit.run(
        insert(REPORTS).values(
            id=report.id,
            repository_key=origin.repository.lower(),
            repository=origin.repository,
            head_sha=origin.head_sha,
            run_id=origin.run_id,
            attempt=origin.attempt,
            artifact_id=origin.artifact_id,
            artifact_digest=origin.artifact_digest,
            artifact_name=origin.artifact_name,
            member=origin.member,
            from_fork=int(origin.from_fork),
            problem_code=unreadable.code if unreadable else None,
            problem=unreadable.reason if unreadable else None,
            findings=packed,
            stored_at_ms=report.stored_at_ms,
            delivery_id=report.delivery_id,
        )
    )


def reports_of(unit: Unit, repository: str, head_sha: str) -> list[Report]:
    """Every report of a commit."""
    table = REPORTS.c
    where = (table.repository_key == repository.lower(), table.head_sha == head_sha)
    return [_report(row) for row in unit.fetch(select(REPORTS).where(*where).order_by(table.id))]


def trusted_shas(unit: Unit, repository: str, shas: Sequence[str]) -> set[str]:
    """Which of these commits have a report that our own runs made."""
    if not shas:
        return set()
    table = REPORTS.c
    query = select(table.head_sha).where(
        table.repository_key == repository.lower(),
        table.head_sha.in_(list(shas)),
        table.from_fork == 0,
        table.findings.is_not(None),
    )
    return {str(row["head_sha"]) for row in unit.fetch(query.distinct())}


def save_assessment(unit: Unit, new_id: str, found: Assessment, now_ms: int) -> str:
    """Store an assessment in the place of an earlier one of the same commit; its id."""
    table = ASSESSMENTS.c
    where = (
        table.repository_key == found.repository.lower(),
        table.number == (found.number or 0),
        table.head_sha == found.head_sha,
    )
    known = unit.first(select(table.id).where(*where))
    values = _values(found, now_ms)
    if known is not None:
        unit.run(update(ASSESSMENTS).where(table.id == known["id"]).values(**values))
        return str(known["id"])
    unit.run(
        insert(ASSESSMENTS).values(
            id=new_id,
            repository_key=found.repository.lower(),
            number=found.number or 0,
            head_sha=found.head_sha,
            **values,
        )
    )
    return new_id


def newest_of(unit: Unit, repository: str, number: int) -> Kept | None:
    """The newest assessment of a pull request."""
    table = ASSESSMENTS.c
    where = (table.repository_key == repository.lower(), table.number == number)
    query = select(ASSESSMENTS).where(*where).order_by(table.id.desc()).limit(1)
    row = unit.first(query)
    return None if row is None else _kept(row)


def page(
    unit: Unit, repository: str, number: int | None, before: str | None, limit: int
) -> list[Kept]:
    """Assessments of a repository, newest first; of one pull request (0: none) where given."""
    table = ASSESSMENTS.c
    query = select(ASSESSMENTS).where(table.repository_key == repository.lower())
    if number is not None:
        query = query.where(table.number == number)
    if before is not None:
        query = query.where(table.id < before)
    return [_kept(row) for row in unit.fetch(query.order_by(table.id.desc()).limit(limit))]


def waiting_for(unit: Unit, repository: str, sha: str, limit: int) -> list[tuple[int, str]]:
    """Pull requests that start from this commit and were compared with another one, or none;
    with the head each was assessed at."""
    table = ASSESSMENTS.c
    query = select(table.number, table.head_sha).where(
        table.repository_key == repository.lower(),
        table.base_asked == sha,
        table.base_how != BaseHow.BASE.value,
        table.number > 0,
    )
    rows = unit.fetch(query.order_by(table.id.desc()).limit(limit))
    newest: dict[int, str] = {}
    for row in rows:
        newest.setdefault(int(row["number"]), str(row["head_sha"]))
    return sorted(newest.items())


def purge(unit: Unit, before_ms: int) -> int:
    """Delete reports and assessments older than an instant; how many went."""
    reports = unit.run(delete(REPORTS).where(REPORTS.c.stored_at_ms < before_ms))
    return reports + unit.run(delete(ASSESSMENTS).where(ASSESSMENTS.c.assessed_at_ms < before_ms))


def _values(found: Assessment, now_ms: int) -> dict[str, object]:
    placed = found.comparison.placed
    here = [one.finding for one in placed if one.standing is not Standing.FIXED]
    counts = {each: sum(one.standing is each for one in placed) for each in Standing}
    levels = {each: sum(one.level is each for one in here) for each in Level}
    kept = Comparison(placed[:DETAILED], found.comparison.without_base, found.comparison.missing)
    return {
        "repository": found.repository,
        "base_how": found.base.how.value,
        "base_sha": found.base.sha,
        "base_asked": found.base.asked,
        "base_away": found.base.away,
        "conclusion": found.gate.conclusion.value,
        "reasons": msgspec.json.encode(found.gate.reasons).decode(),
        "problems": msgspec.json.encode(found.problems).decode(),
        "new": counts[Standing.NEW],
        "unknown": counts[Standing.UNKNOWN],
        "fixed": counts[Standing.FIXED],
        "carried": counts[Standing.CARRIED],
        "errors": levels[Level.ERROR],
        "warnings": levels[Level.WARNING],
        "notes": levels[Level.NOTE],
        "score": found.score.value,
        "arithmetic": found.score.arithmetic,
        "changed_lines": found.changed_lines,
        "from_fork": int(found.from_fork),
        "detail": pack(kept),
        "assessed_at_ms": now_ms,
    }


def _report(row: RowMapping) -> Report:
    reading: Reading = (
        Unreadable(row["problem_code"] or "unknown", row["problem"] or "")
        if row["findings"] is None
        else unpack_readable(row["findings"])
    )
    origin = Origin(
        repository=row["repository"],
        head_sha=row["head_sha"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        artifact_id=row["artifact_id"],
        artifact_digest=row["artifact_digest"],
        member=row["member"],
        from_fork=bool(row["from_fork"]),
        artifact_name=row["artifact_name"],
    )
    return Report(row["id"], origin, reading, row["stored_at_ms"], row["delivery_id"])


def _kept(row: RowMapping) -> Kept:
    assessment = Assessment(
        repository=row["repository"],
        number=row["number"] or None,
        head_sha=row["head_sha"],
        base=Base(BaseHow(row["base_how"]), row["base_sha"], row["base_asked"], row["base_away"]),
        comparison=unpack_comparison(row["detail"]),
        score=Score(row["score"], row["arithmetic"]),
        gate=Gate(Conclusion(row["conclusion"]), _REASONS.decode(row["reasons"])),
        from_fork=bool(row["from_fork"]),
        changed_lines=row["changed_lines"],
        problems=_REASONS.decode(row["problems"]),
    )
    return Kept(
        row["id"], assessment, row["new"], row["unknown"], row["fixed"], row["carried"],
        row["errors"], row["warnings"], row["notes"], row["assessed_at_ms"],
    )  # fmt: skip
