"""Which revision of a criterion its evidence counts from, over edits of its words. Pure.

Each change of words is a revision. A correction keeps the meaning; a material rewrite starts a
new one. New words are compared with those that first said what is said today, so that many small
steps do not add up unseen. Words that were there before get their old meaning back, and with it
the evidence that was found for it then; what was found in between is about something else.
"""

from collections.abc import Sequence
from dataclasses import replace

from hookyard.features.checklists.model import ChangeKind, Criterion, Wording
from hookyard.features.checklists.rewrite import Change, compare
from hookyard.features.checklists.text import normal, plain


def first_wording(criterion: Criterion, now_ms: int, issue_updated_at_ms: int) -> Wording:
    """The first revision of a new criterion."""
    return _wording(criterion, ChangeKind.FIRST, "first read", now_ms, issue_updated_at_ms)


def settle(
    criterion: Criterion, kept: Sequence[Wording], now_ms: int, issue_updated_at_ms: int
) -> tuple[Criterion, Wording]:
    """A criterion whose words just changed, with the meaning they have; and the row to keep.

    `criterion` has its new words and revision and its old meaning; `kept` are its earlier
    revisions, oldest first.
    """
    anchor = _anchor(criterion, kept)
    change = difference(anchor, criterion)
    if not change.is_material:
        kind, reason, meaning = ChangeKind.WORDING, change.reason, criterion.meaning
        evidence_from = criterion.evidence_from
    else:
        evidence_from = criterion.revision
        before = _same_words(criterion, kept)
        if before is not None:
            kind, meaning = ChangeKind.BACK, before.meaning
            reason = f"back to the words of revision {before.revision}"
        else:
            kind, reason, meaning = ChangeKind.MATERIAL, change.reason, criterion.revision
    earlier = tuple(
        wording.revision
        for wording in kept
        if wording.meaning == meaning and wording.revision < evidence_from
    )
    settled = replace(criterion, meaning=meaning, evidence_from=evidence_from, earlier=earlier)
    return settled, _wording(settled, kind, reason, now_ms, issue_updated_at_ms)


def difference(before: Wording, after: Criterion) -> Change:
    """What changed between two revisions: the words, what they stand under, or their details."""
    change = compare(before.text, after.text)
    for name, was, now in (
        ("its group", before.group, after.group),
        ("its details", before.detail, after.detail),
    ):
        if change.is_material:
            break
        inner = compare(was, now)
        if inner.is_material:
            change = Change(is_material=True, reason=f"{name}: {inner.reason}")
    return change


def is_reworded(before: Criterion, words: tuple[str, str, str]) -> bool:
    """Whether text, group or detail differ by more than marks of emphasis and white space."""
    was = (before.text, before.group, before.detail)
    return any(plain(old) != plain(new) for old, new in zip(was, words, strict=True))


def _anchor(criterion: Criterion, kept: Sequence[Wording]) -> Wording:
    first = next((w for w in kept if w.revision == criterion.meaning), None)
    if first is not None:
        return first
    return kept[-1] if kept else first_wording(criterion, 0, 0)


def _same_words(criterion: Criterion, kept: Sequence[Wording]) -> Wording | None:
    now = [normal(criterion.text), normal(criterion.group), normal(criterion.detail)]
    for wording in reversed(kept):
        if [normal(wording.text), normal(wording.group), normal(wording.detail)] == now:
            return wording
    return None


def _wording(
    criterion: Criterion, kind: ChangeKind, reason: str, now_ms: int, issue_updated_at_ms: int
) -> Wording:
    return Wording(
        criterion_id=criterion.id,
        revision=criterion.revision,
        text=criterion.text,
        group=criterion.group,
        detail=criterion.detail,
        meaning=criterion.meaning,
        change=kind,
        reason=reason,
        seen_at_ms=now_ms,
        issue_updated_at_ms=issue_updated_at_ms,
    )
