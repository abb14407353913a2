"""Decisions on code health: which findings are new, what they cost, what the check says. Pure.

The identity of a finding survives moves: it has no line in it. Findings that are alike in all of
tool, rule, path and words are counted, and of those that are too many the ones on changed lines
are called new first.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.features.codehealth.model import (
    RANK,
    Base,
    BaseHow,
    Changes,
    Comparison,
    Conclusion,
    Finding,
    Gate,
    Level,
    Placed,
    Readable,
    Report,
    Score,
    Standing,
)

WEIGHTS: Mapping[Level, int] = {Level.ERROR: 10, Level.WARNING: 3, Level.NOTE: 1}
"""What a new finding takes from the score for each thousand changed lines."""
PER_LINES = 1_000
LEAST_LINES = 100
"""Fewer changed lines count as so many: a change of three lines says little of a thousand."""
_NUMBERS = re.compile(r"\d+")
_ORDER = {Standing.NEW: 0, Standing.UNKNOWN: 1, Standing.FIXED: 2, Standing.CARRIED: 3}


@dataclass(frozen=True, slots=True)
class Policy:
    """What fails the check: more than `max_new` new findings of at least `level`. `lenient` lets
    findings pass that may be old, where no report of the base is known; `absent` lets a commit pass
    that has not all the reports its base has."""

    max_new: int = 0
    level: Level = Level.WARNING
    lenient: bool = False
    absent: bool = False


def identity(finding: Finding, renamed: Mapping[str, str]) -> str:
    """What two reports must agree on for a finding to be the same, as 32 hexadecimal digits.

    Numbers in messages do not count: "line 12 is 104 long" is the same one line further down.
    """
    path = renamed.get(finding.path, finding.path)
    message = _NUMBERS.sub("0", " ".join(finding.message.split())).casefold()
    said = finding.fingerprint or message
    kind = "fingerprint" if finding.fingerprint else "message"
    parts = (finding.tool, finding.rule, path, kind, said)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def compare(head: Sequence[Report], base: Sequence[Report] | None, changes: Changes) -> Comparison:
    """Each finding's standing. `base` None: nothing is known to compare with.

    Reports are compared name by name; one that the base has not makes its findings unknown.
    """
    ours, theirs = _by_slot(head), _by_slot(base or ())
    placed: list[Placed] = []
    for slot, found in ours.items():
        if slot in theirs:
            placed += _told_apart(found, theirs[slot], changes)
        else:
            placed += _numbered(found, Standing.UNKNOWN, changes.renamed)
    readable = {report.origin.slot for report in head}
    return Comparison(
        tuple(sorted(placed, key=_place)),
        tuple(sorted(slot for slot in ours if slot not in theirs)),
        tuple(sorted(slot for slot in theirs if slot not in readable)),
    )


def score(comparison: Comparison, lines: int | None) -> Score:
    """100 minus the weights of new findings for each thousand changed lines, with its sum shown.

    Findings without a known base count as new: the score never flatters.
    """
    findings = (*comparison.of(Standing.NEW), *comparison.of(Standing.UNKNOWN))
    counts = {level: sum(one.level is level for one in findings) for level in Level}
    if lines is None:
        return Score(None, "no score: how many lines changed is not known")
    counted = max(LEAST_LINES, lines)
    weight = sum(WEIGHTS[level] * counts[level] for level in Level)
    # why: whole numbers throughout, rounded half up, so that every machine gets the same digits.
    lost = (weight * PER_LINES * 10 * 2 + counted) // (counted * 2)
    value = max(0, 1_000 - lost)
    words = " + ".join(
        f"{WEIGHTS[level]} × {counts[level]} {level.value}{'' if counts[level] == 1 else 's'}"
        for level in Level
    )
    fewest = f" (at least {LEAST_LINES} are counted)" if lines < LEAST_LINES else ""
    least = " (not below 0)" if lost > 1_000 else ""
    return Score(
        value,
        f"100 − ({words}) × {PER_LINES:,} ÷ {counted:,} changed lines{fewest}"
        f" = {tenths(value)}{least}",
    )


def judge(head: Sequence[Report], comparison: Comparison, base: Base, policy: Policy) -> Gate:
    """What the check says and why. Only new findings fail it; what is not known never passes."""
    new = _over(comparison.of(Standing.NEW), policy.level)
    lost = sum(one.reading.lost for one in head if isinstance(one.reading, Readable))
    failures = list(unread_reasons(head)) if head else ["no report was read for this commit"]
    if new > policy.max_new:
        failures.append(_new_said(new, policy))
    if lost and new + lost > policy.max_new:
        said = _many(lost, "entry", "entries")
        failures.append(f"{said} could not be read and may be findings")
    if failures:
        return Gate(Conclusion.FAILURE, tuple(failures))
    stopped, passed = _doubts(comparison, base, policy, new + lost)
    if stopped:
        return Gate(Conclusion.ACTION_REQUIRED, stopped)
    said = _new_said(new, policy) if new else f"no new finding ({_levels(policy)})"
    return Gate(Conclusion.SUCCESS, (said, *passed))


def _doubts(
    comparison: Comparison, base: Base, policy: Policy, sure: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is not known and stops the check, and what the policy lets pass."""
    stopped: list[str] = []
    passed: list[str] = []
    unknown = _over(comparison.of(Standing.UNKNOWN), policy.level)
    if sure + unknown > policy.max_new:
        many = _many(unknown, "finding")
        said = f"{many} ({_levels(policy)}) may be new: {_why_unknown(base)}"
        (passed if policy.lenient else stopped).append(said)
    for slot in comparison.missing:
        said = f"{slot} was reported for the base and not for this commit"
        (passed if policy.absent else stopped).append(said)
    return tuple(stopped), tuple(passed)


