"""Checklists as the API shows them."""

from dataclasses import dataclass

from hookyard.features.checklists.model import ChecklistSummary, Criterion, Waiver
from hookyard.features.checklists.service import ChecklistView
from hookyard.kit.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class WaiverOut:
    """Leave to stand without evidence. `kind` is "author" where the issue's text says it (`by` is
    then empty, `at` null) and "person" where somebody decided it."""

    kind: str
    by: str
    reason: str
    at: str | None


@dataclass(frozen=True, slots=True)
class ItemOut:
    """One criterion. `checked` is the author's claim, null where the form has no box; `detail`
    what stands below the item. Evidence counts from revision `evidence_from` on, and that of the
    `earlier` ones, which said the same. `waiver` says who lets it stand without."""

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: str
    author_id: str | None
    purpose: str
    waived: bool
    revision: int
    detail: str
    depth: int
    evidence_from: int
    earlier: list[int]
    waiver: WaiverOut | None


@dataclass(frozen=True, slots=True)
class CommentOut:
    """The comment that lists the criteria: `state` is pending, landed or dead."""

    effect_id: str
    state: str
    url: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ChecklistOut:
    """An issue and its criteria. `cut`: the issue is longer than what is read of one. `gone`: why
    it is no longer there, null while it is."""

    repository: str
    number: int
    title: str
    confidence: str
    reason: str
    revision: int
    updated_at: str
    issue_updated_at: str
    state: str
    author: str
    url: str
    cut: bool
    gone: str | None
    items: list[ItemOut]
    comment: CommentOut | None


@dataclass(frozen=True, slots=True)
class SummaryOut:
    """An issue with a known checklist: how many criteria, how many of them ticked, how many
    waived, by the issue or by somebody."""

    number: int
    title: str
    confidence: str
    revision: int
    criteria: int
    checked: int
    waived: int
    updated_at: str
    state: str
    author: str
    url: str
    gone: str | None


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """A page of issues, highest number first."""

    items: list[SummaryOut]
    next_cursor: str | None


def summary_out(summary: ChecklistSummary) -> SummaryOut:
    """One line of the list on the wire."""
    return SummaryOut(
        number=summary.number,
        title=summary.title,
        confidence=summary.confidence.value,
        revision=summary.revision,
        criteria=summary.criteria,
        checked=summary.checked,
        waived=summary.waived,
        updated_at=to_rfc3339(summary.updated_at_ms),
        state=summary.state,
        author=summary.author,
        url=summary.url,
        gone=summary.gone,
    )


def checklist_out(view: ChecklistView) -> ChecklistOut:
    """An issue and its criteria on the wire."""
    checklist = view.checklist
    return ChecklistOut(
        repository=checklist.repository,
        number=checklist.number,
        title=checklist.title,
        confidence=checklist.confidence.value,
        reason=checklist.reason,
        revision=checklist.revision,
        updated_at=to_rfc3339(checklist.updated_at_ms),
        issue_updated_at=to_rfc3339(checklist.issue_updated_at_ms),
        state=checklist.state,
        author=checklist.author,
        url=checklist.url,
        cut=checklist.cut,
        gone=checklist.gone,
        items=[item_out(criterion) for criterion in checklist.criteria],
        comment=_comment(view),
    )


def item_out(criterion: Criterion) -> ItemOut:
    """One criterion on the wire."""
    return ItemOut(
        id=criterion.id,
        text=criterion.text,
        checked=criterion.checked,
        group=criterion.group,
        line=criterion.line,
        kind=criterion.kind.value,
        author_id=criterion.author_id,
        purpose=criterion.purpose.value,
        waived=criterion.waiver is not None,
        revision=criterion.revision,
        detail=criterion.detail,
        depth=criterion.depth,
        evidence_from=criterion.evidence_from,
        earlier=list(criterion.earlier),
        waiver=None if criterion.waiver is None else waiver_out(criterion.waiver),
    )


def waiver_out(waiver: Waiver) -> WaiverOut:
    """A waiver on the wire."""
    at = to_rfc3339(waiver.at_ms) if waiver.at_ms else None
    return WaiverOut(waiver.kind.value, waiver.by, waiver.reason, at)


def _comment(view: ChecklistView) -> CommentOut | None:
    effect = view.comment
    if effect is None:
        return None
    return CommentOut(effect.id, effect.state.value, effect.url, effect.error)
