"""The check run `hookyard/health`: new, fixed and carried first, then the score. Pure.

The same findings in any order give the same bytes. What tools say is shown as it stands there,
without its power to link, mention or format.
"""

from collections.abc import Sequence

from hookyard.core.publishing.defuse import code, literal
from hookyard.core.publishing.model import Annotation, CheckRunEffect
from hookyard.features.codehealth.model import (
    Assessment,
    BaseHow,
    Changes,
    Finding,
    Level,
    Readable,
    Report,
    Standing,
)
from hookyard.features.codehealth.rules import PER_LINES, WEIGHTS, is_touched, tenths

CONCERN = "health"
SHOWN = 50
ANNOTATED = 100
MESSAGE = 200
_LEVELS = {Level.ERROR: "failure", Level.WARNING: "warning", Level.NOTE: "notice"}
_WORDS = {
    Standing.NEW: "New",
    Standing.UNKNOWN: "New or old",
    Standing.FIXED: "Fixed",
    Standing.CARRIED: "Carried",
}


def check_run(found: Assessment, reports: Sequence[Report], changes: Changes) -> CheckRunEffect:
    """What should stand on the commit."""
    return CheckRunEffect(
        repository=found.repository,
        head_sha=found.head_sha,
        concern=CONCERN,
        title=title(found),
        summary=_summary(found, reports, changes),
        text=_text(found),
        conclusion=found.gate.conclusion.value,
        annotations=annotations(found, changes),
    )


def title(found: Assessment) -> str:
    """`2 new, 1 fixed, 14 carried; score 87.5`"""
    counts = {each: len(found.comparison.of(each)) for each in Standing}
    unknown = counts[Standing.UNKNOWN]
    parts = [
        f"{counts[Standing.NEW]:,} new",
        *([f"{unknown:,} new or old"] if unknown else []),
        f"{counts[Standing.FIXED]:,} fixed",
        f"{counts[Standing.CARRIED]:,} carried",
    ]
    said = ", ".join(parts)
    if found.score.value is not None:
        said += f"; score {tenths(found.score.value)}"
    return said


def annotations(found: Assessment, changes: Changes) -> tuple[Annotation, ...]:
    """New findings on lines the pull request adds; none where those are not known."""
    placed = [
        one.finding
        for one in found.comparison.placed
        if one.standing in (Standing.NEW, Standing.UNKNOWN) and is_touched(one.finding, changes)
    ]
    return tuple(
        Annotation(
            path=one.path,
            start_line=one.line or 1,
            end_line=one.end_line or one.line or 1,
            level=_LEVELS[one.level],
            message=one.message,
            title=f"{one.tool}: {one.rule}" if one.rule else one.tool,
        )
        for one in placed[:ANNOTATED]
    )


def _summary(found: Assessment, reports: Sequence[Report], changes: Changes) -> str:
    lines = [*(f"- {literal(reason)}" for reason in found.gate.reasons), ""]
    lines += _table(found)
    lines += ["", _base_said(found), ""]
    lines += [found.score.arithmetic, ""]
    weights = ", ".join(f"{level.value} {WEIGHTS[level]}" for level in Level)
    lines.append(f"Weights for each new finding on {PER_LINES:,} changed lines: {weights}.")
    if found.from_fork:
        lines += ["", "The reports come from a fork's run: whoever opened it wrote them."]
    lines += ["", _annotated(found, changes)]
    lines += _notes(reports)
    return "\n".join(lines)


def _table(found: Assessment) -> list[str]:
    rows = ["| | errors | warnings | notes |", "|---|---|---|---|"]
    for standing in Standing:
        findings = found.comparison.of(standing)
        if standing is Standing.UNKNOWN and not findings:
            continue
        counts = [sum(one.level is level for one in findings) for level in Level]
        rows.append(f"| {_WORDS[standing]} | " + " | ".join(f"{n:,}" for n in counts) + " |")
    return rows


def _base_said(found: Assessment) -> str:
    base = found.base
    match base.how:
        case BaseHow.BASE:
            return f"Compared with the base, {(base.sha or '')[:12]}."
        case BaseHow.ANCESTOR:
            asked = f"{base.asked[:12]} has no report" if base.asked else "its parent"
            where = "1 commit" if base.away == 1 else f"{base.away:,} commits"
            if base.asked is None:
                return f"Compared with {(base.sha or '')[:12]}, {where} before."
            return f"Compared with {(base.sha or '')[:12]}, {where} before the base: {asked}."
        case BaseHow.NONE:
            asked = f" {base.asked[:12]}" if base.asked else ""
            return f"No report of the base{asked} is known: whether findings are new is not either."


def _annotated(found: Assessment, changes: Changes) -> str:
    if changes.added is None:
        return "No annotations: which lines changed is not known."
    fresh = (*found.comparison.of(Standing.NEW), *found.comparison.of(Standing.UNKNOWN))
    touched = sum(is_touched(one, changes) for one in fresh)
    said = f"{touched:,} of these {len(fresh):,} findings are on changed lines."
    if touched > ANNOTATED:
        said += f" The first {ANNOTATED} are annotated."
    if changes.unmeasured:
        files = "1 file" if changes.unmeasured == 1 else f"{changes.unmeasured:,} files"
        said += f" GitHub shows no lines of {files}, so nothing is annotated there."
    return said


def _notes(reports: Sequence[Report]) -> list[str]:
    lines = ["", "Reports:"]
    for report in sorted(reports, key=lambda one: one.origin.slot):
        reading, slot = report.reading, code(report.origin.slot)
        if not isinstance(reading, Readable):
            lines.append(f"- {slot}: {literal(reading.reason)} ({reading.code})")
            continue
        said = f"{len(reading.findings):,} findings"
        if reading.suppressed:
            said += f", {reading.suppressed:,} suppressed by the tool"
        lines.append(f"- {slot}: {said}")
        for note in reading.notes:
            left = "left out" if note.lost else "kept without it"
            shown = f", such as {code(note.example)}" if note.example else ""
            lines.append(f"  - {note.code}: {note.count:,} {left}{shown}")
    return lines


def _text(found: Assessment) -> str:
    parts: list[str] = []
    for standing in Standing:
        findings = found.comparison.of(standing)
        if standing is Standing.CARRIED or not findings:
            continue
        parts.append(f"### {_WORDS[standing]}\n")
        parts += [_line(one) for one in findings[:SHOWN]]
        if len(findings) > SHOWN:
            parts.append(f"- and {len(findings) - SHOWN:,} more")
        parts.append("")
    return "\n".join(parts)


def _line(one: Finding) -> str:
    where = f"{one.path}:{one.line}" if one.path and one.line else one.path or "no file"
    rule = f" {code(one.rule)}" if one.rule else ""
    message = one.message if len(one.message) <= MESSAGE else one.message[: MESSAGE - 1] + "…"
    return f"- {one.level.value} {code(where)}{rule} ({literal(one.tool)}): {literal(message)}"