def _new_said(new: int, policy: Policy) -> str:
    return f"{_many(new, 'new finding')} ({_levels(policy)}), {policy.max_new:,} allowed"


def _levels(policy: Policy) -> str:
    word = policy.level.value
    return word if policy.level is Level.ERROR else f"{word} or worse"


def unread_reasons(head: Sequence[Report]) -> tuple[str, ...]:
    """Why reports say nothing, one line for each that could not be read."""
    return tuple(
        sorted(
            f"{report.origin.slot} could not be read: {report.reading.reason}"
            for report in head
            if not isinstance(report.reading, Readable)
        )
    )


def current(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Of each name the report that counts: the newest attempt of the newest run.

    A report of our own runs goes before one of a fork's.
    """
    best: dict[str, Report] = {}
    for report in reports:
        known = best.get(report.origin.slot)
        if known is None or _newness(report) > _newness(known):
            best[report.origin.slot] = report
    return tuple(best[slot] for slot in sorted(best))


def tenths(value: int) -> str:
    """`875` → `87.5`, `1000` → `100`."""
    whole, part = divmod(value, 10)
    return f"{whole}.{part}" if part else str(whole)


def _newness(report: Report) -> tuple[bool, int, int, int, str]:
    origin = report.origin
    return (not origin.from_fork, origin.run_id, origin.attempt, report.stored_at_ms, report.id)


def _by_slot(reports: Sequence[Report]) -> dict[str, tuple[Finding, ...]]:
    return {
        report.origin.slot: report.reading.findings
        for report in sorted(reports, key=lambda one: one.origin.slot)
        if isinstance(report.reading, Readable)
    }


def _told_apart(head: Sequence[Finding], base: Sequence[Finding], changes: Changes) -> list[Placed]:
    ours, theirs = _grouped(head, changes.renamed), _grouped(base, {})
    placed: list[Placed] = []
    for key, found in ours.items():
        carried = len(theirs.get(key, ()))
        ranked = sorted(found, key=lambda one: (is_touched(one, changes), *_where(one)))
        for number, one in enumerate(ranked, 1):
            standing = Standing.CARRIED if number <= carried else Standing.NEW
            placed.append(Placed(one, standing, key, number))
    for key, found in theirs.items():
        left = len(ours.get(key, ()))
        for number, one in enumerate(sorted(found, key=_where), 1):
            if number > left:
                placed.append(Placed(one, Standing.FIXED, key, number))
    return placed


def _numbered(
    found: Sequence[Finding], standing: Standing, renamed: Mapping[str, str]
) -> list[Placed]:
    return [
        Placed(one, standing, key, number)
        for key, group in _grouped(found, renamed).items()
        for number, one in enumerate(sorted(group, key=_where), 1)
    ]


def _grouped(found: Sequence[Finding], renamed: Mapping[str, str]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for one in found:
        groups.setdefault(identity(one, renamed), []).append(one)
    return groups


def is_touched(finding: Finding, changes: Changes) -> bool:
    """Whether a finding stands on a line the pull request added."""
    if changes.added is None or finding.line is None:
        return False
    added = changes.added.get(finding.path)
    if not added or finding.line in added:
        return bool(added)
    end = finding.end_line or finding.line
    return end > finding.line and any(finding.line <= line <= end for line in added)


def _where(one: Finding) -> tuple[str, int, int, int, str, str, str]:
    return (
        one.path, one.line or 0, one.end_line or 0, -RANK[one.level], one.tool, one.rule,
        one.message,
    )  # fmt: skip


def _place(one: Placed) -> tuple[object, ...]:
    found = one.finding
    return (
        _ORDER[one.standing], -RANK[found.level], *_where(found), found.fingerprint,
        one.identity, one.occurrence,
    )  # fmt: skip


def _over(found: Sequence[Finding], level: Level) -> int:
    return sum(RANK[one.level] >= RANK[level] for one in found)


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _why_unknown(base: Base) -> str:
    if base.how is BaseHow.NONE:
        return "no report of the base is known"
    return f"the base {(base.sha or '')[:7]} has no report of that name"
