"""What test runs look like over the API."""

from dataclasses import asdict, dataclass

from hookyard.features.testruns.model import History, Report, Run, Totals
from hookyard.features.testruns.rules import Judgement
from hookyard.features.testruns.service import ListedCase
from hookyard.kit.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class TotalsOut:
    """Counts by case; `flaky` ones are among the passed. `duration_s` in seconds."""

    tests: int
    passed: int
    failed: int
    errors: int
    skipped: int
    flaky: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class RunOut:
    """One attempt of a workflow run. `problems` counts what could not be read."""

    run_id: int
    attempt: int
    workflow: str
    path: str
    event: str
    conclusion: str
    head_sha: str
    head_branch: str
    head_repository: str
    from_fork: bool
    pull_requests: list[int]
    url: str
    reports: int
    problems: int
    totals: TotalsOut
    stored_at: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of attempts."""

    items: list[RunOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ReportOut:
    """A report, or a problem: `problem` is one stable word, `detail` a sentence."""

    id: str
    artifact_id: int
    artifact_name: str
    artifact_digest: str
    member: str
    dialect: str
    totals: TotalsOut
    truncated: bool
    warnings: list[str]
    problem: str | None
    detail: str
    stored_at: str


@dataclass(frozen=True, slots=True)
class RunDetail:
    """An attempt with everything that was found in its artifacts."""

    run: RunOut
    reports: list[ReportOut]


@dataclass(frozen=True, slots=True)
class CaseOut:
    """A case. `ids` are criterion ids as found; `file` is the repository's, "" if not certain."""

    report_id: str
    case_key: str
    name: str
    classname: str
    suite: str
    occurrence: int
    file: str
    line: int | None
    outcome: str
    flaky: bool
    reruns: int
    time_s: float | None
    message: str
    ids: list[str]


@dataclass(frozen=True, slots=True)
class CasePage:
    """A page of cases, in the order of their reports."""

    items: list[CaseOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OnCommit:
    """What a case did on one commit."""

    sha: str
    passes: int
    failures: int
    seen_at: str


@dataclass(frozen=True, slots=True)
class UnsteadyOut:
    """A case that failed: `failures` of `observed` results did, and what it is taken for."""

    case_key: str
    name: str
    classname: str
    suite: str
    configuration: str
    nature: str
    reason: str
    failures: int
    observed: int
    commits: list[OnCommit]


@dataclass(frozen=True, slots=True)
class UnsteadyPage:
    """A page of such cases, by key."""

    items: list[UnsteadyOut]
    next_cursor: str | None


def show_totals(totals: Totals) -> TotalsOut:
    """Counts."""
    return TotalsOut(**asdict(totals))


def show_run(run: Run) -> RunOut:
    """An attempt."""
    facts = run.facts
    return RunOut(
        run_id=facts.run_id,
        attempt=facts.attempt,
        workflow=facts.name,
        path=facts.path,
        event=facts.event,
        conclusion=facts.conclusion,
        head_sha=facts.head_sha,
        head_branch=facts.head_branch,
        head_repository=facts.head_repository,
        from_fork=facts.from_fork,
        pull_requests=list(facts.pull_requests),
        url=facts.url,
        reports=run.reports,
        problems=run.problems,
        totals=show_totals(run.totals),
        stored_at=to_rfc3339(run.stored_at_ms),
    )


def show_report(report: Report) -> ReportOut:
    """A report or problem."""
    return ReportOut(
        id=report.id,
        artifact_id=report.artifact_id,
        artifact_name=report.artifact_name,
        artifact_digest=report.artifact_digest,
        member=report.member,
        dialect=report.dialect,
        totals=show_totals(report.totals),
        truncated=report.truncated,
        warnings=list(report.warnings),
        problem=None if report.problem is None else report.problem.value,
        detail=report.detail,
        stored_at=to_rfc3339(report.stored_at_ms),
    )


def show_case(listed: ListedCase) -> CaseOut:
    """A case."""
    case = listed.case
    return CaseOut(
        report_id=listed.report_id,
        case_key=listed.case_key,
        name=case.name,
        classname=case.classname,
        suite=case.suite,
        occurrence=case.occurrence,
        file=case.file,
        line=case.line,
        outcome=case.outcome.value,
        flaky=case.flaky,
        reruns=case.reruns,
        time_s=case.time_s,
        message=case.message,
        ids=list(case.ids),
    )


def show_unsteady(history: History, judgement: Judgement) -> UnsteadyOut:
    """A case with its history and what it is taken for."""
    return UnsteadyOut(
        case_key=history.case_key,
        name=history.name,
        classname=history.classname,
        suite=history.suite,
        configuration=history.configuration,
        nature=judgement.nature.value,
        reason=judgement.reason,
        failures=judgement.failures,
        observed=judgement.observed,
        commits=[
            OnCommit(one.head_sha, one.passes, one.failures, to_rfc3339(one.last_at_ms))
            for one in history.seen
        ],
    )
