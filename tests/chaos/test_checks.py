"""The history checker itself: it passes a clean history and rejects each kind of broken one."""

from dataclasses import replace

import pytest

from tests.support.chaos_checks import check
from tests.support.chaos_model import (
    Ack,
    AttemptRow,
    CriteriaComment,
    DeliveryRow,
    EffectRow,
    History,
    JobRow,
    Landed,
    Sent,
    Want,
    Wrong,
)

REPOSITORY = "acme/shop"
ANSWER = f"comment:{REPOSITORY}#1:agent-job2"
CRITERIA = f"comment:{REPOSITORY}#1:criteria"
EYES = f"reaction:{REPOSITORY}#1:77:eyes"
ROUTED, IGNORED = frozenset({"routed"}), frozenset({"ignored"})


def comment(key: str, text: str) -> Landed:
    return Landed("comment", REPOSITORY, 1, f"<!-- hookyard:{key} -->\n{text}")


COMMAND = Sent(
    "command",
    "github",
    "guid-1",
    Want(ROUTED, {"agent.task": 1}, "tok000001x", "comment", 77),
    (Ack(202, "accepted", "d1"), Ack(200, "duplicate", "d1")),
)
ISSUE = Sent(
    "issue",
    "github",
    "guid-2",
    Want(ROUTED, {"criteria.extract": 1}),
    (Ack(202, "accepted", "d2"),),
)
SLASH = Sent("slash", "slack", "13.1", Want(IGNORED), (Ack(200, "", None),))
CLEAN = History(
    sent=(COMMAND, ISSUE, SLASH),
    deliveries=(
        DeliveryRow("d1", "github", "guid-1", "routed", None),
        DeliveryRow("d2", "github", "guid-2", "routed", None),
        DeliveryRow("d3", "slack", "13.1", "ignored", "a bot"),
    ),
    jobs=(
        JobRow("job1", "ingress.route", None, "succeeded", 1, "d1"),
        JobRow("job2", "agent.task", "agent:1", "succeeded", 2, "d1"),
        JobRow("job3", "effect.land", f"effect:{ANSWER}", "succeeded", 1, "d1"),
        JobRow("job4", "effect.land", f"effect:{EYES}", "succeeded", 1, "d1"),
        JobRow("job5", "ingress.route", None, "succeeded", 1, "d2"),
        JobRow("job6", "criteria.extract", "criteria:1", "succeeded", 1, "d2"),
        JobRow("job7", "effect.land", f"effect:{CRITERIA}", "succeeded", 1, "d2"),
        JobRow("job8", "ingress.route", None, "succeeded", 1, "d3"),
    ),
    attempts=(
        AttemptRow("job1", 1, 10, 20, "succeeded"),
        AttemptRow("job2", 1, 20, 30, "lost"),
        AttemptRow("job2", 2, 30, 40, "succeeded"),
        AttemptRow("job3", 1, 40, 50, "succeeded"),
        AttemptRow("job4", 1, 20, 30, "succeeded"),
        AttemptRow("job5", 1, 10, 20, "succeeded"),
        AttemptRow("job6", 1, 20, 30, "succeeded"),
        AttemptRow("job7", 1, 30, 40, "succeeded"),
        AttemptRow("job8", 1, 10, 20, "succeeded"),
    ),
    effects=(
        EffectRow(ANSWER, "comment", "landed"),
        EffectRow(EYES, "reaction", "landed"),
        EffectRow(CRITERIA, "comment", "landed"),
    ),
    landed=(
        comment(ANSWER, "done tok000001x"),
        Landed("reaction", REPOSITORY, 1, "eyes", 77),
        comment(CRITERIA, "tok000002x works"),
    ),
    criteria=(
        CriteriaComment(REPOSITORY, 1, frozenset({"tok000002x"}), frozenset({"tok000002x"})),
    ),
)


def without_delivery(row_id: str) -> History:
    return replace(CLEAN, deliveries=[row for row in CLEAN.deliveries if row.id != row_id])


def delivery(row_id: str, **facts: str | None) -> History:
    rows = [replace(row, **facts) if row.id == row_id else row for row in CLEAN.deliveries]
    return replace(CLEAN, deliveries=rows)


def job(job_id: str, **facts: object) -> History:
    rows = [replace(row, **facts) if row.id == job_id else row for row in CLEAN.jobs]  # type: ignore[arg-type]
    return replace(CLEAN, jobs=rows)


