"""Use cases of verdicts: judge a commit, keep what changed, and ask for the check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import EffectRequests, Urgency
from hookyard.features.reviews import store, store_verdicts
from hookyard.features.reviews.changes import changes, digest_of
from hookyard.features.reviews.matching import match
from hookyard.features.reviews.model import (
    Finding,
    FindingKind,
    Group,
    IssueCriteria,
    Judgement,
    Link,
)
from hookyard.features.reviews.render import check_of
from hookyard.features.reviews.rules import MAX_CLAIMS, Facts, judge
from hookyard.features.reviews.sources import Sources
from hookyard.features.reviews.store import Review
from hookyard.kit.ids import IdMaker

# why: a job of a workflow may run for six hours; a run that is never heard of again ends then.
RUN_LIMIT_MS = 6 * 3_600_000
UNREAD_LIMIT_MS = 10 * 60_000
"""How long the results of an ended run are waited for."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a commit is judged. `again` writes the check even where it should stand."""

    reason: str
    delivery_id: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class VerdictChanged:
    """Told when a pull request's conclusion is another than `before`: the last there was, whatever
    was under way in between; None for the first."""

    review: Review
    judgement: Judgement
    before: str | None


Told: TypeAlias = Callable[[Unit, VerdictChanged], None]


def tell_nobody(unit: Unit, changed: VerdictChanged) -> None:
    """Where nobody wants to hear of verdicts."""


class Judging:
    """Judges pull requests and merge groups. `told` hears of changes, in the same unit."""

    def __init__(
        self,
        sources: Sources,
        effects: EffectRequests,
        ids: IdMaker,
        told: Told = tell_nobody,
    ) -> None:
        self._sources = sources
        self._effects = effects
        self._ids = ids
        self._told = told

    def validate(
        self, unit: Unit, repository: str, number: int, cause: Cause, now_ms: int
    ) -> Judgement | None:
        """Judge the head of an open pull request; None when it is not known or closed."""
        store.lock(unit, repository, number)
        review = store.find(unit, repository, number)
        if review is None or review.pull.state != "open":
            return None
        judgement = self.judge(unit, review, review.pull.head_sha, now_ms)
        before = store_verdicts.get(unit, review.verdict_id) if review.verdict_id else None
        review = self._keep(unit, review, before, judgement, cause, now_ms)
        if review.policy.check:
            effect = check_of(review.pull, review.pull.head_sha, judgement)
            effect_id = self._effects.request(
                unit,
                effect,
                urgency=Urgency.CHECK,
                delivery_id=cause.delivery_id,
                again=cause.again,
            )
            review = replace(review, effect_id=effect_id)
        store.save(unit, replace(review, judged_at_ms=now_ms))
        if review.policy.merge_group == "carry":
            for group in store_verdicts.groups_of(unit, repository, number):
                self._show_group(unit, group, review, judgement, cause)
        return judgement

    def validate_group(self, unit: Unit, group: Group, cause: Cause, now_ms: int) -> Judgement:
        """Judge a merge group and show its check: the verdict of its pull request, or its own."""
        review = store.find(unit, group.repository, group.number)
        if review is None:
            title = f"Pull request #{group.number} is not known"
            judgement = Judgement("failure", title, "nothing is known of it")
        elif review.policy.merge_group == "run":
            judgement = self.judge(unit, review, group.head_sha, now_ms)
        else:
            judgement = self.judge(unit, review, review.pull.head_sha, now_ms)
        if review is None or review.policy.check:
            self._show_group(unit, group, review, judgement, cause)
        return judgement

    def judge(self, unit: Unit, review: Review, head_sha: str, now_ms: int) -> Judgement:
        """What a commit comes to, by the criteria and the policy of a pull request."""
        repository = review.pull.repository
        links = store.links(unit, review.id)
        issues, findings = self._issues(unit, repository, links)
        claims = self._sources.claims(unit, repository, head_sha)
        matching = match(issues, claims[:MAX_CLAIMS])
        facts = Facts(
            issues=issues,
            evidence=self._sources.bind(unit, repository, matching.matched, issues),
            marks=store.marks(unit, repository, [issue.number for issue in issues]),
            problems=self._sources.problems(unit, repository, head_sha),
            findings=(*matching.findings, *findings),
            running=store_verdicts.running(
                unit, repository, head_sha, now_ms - RUN_LIMIT_MS, now_ms - UNREAD_LIMIT_MS
            ),
            claims=len(claims),
            unlinked=self._unlinked(unit, repository, links),
        )
        return judge(facts, review.policy)

    def _issues(
        self, unit: Unit, repository: str, links: Sequence[Link]
    ) -> tuple[list[IssueCriteria], list[Finding]]:
        issues: list[IssueCriteria] = []
        findings: list[Finding] = []
        for link in links:
            if link.removed:
                continue
            if link.repository.lower() != repository.lower():
                text = f"{link.repository}#{link.number} is in another repository, and not read"
                findings.append(Finding(FindingKind.ELSEWHERE, text))
                continue
            issue = self._sources.issue(unit, repository, link.number)
            # why: a number in a branch's name may be anybody's; it counts where criteria prove it.
            if issue.criteria or link.confidence != "low":
                issues.append(issue)
        return issues, findings

    def _unlinked(self, unit: Unit, repository: str, links: Sequence[Link]) -> list[int]:
        """Issues with criteria whose links were removed and nobody released."""
        return [
            link.number
            for link in links
            if link.removed
            and link.confidence != "low"
            and link.repository.lower() == repository.lower()
            and self._sources.issue(unit, repository, link.number).criteria
        ]

    def _keep(
        self,
        unit: Unit,
        review: Review,
        before: store_verdicts.VerdictRow | None,
        judgement: Judgement,
        cause: Cause,
        now_ms: int,
    ) -> Review:
        head_sha = review.pull.head_sha
        digest = digest_of(head_sha, judgement)
        if before is not None and before.digest == digest:
            return review
        row = store_verdicts.VerdictRow(
            id=self._ids.new(now_ms),
            head_sha=head_sha,
            at_ms=now_ms,
            conclusion=judgement.conclusion,
            title=judgement.title,
            cause=cause.reason,
            changes=changes(None if before is None else before.judgement, judgement),
            judgement=judgement,
            digest=digest,
        )
        was = store_verdicts.last_conclusion(unit, review.id)
        store_verdicts.add(unit, review.id, row)
        if judgement.conclusion is not None and judgement.conclusion != was:
            self._told(unit, VerdictChanged(review, judgement, was))
        return replace(review, verdict_id=row.id)

    def _show_group(
        self, unit: Unit, group: Group, review: Review | None, judgement: Judgement, cause: Cause
    ) -> None:
        pull = None if review is None else review.pull
        self._effects.request(
            unit,
            check_of(pull, group.head_sha, judgement, group),
            urgency=Urgency.CHECK,
            delivery_id=cause.delivery_id,
            again=cause.again,
        )
