"""What a reading does to the past of criteria: their meanings, revisions and waivers."""

from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.features.checklists import store, store_history
from hookyard.features.checklists.align import Alignment
from hookyard.features.checklists.meaning import first_wording, settle
from hookyard.features.checklists.model import MAX_REASON, Checklist, Criterion, Wording
from hookyard.features.checklists.text import one_line
from hookyard.kit.errors import Invalid
from hookyard.kit.text import storable


def settled(
    unit: Unit, checklist: Checklist, aligned: Alignment
) -> tuple[Checklist, list[Wording]]:
    """The criteria with what their new words mean, and the revisions to keep."""
    criteria: list[Criterion] = []
    wordings: list[Wording] = []
    now_ms, updated_at_ms = checklist.updated_at_ms, checklist.issue_updated_at_ms
    for criterion in checklist.criteria:
        now = criterion
        if criterion.id in aligned.revised:
            kept = store_history.wordings_of(unit, checklist.id, criterion.id)
            now, wording = settle(criterion, kept, now_ms, updated_at_ms)
            wordings.append(wording)
        elif criterion.id in aligned.added:
            wordings.append(first_wording(criterion, now_ms, updated_at_ms))
        criteria.append(now)
    changed = replace(checklist, criteria=tuple(criteria))
    return _with_waivers(unit, changed) if aligned.revised else changed, wordings


def _with_waivers(unit: Unit, checklist: Checklist) -> Checklist:
    """The criteria with the waivers that hold for what they mean now."""
    waivers = store_history.open_waivers(unit, checklist.id)
    return replace(
        checklist,
        criteria=tuple(
            replace(c, decided=store.in_force(c, waivers.get(c.id, ()))) for c in checklist.criteria
        ),
    )


def waiver_reason(text: str) -> str:
    """The reason as it is kept; Invalid when it is empty or too long."""
    why = one_line(storable(text))
    if not why or len(why) > MAX_REASON:
        raise Invalid(f"a waiver needs a reason of at most {MAX_REASON} characters")
    return why