def more_jobs(*jobs: JobRow) -> History:
    """With more jobs, each of which ran once, long after all others."""
    ran = [
        AttemptRow(one.id, 1, 1000 * n, 1000 * n + 1, "succeeded") for n, one in enumerate(jobs, 1)
    ]
    return replace(CLEAN, jobs=[*CLEAN.jobs, *jobs], attempts=[*CLEAN.attempts, *ran])


def less(job_id: str) -> History:
    return replace(
        CLEAN,
        jobs=[row for row in CLEAN.jobs if row.id != job_id],
        attempts=[row for row in CLEAN.attempts if row.job_id != job_id],
    )


def attempts(job_id: str, *rows: AttemptRow) -> History:
    """With these attempts of a job in place of its own."""
    others = [row for row in CLEAN.attempts if row.job_id != job_id]
    return replace(CLEAN, attempts=[*others, *rows])


def landed(*things: Landed) -> History:
    return replace(CLEAN, landed=things)


def acked(sent: Sent, *acks: Ack) -> History:
    changed = replace(sent, acks=acks)
    return replace(CLEAN, sent=[changed if one is sent else one for one in CLEAN.sent])


def test_a_clean_history_passes() -> None:
    assert check(CLEAN) == []


ACKED_TWICE = (Ack(202, "accepted", "d1"), Ack(202, "accepted", "d1"))
TWO_IDS = (Ack(202, "accepted", "d1"), Ack(200, "duplicate", "d2"))
SHOWN = frozenset({"tok000002x", "tok000003x"})
ROW = DeliveryRow("d9", "github", "guid-1", "ignored", "a duplicate")
BROKEN: dict[str, tuple[History, Wrong]] = {
    "acked delivery is gone": (without_delivery("d2"), Wrong.LOST),
    "acked without an id and gone": (without_delivery("d3"), Wrong.LOST),
    "accepted twice": (acked(COMMAND, *ACKED_TWICE), Wrong.DOUBLED),
    "acked under two ids": (acked(COMMAND, *TWO_IDS), Wrong.DOUBLED),
    "never acked": (acked(COMMAND), Wrong.UNFINISHED),
    "one id stands twice": (
        replace(CLEAN, deliveries=[*CLEAN.deliveries, ROW]),
        Wrong.DOUBLED,
    ),
    "nobody sent it": (
        replace(CLEAN, deliveries=[*CLEAN.deliveries, replace(ROW, provider_id="x")]),
        Wrong.STRAY,
    ),
    "never routed": (delivery("d1", status="accepted"), Wrong.UNFINISHED),
    "dead though it should run": (delivery("d1", status="dead", reason="x"), Wrong.OUTCOME),
    "ignored though it should run": (delivery("d1", status="ignored", reason="x"), Wrong.OUTCOME),
    "ignored without a reason": (delivery("d3", reason=None), Wrong.OUTCOME),
    "no routing job": (less("job8"), Wrong.LOST),
    "two routing jobs": (
        more_jobs(JobRow("j9", "ingress.route", None, "succeeded", 1, "d1")),
        Wrong.DOUBLED,
    ),
    "a command made no job": (less("job2"), Wrong.LOST),
    "a command made two jobs": (
        more_jobs(JobRow("j9", "agent.task", "agent:1", "succeeded", 1, "d1")),
        Wrong.DOUBLED,
    ),
    "an ignored delivery made a job": (
        more_jobs(JobRow("j9", "agent.task", "agent:1", "succeeded", 1, "d3")),
        Wrong.DOUBLED,
    ),
    "a job still runs": (job("job2", state="running"), Wrong.UNFINISHED),
    "a job is dead": (job("job2", state="dead"), Wrong.OUTCOME),
    "an effect waits": (
        replace(CLEAN, effects=[*CLEAN.effects, EffectRow("comment:x", "comment", "pending")]),
        Wrong.UNFINISHED,
    ),
    "an effect is dead": (
        replace(CLEAN, effects=[*CLEAN.effects, EffectRow("comment:x", "comment", "dead")]),
        Wrong.OUTCOME,
    ),
    "landed, they say, and never made": (
        replace(CLEAN, effects=[*CLEAN.effects, EffectRow("comment:x", "comment", "landed")]),
        Wrong.LOST,
    ),
    "a comment landed twice": (landed(*CLEAN.landed, CLEAN.landed[0]), Wrong.DOUBLED),
    "an answer under two keys": (
        replace(
            landed(*CLEAN.landed, comment("comment:other", "done tok000001x")),
            effects=[*CLEAN.effects, EffectRow("comment:other", "comment", "landed")],
        ),
        Wrong.DOUBLED,
    ),
    "an answer nobody asked for": (
        landed(*CLEAN.landed, comment("comment:other", "done tok000009x")),
        Wrong.STRAY,
    ),
    "an answer is missing": (landed(*CLEAN.landed[1:]), Wrong.LOST),
    "a comment without a marker": (
        landed(*CLEAN.landed, Landed("comment", REPOSITORY, 1, "hello")),
        Wrong.STRAY,
    ),
    "the reaction is missing": (landed(CLEAN.landed[0], CLEAN.landed[2]), Wrong.LOST),
    "two reactions": (landed(*CLEAN.landed, CLEAN.landed[1]), Wrong.DOUBLED),
    "a reaction nobody asked for": (
        landed(*CLEAN.landed, Landed("reaction", REPOSITORY, 1, "eyes", 78)),
        Wrong.STRAY,
    ),
    "no criteria comment": (landed(*CLEAN.landed[:2]), Wrong.LOST),
    "two criteria comments": (landed(*CLEAN.landed, CLEAN.landed[2]), Wrong.DOUBLED),
    "old words in the criteria comment": (
        replace(CLEAN, criteria=[replace(CLEAN.criteria[0], wanted=SHOWN)]),
        Wrong.OUTCOME,
    ),
    "criteria of an issue without any": (replace(CLEAN, criteria=[]), Wrong.STRAY),
    "attempts overlap": (
        attempts(
            "job2",
            AttemptRow("job2", 1, 20, 31, "lost"),
            AttemptRow("job2", 2, 30, 40, "succeeded"),
        ),
        Wrong.OVERLAP,
    ),
    "a lease fell": (
        attempts(
            "job2",
            AttemptRow("job2", 2, 20, 30, "lost"),
            AttemptRow("job2", 1, 30, 40, "succeeded"),
        ),
        Wrong.STALE,
    ),
    "one lease twice": (
        attempts(
            "job2",
            AttemptRow("job2", 2, 20, 30, "lost"),
            AttemptRow("job2", 2, 30, 40, "succeeded"),
        ),
        Wrong.DOUBLED,
    ),
    "an old lease completed": (
        attempts(
            "job2",
            AttemptRow("job2", 1, 20, 30, "succeeded"),
            AttemptRow("job2", 2, 30, 40, "lost"),
        ),
        Wrong.STALE,
    ),
    "it succeeded twice": (
        attempts(
            "job2",
            AttemptRow("job2", 1, 20, 30, "succeeded"),
            AttemptRow("job2", 2, 30, 40, "succeeded"),
        ),
        Wrong.STALE,
    ),
    "it succeeded in no attempt": (
        attempts("job2", AttemptRow("job2", 2, 20, 30, "lost")),
        Wrong.STALE,
    ),
    "it ended under another lease": (job("job2", lease=3), Wrong.STALE),
    "attempts of no job": (
        replace(CLEAN, attempts=[*CLEAN.attempts, AttemptRow("x", 1, 1, 2, "lost")]),
        Wrong.STRAY,
    ),
    "two jobs of one key at once": (
        replace(
            more_jobs(JobRow("j9", "effect.land", f"effect:{ANSWER}", "succeeded", 1, "d1")),
            attempts=[*CLEAN.attempts, AttemptRow("j9", 1, 45, 46, "succeeded")],
        ),
        Wrong.OVERLAP,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_history_is_rejected(name: str) -> None:
    history, wrong = BROKEN[name]
    assert wrong in {finding.what for finding in check(history)}, check(history)


def test_touching_intervals_are_no_overlap() -> None:
    history = attempts(
        "job2",
        AttemptRow("job2", 1, 20, 30, "lost"),
        AttemptRow("job2", 2, 30, 40, "succeeded"),
    )
    assert check(history) == []


def test_a_long_attempt_overlaps_more_than_its_neighbour() -> None:
    jobs = [
        replace(CLEAN.jobs[1], id=name, key="agent:9", kind="effect.land", lease=1)
        for name in ("a", "b", "c")
    ]
    rows = [
        AttemptRow("a", 1, 100, 200, "succeeded"),
        AttemptRow("b", 1, 110, 120, "succeeded"),
        AttemptRow("c", 1, 130, 140, "succeeded"),
    ]
    history = replace(CLEAN, jobs=[*CLEAN.jobs, *jobs], attempts=[*CLEAN.attempts, *rows])
    overlaps = [finding for finding in check(history) if finding.what is Wrong.OVERLAP]
    assert len(overlaps) == 2
