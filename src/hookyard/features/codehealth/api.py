"""Routes of code health: that of a pull request's newest commit, and a repository's history.

A repository the caller may not see answers as one that has none.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Limit, Name, Owner, Require, visible
from hookyard.core.identity.model import Action, Actor
from hookyard.features.codehealth.model import (
    Finding,
    Placed,
    Readable,
    Report,
    Standing,
)
from hookyard.features.codehealth.service import CodeHealth
from hookyard.features.codehealth.store import DETAILED, Kept
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import NotFound
from hookyard.kit.names import MAX_NUMBER
from hookyard.kit.pages import clamp_limit

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
NumberQuery = Annotated[int | None, Query(ge=1, le=MAX_NUMBER)]


@dataclass(frozen=True, slots=True)
class FindingOut:
    """One finding. `identity` stays when it moves; `standing` is new, unknown, fixed or carried."""

    standing: str
    tool: str
    rule: str
    path: str
    line: int | None
    end_line: int | None
    level: str
    message: str
    identity: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class NoteOut:
    """Something odd about entries of a report; `lost` ones are in none of the findings."""

    code: str
    count: int
    example: str
    lost: bool


@dataclass(frozen=True, slots=True)
class ReportOut:
    """A report that was read, or why it could not be. `format` is findings or sarif."""

    name: str
    format: str | None
    findings: int
    suppressed: int
    notes: list[NoteOut]
    problem_code: str | None
    problem: str | None
    run_id: int
    attempt: int
    artifact_id: int
    artifact_digest: str
    from_fork: bool
    stored_at: str


@dataclass(frozen=True, slots=True)
class BaseOut:
    """What was compared with. `how` is base, ancestor (`away` commits before it) or none."""

    how: str
    sha: str | None
    asked: str | None
    away: int


@dataclass(frozen=True, slots=True)
class AssessmentOut:
    """What a commit's reports came to. `score` is null where changed lines are not known."""

    id: str
    repository: str
    number: int | None
    head_sha: str
    base: BaseOut
    conclusion: str
    reasons: list[str]
    problems: list[str]
    new: int
    unknown: int
    fixed: int
    carried: int
    errors: int
    warnings: int
    notes: int
    score: float | None
    arithmetic: str
    changed_lines: int | None
    from_fork: bool
    assessed_at: str


@dataclass(frozen=True, slots=True)
class HealthOut:
    """The newest commit of a pull request: the assessment, its reports, its first findings."""

    assessment: AssessmentOut
    reports: list[ReportOut]
    findings: list[FindingOut]
    findings_cut: bool


@dataclass(frozen=True, slots=True)
class HistoryOut:
    """A page of assessments, newest first."""

    items: list[AssessmentOut]
    next_cursor: str | None


def router(database: Database, health: CodeHealth, require: Require) -> APIRouter:
    """The routes /api/repos/{owner}/{repo}/health and …/prs/{number}/health."""
    routes = APIRouter(prefix="/api/repos/{owner}/{repo}", tags=["code health"])
    reader = Depends(require(Action.HEALTH_READ))

    @routes.get("/prs/{number}/health")
    async def get_pull_health(
        owner: Owner,
        repo: Name,
        number: Number,
        actor: Annotated[Actor, reader],
        standing: Annotated[Standing | None, Query()] = None,
    ) -> HealthOut:
        """The health of a pull request's newest assessed commit; findings of one standing where
        asked."""
        repository = f"{owner}/{repo}"
        visible(actor, Action.HEALTH_READ, repository, "assessment")

        def look(unit: Unit) -> HealthOut | None:
            kept = health.newest(unit, repository, number)
            if kept is None:
                return None
            found = health.reports(unit, repository, kept.assessment.head_sha)
            return health_out(kept, found, standing)

        shown = await database.read(look)
        if shown is None:
            raise NotFound("there is no such assessment")
        return shown

    @routes.get("/health")
    async def list_health(
        owner: Owner,
        repo: Name,
        actor: Annotated[Actor, reader],
        number: NumberQuery = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> HistoryOut:
        """Assessments of a repository, newest first; of one pull request where asked."""
        repository = f"{owner}/{repo}"
        visible(actor, Action.HEALTH_READ, repository, "repository")
        size = clamp_limit(limit)
        page = await database.read(
            lambda unit: health.history(unit, repository, number, cursor, size)
        )
        return HistoryOut([assessment_out(kept) for kept in page.items], page.next_cursor)

    return routes


def health_out(kept: Kept, reports: tuple[Report, ...], standing: Standing | None) -> HealthOut:
    """An assessment with all that is kept of it."""
    placed = kept.assessment.comparison.placed
    total = kept.new + kept.unknown + kept.fixed + kept.carried
    shown = [placed_out(one) for one in placed if standing in (None, one.standing)]
    return HealthOut(
        assessment_out(kept), [report_out(one) for one in reports], shown, total > DETAILED
    )


def assessment_out(kept: Kept) -> AssessmentOut:
    """An assessment on the wire."""
    found, base = kept.assessment, kept.assessment.base
    return AssessmentOut(
        id=kept.id,
        repository=found.repository,
        number=found.number,
        head_sha=found.head_sha,
        base=BaseOut(base.how.value, base.sha, base.asked, base.away),
        conclusion=found.gate.conclusion.value,
        reasons=list(found.gate.reasons),
        problems=list(found.problems),
        new=kept.new,
        unknown=kept.unknown,
        fixed=kept.fixed,
        carried=kept.carried,
        errors=kept.errors,
        warnings=kept.warnings,
        notes=kept.notes,
        score=None if found.score.value is None else found.score.value / 10,
        arithmetic=found.score.arithmetic,
        changed_lines=found.changed_lines,
        from_fork=found.from_fork,
        assessed_at=to_rfc3339(kept.assessed_at_ms),
    )


def placed_out(one: Placed) -> FindingOut:
    """A finding on the wire."""
    found: Finding = one.finding
    return FindingOut(
        one.standing.value, found.tool, found.rule, found.path, found.line, found.end_line,
        found.level.value, found.message, one.identity, one.occurrence,
    )  # fmt: skip


def report_out(report: Report) -> ReportOut:
    """A report on the wire."""
    origin, reading = report.origin, report.reading
    is_read = isinstance(reading, Readable)
    return ReportOut(
        name=origin.slot,
        format=reading.format.value if isinstance(reading, Readable) else None,
        findings=len(reading.findings) if isinstance(reading, Readable) else 0,
        suppressed=reading.suppressed if isinstance(reading, Readable) else 0,
        notes=[
            NoteOut(note.code, note.count, note.example, note.lost)
            for note in (reading.notes if isinstance(reading, Readable) else ())
        ],
        problem_code=None if is_read else getattr(reading, "code", None),
        problem=None if is_read else getattr(reading, "reason", None),
        run_id=origin.run_id,
        attempt=origin.attempt,
        artifact_id=origin.artifact_id,
        artifact_digest=origin.artifact_digest,
        from_fork=origin.from_fork,
        stored_at=to_rfc3339(report.stored_at_ms),
    )
