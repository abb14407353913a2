"""Who hears of verdicts: a conclusion that turned, whatever was under way in between."""

from collections.abc import Iterable, Sequence

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.publishing.model import Effect, EffectId, Urgency
from hookyard.features.reviews import store, store_verdicts
from hookyard.features.reviews.judging import Cause, Judging, VerdictChanged
from hookyard.features.reviews.model import (
    Claim,
    Evidence,
    IssueCriteria,
    Link,
    Matched,
    Outcome,
    Policy,
    Pull,
    ReportProblem,
    RunState,
    Wanted,
)
from hookyard.features.reviews.sources import Sources
from hookyard.features.reviews.store import Review
from hookyard.kit.ids import IdMaker

NOW = 1_700_000_000_000
REPOSITORY = "acme/shop"
SHA = "a" * 40


class Knows(Sources):
    """Issue 1 with T1, and one case that says how T1 ended."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None

    def issue(self, unit: Unit, repository: str, number: int) -> IssueCriteria:
        return IssueCriteria(number, (Wanted(number, "T1", "it works", 1),), 2)

    def claims(self, unit: Unit, repository: str, head_sha: str) -> tuple[Claim, ...]:
        if self.outcome is None:
            return ()
        return (Claim(None, "T1", "k", "T1::works", self.outcome, 1, 1),)

    def problems(self, unit: Unit, repository: str, head_sha: str) -> tuple[ReportProblem, ...]:
        return ()

    def bind(
        self,
        unit: Unit,
        repository: str,
        matched: Sequence[Matched],
        issues: Iterable[IssueCriteria],
    ) -> tuple[Evidence, ...]:
        return tuple(Evidence(one.issue, one.criterion_id, 1, one.claim) for one in matched)


class Effects:
    """Takes every effect."""

    def request(
        self,
        unit: Unit,
        effect: Effect,
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        delivery_id: str | None = None,
        again: bool = False,
    ) -> EffectId:
        return EffectId("effect")


async def test_a_conclusion_is_told_against_the_last_one_and_not_against_a_pause(
    database: Database, ids: IdMaker
) -> None:
    sources, told = Knows(), list[tuple[str | None, str | None]]()

    def hear(unit: Unit, changed: VerdictChanged) -> None:
        told.append((changed.before, changed.judgement.conclusion))

    judging = Judging(sources, Effects(), ids, hear)
    pull = Pull(
        REPOSITORY, 7, "Fix", "alice", "open", draft=False, head_sha=SHA, head_ref="fix",
        head_repository=REPOSITORY, base_ref="main", base_sha="b" * 40, body="", updated_at_ms=NOW,
    )  # fmt: skip
    review = Review(ids.new(NOW), pull, "", Policy(), NOW)

    def begin(unit: Unit) -> None:
        store.save(unit, review)
        store.save_links(unit, review.id, [Link(REPOSITORY, 1, "keyword", "high")], NOW)

    await database.write(begin)
    states = ("requested", "in_progress", "completed", "stored")
    at_ms = NOW
    for attempt, outcome in enumerate(
        (Outcome.FAILED, Outcome.FAILED, Outcome.PASSED, Outcome.PASSED, Outcome.FAILED), 1
    ):
        for state in states:
            at_ms += 1_000
            sources.outcome = outcome if state == "stored" else sources.outcome
            run = RunState(1, attempt, SHA, state)

            def judge(unit: Unit, run: RunState = run, at_ms: int = at_ms) -> None:
                store_verdicts.note_run(unit, REPOSITORY, run, at_ms)
                judging.validate(unit, REPOSITORY, 7, Cause(run.state), at_ms)

            await database.write(judge)
    assert told == [(None, "failure"), ("failure", "success"), ("success", "failure")]
