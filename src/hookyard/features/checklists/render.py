"""The one comment on an issue that lists its criteria. Pure; strangers' words are defused."""

from collections.abc import Sequence

from hookyard.core.publishing.defuse import defuse
from hookyard.core.publishing.fit import clip, fit
from hookyard.features.checklists.model import Criterion, Purpose, WaiverKind

CONCERN = "criteria"
SHOWN = 100
MAX_TEXT = 240
MAX_GROUP = 120
MAX_REASON = 120

# spec: how a test names the criterion it proves: `T1::name`, class name `autoqa:T1`, tag `@T1`.
_FOOTER = (
    "Each id stays with its criterion when the issue is edited. A test proves a criterion by naming"
    " it: `{id}::what_it_shows` or `test_{id}_what_it_shows`, a class name with `autoqa:{id}`, or"
    " the tag `@{id}`; `{number}/{id}` where a pull request is about several issues."
)


def render(criteria: Sequence[Criterion], why: str, number: int) -> str:
    """Markdown of the comment on issue `number`; says why when there are no criteria."""
    reason = defuse(clip(why, 600))
    if not criteria:
        return f"### Acceptance criteria\n\nNone found in this issue: {reason}.\n"
    lines = ["### Acceptance criteria", "", f"{_summary(criteria)}, {reason}.", ""]
    lines += _listed(criteria[:SHOWN])
    if len(criteria) > SHOWN:
        lines += ["", f"And {len(criteria) - SHOWN} more."]
    footer = _FOOTER.format(id=criteria[0].id, number=number)
    lines += ["", f"<sub>{footer}</sub>", ""]
    return fit("\n".join(lines))


def _summary(criteria: Sequence[Criterion]) -> str:
    boxes = [c.checked for c in criteria if c.checked is not None]
    noun = "item" if len(criteria) == 1 else "items"
    ticked = f", {sum(boxes)} of {len(boxes)} ticked" if boxes else ""
    return f"{len(criteria)} {noun}{ticked}"


def _listed(criteria: Sequence[Criterion]) -> list[str]:
    lines: list[str] = []
    group = ""
    for criterion in criteria:
        if criterion.group != group:
            group = criterion.group
            lines += ["", f"{defuse(clip(group, MAX_GROUP)) or 'Further'}:", ""]
        lines.append(_line(criterion))
    return lines


def _line(criterion: Criterion) -> str:
    box = {True: "☑ ", False: "☐ ", None: ""}[criterion.checked]
    marks = [
        defuse(criterion.author_id) if criterion.author_id else "",
        "test" if criterion.purpose is Purpose.TEST else "",
        _waived(criterion),
    ]
    noted = ", ".join(mark for mark in marks if mark)
    text = defuse(clip(criterion.text, MAX_TEXT))
    return f"- {box}**{criterion.id}** {text}" + (f" ({noted})" if noted else "")


def _waived(criterion: Criterion) -> str:
    waiver = criterion.waiver
    if waiver is None:
        return ""
    if waiver.kind is WaiverKind.AUTHOR:
        return "waived in the issue"
    return f"waived by {defuse(waiver.by)}: {defuse(clip(waiver.reason, MAX_REASON))}"
