"""The check `hookyard/criteria` of a commit. Pure; strangers' words are defused and cut."""

from collections.abc import Iterable, Sequence

from hookyard.core.publishing.defuse import code, defuse, literal
from hookyard.core.publishing.fit import clip
from hookyard.core.publishing.model import Annotation, CheckAction, CheckRunEffect
from hookyard.features.reviews.model import (
    CriterionVerdict,
    Evidence,
    Finding,
    Group,
    Judgement,
    Outcome,
    Pull,
    Verdict,
)

CONCERN = "criteria"
SHOWN = 150
MAX_TEXT = 160
MAX_REASON = 240
MAX_TITLE = 250
ANNOTATED = 100

ACTIONS = (
    CheckAction("Re-run", "Look at the results again", "revalidate"),
    CheckAction("Waive", "Waive every criterion that does not hold", "waive"),
)
_MARKS = {
    Verdict.PASSED: "✅",
    Verdict.FLAKY: "⚠️",
    Verdict.WAIVED: "☑️",
    Verdict.MANUAL: "☑️",
    Verdict.FAILED: "❌",
    Verdict.SKIPPED: "❌",
    Verdict.MISSING: "❌",
    Verdict.STALE: "❌",
}
_BAD = (Outcome.FAILED, Outcome.ERROR)


def check_of(
    pull: Pull | None, head_sha: str, judgement: Judgement, group: Group | None = None
) -> CheckRunEffect:
    """The check run that shows a judgement on a commit: a pull request's, or a merge group's."""
    repository = group.repository if group is not None else pull.repository if pull else ""
    failing = any(not one.holds for one in judgement.criteria)
    return CheckRunEffect(
        repository=repository,
        head_sha=head_sha,
        concern=CONCERN,
        title=clip(judgement.title, MAX_TITLE),
        summary=_summary(judgement, pull, group),
        text=_text(judgement),
        conclusion=judgement.conclusion,
        annotations=tuple(_annotations(judgement.criteria)),
        actions=(ACTIONS if failing else ACTIONS[:1]) if group is None else (),
    )


def _summary(judgement: Judgement, pull: Pull | None, group: Group | None) -> str:
    reason = literal(clip(judgement.reason, MAX_REASON))
    lines = [f"{reason[:1].upper()}{reason[1:]}.", ""]
    if group is not None and pull is not None:
        lines = [f"The verdict of pull request {pull.number} at {pull.head_sha[:10]}.", "", *lines]
    shown = judgement.criteria[:SHOWN]
    several = len({one.issue for one in judgement.criteria}) > 1
    if shown:
        lines += ["| id | criterion | verdict | why | evidence |", "|---|---|---|---|---|"]
        lines += [_row(one, several) for one in shown]
    if len(judgement.criteria) > SHOWN:
        lines += ["", f"And {len(judgement.criteria) - SHOWN} more."]
    return "\n".join([*lines, ""])


def _row(one: CriterionVerdict, several: bool) -> str:
    name = f"{one.issue}/{one.id}" if several else one.id
    cells = (
        f"**{name}**",
        cell(one.text, MAX_TEXT),
        f"{_MARKS[one.verdict]} {one.verdict.value}",
        cell(one.reason, MAX_REASON),
        _links(one.evidence),
    )
    return f"| {' | '.join(cells)} |"


def cell(text: str, limit: int) -> str:
    """A stranger's text inside one cell of a table."""
    # why: a pipe ends a cell even in a code span, unless it is escaped; `literal` does so.
    return literal(clip(" ".join(text.split()), limit))


def _links(evidence: Sequence[Evidence]) -> str:
    """Links to the runs the evidence is from; only addresses GitHub itself would give."""
    runs: dict[tuple[int, int], str] = {}
    for one in evidence:
        runs.setdefault((one.claim.run_id, one.claim.attempt), one.claim.run_url)
    shown = []
    for (run, attempt), url in list(runs.items())[:3]:
        name = f"run {run}" if attempt == 1 else f"run {run}, attempt {attempt}"
        shown.append(f"[{name}]({url})" if _is_plain(url) else name)
    more = len(runs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") or "-"


def _is_plain(url: str) -> bool:
    is_address = url.startswith(("https://", "http://")) and len(url) < 500
    return is_address and url.isascii() and not set(url) & set(" ()<>[]|\\`\"'\n\r\t")


def _text(judgement: Judgement) -> str:
    parts = []
    if judgement.findings:
        parts.append("### Findings\n\n" + "\n".join(_finding(one) for one in judgement.findings))
    if judgement.criteria:
        parts.append(_how(judgement.criteria))
    return "\n\n".join(parts)


def _finding(one: Finding) -> str:
    stop = " (**keeps the check from succeeding**)" if one.blocking else ""
    return f"- {one.kind.value.replace('_', ' ')}: {literal(clip(one.text, 400))}{stop}"


def _how(criteria: Sequence[CriterionVerdict]) -> str:
    several = len({one.issue for one in criteria}) > 1
    first = next((one for one in criteria if not one.holds), criteria[0])
    name = f"{first.issue}/{first.id}" if several else first.id
    return (
        "### How to name tests\n\n"
        f"A case belongs to a criterion when its name starts with {code(f'{name}::')}, as in "
        f"{code(f'{name}::test_it')}, or when its class is {code(f'autoqa:{name}')}. Every case "
        "of a criterion must pass; skipped ones are no evidence."
    )


def _annotations(criteria: Iterable[CriterionVerdict]) -> Iterable[Annotation]:
    """A remark where each failing case with a file stands; the same case once."""
    seen: set[tuple[str, int, str]] = set()
    for one in criteria:
        if one.verdict is not Verdict.FAILED:
            continue
        for evidence in one.evidence:
            claim = evidence.claim
            path = _path(claim.file)
            if claim.outcome not in _BAD or path is None or len(seen) >= ANNOTATED:
                continue
            line = max(1, claim.line or 1)
            key = (path, line, f"{one.issue}/{one.id}")
            if key in seen:
                continue
            seen.add(key)
            text = f"{defuse(clip(one.text, MAX_TEXT))}\n{defuse(clip(claim.name, MAX_REASON))}"
            ended = "failed" if claim.outcome is Outcome.FAILED else "ended in an error"
            yield Annotation(path, line, line, "failure", text, f"{one.id} of #{one.issue} {ended}")


def _path(file: str | None) -> str | None:
    """A path inside the repository, or None for any other."""
    if not file or len(file) > 500 or file.startswith(("/", "\\")) or ":" in file:
        return None
    parts = file.removeprefix("./").split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts) and file.isprintable()
    return "/".join(parts) if is_plain else None
