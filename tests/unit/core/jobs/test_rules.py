"""The life of one job, and how lanes share the slots."""

import pytest
from msgspec.structs import replace

from hookyard.core.jobs import rules
from hookyard.core.jobs.model import (
    TERMINAL,
    Done,
    Fail,
    Hold,
    JobState,
    Lane,
    Released,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.rules import AttemptEnd, Life

NOW = 1_000
RUNNING = Life(JobState.RUNNING, attempt=1, max_attempts=3, lease=4, run_at_ms=0)
UNTIL = WaitingFor("limit", "github", 9_000)


def test_claim_takes_only_ready_work() -> None:
    ready = replace(RUNNING, state=JobState.QUEUED)
    taken = rules.claim(ready)
    assert taken == replace(ready, state=JobState.RUNNING, attempt=2, lease=5)
    for state in set(JobState) - {JobState.QUEUED}:
        assert rules.claim(replace(ready, state=state)) is None


@pytest.mark.parametrize(
    ("ending", "state", "ended", "attempt"),
    [
        (Done({"ok": 1}), JobState.SUCCEEDED, AttemptEnd.SUCCEEDED, 1),
        (Fail("no"), JobState.DEAD, AttemptEnd.FAILED, 1),
        (Retry("again"), JobState.WAITING, AttemptEnd.RETRIED, 1),
        (Hold(UNTIL), JobState.WAITING, AttemptEnd.HELD, 0),
        (Released("bye", begun=True), JobState.QUEUED, AttemptEnd.RELEASED, 1),
        (Released("bye", begun=False), JobState.QUEUED, AttemptEnd.RELEASED, 0),
        (Stopped(), JobState.CANCELLED, AttemptEnd.CANCELLED, 1),
    ],
)
def test_every_ending(ending, state, ended, attempt) -> None:
    step = rules.finish(RUNNING, 4, ending, NOW, 2.5)
    assert step is not None
    assert (step.life.state, step.ended, step.life.attempt) == (state, ended, attempt)
    assert step.life.finished_at_ms == (NOW if state in TERMINAL else None)
    assert rules.finish(RUNNING, 3, ending, NOW) is None
    assert rules.finish(step.life, 4, ending, NOW) is None


def test_retry_waits_out_the_backoff_or_its_own_delay() -> None:
    by_kind = rules.finish(RUNNING, 4, Retry("x"), NOW, 2.5)
    own = rules.finish(RUNNING, 4, Retry("x", after_s=60), NOW, 2.5)
    assert by_kind is not None
    assert own is not None
    assert by_kind.life.waiting_for == WaitingFor("time", "backoff", 3_500)
    assert (own.life.run_at_ms, by_kind.life.run_at_ms) == (61_000, 3_500)


def test_the_last_attempt_ends_dead_but_a_release_gives_it_back() -> None:
    last = replace(RUNNING, attempt=3)
    dead = rules.finish(last, 4, Retry("x", code="timeout"), NOW)
    lost = rules.lose(last, NOW)
    back = rules.finish(last, 4, Released("bye", begun=True), NOW)
    assert dead is not None
    assert lost is not None
    assert back is not None
    assert dead.life.error == {
        "code": "attempts_exhausted", "reason": "x", "cause": "timeout", "attempt": 3,
    }  # fmt: skip
    assert lost.life.state is JobState.DEAD
    assert (back.life.state, back.life.attempt) == (JobState.QUEUED, 2)


def test_a_lost_job_is_ready_again_unless_it_was_cancelled() -> None:
    lost = rules.lose(RUNNING, NOW)
    cancelled = rules.lose(replace(RUNNING, cancel_requested=True), NOW)
    assert lost is not None
    assert cancelled is not None
    assert (lost.life.state, lost.ended) == (JobState.QUEUED, AttemptEnd.LOST)
    assert cancelled.life.state is JobState.CANCELLED
    assert rules.lose(lost.life, NOW) is None


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_what_has_ended_is_only_replayed(state: JobState) -> None:
    ended = replace(RUNNING, state=state, finished_at_ms=5, error={"code": "x"}, attempt=3)
    assert rules.cancel(ended, "x", NOW) is None
    assert rules.promote(ended) is None
    assert rules.wait_for(ended, UNTIL) is None
    again = rules.replay(ended, NOW)
    assert again == Life(JobState.QUEUED, 0, 3, 4, NOW)


def test_what_has_not_ended_is_not_replayed() -> None:
    for state in set(JobState) - TERMINAL:
        assert rules.replay(replace(RUNNING, state=state), NOW) is None


def test_cancel_ends_what_waits_and_asks_what_runs() -> None:
    asked = rules.cancel(RUNNING, "x", NOW)
    assert asked == replace(RUNNING, cancel_requested=True)
    waiting = replace(RUNNING, state=JobState.WAITING, waiting_for=UNTIL)
    ended = rules.cancel(waiting, "no need", NOW)
    assert ended is not None
    assert (ended.state, ended.waiting_for) == (JobState.CANCELLED, None)
    assert ended.error == {"code": "cancelled", "reason": "no need"}


def split(capacity: int, ready: dict[Lane, int], running: dict[Lane, int] | None = None):
    return rules.split(capacity, running or {}, ready, {})[0]


def test_lanes_share_by_weight_when_all_have_work() -> None:
    share = split(60, dict.fromkeys(Lane, 1000), None)
    assert share == {Lane.CRITICAL: 32, Lane.HIGH: 16, Lane.DEFAULT: 8, Lane.BULK: 4}


def test_an_unused_share_flows_to_the_others() -> None:
    assert split(16, {Lane.CRITICAL: 1, Lane.BULK: 100})[Lane.BULK] == 12
    assert split(16, {Lane.CRITICAL: 100})[Lane.CRITICAL] == 16
    assert sum(split(16, {Lane.HIGH: 5, Lane.DEFAULT: 5}).values()) == 10


def test_bulk_leaves_slots_for_urgent_work() -> None:
    assert split(32, {Lane.BULK: 1000})[Lane.BULK] == 24
    full = {Lane.BULK: 24}
    assert split(32, {Lane.BULK: 1000}, full) == dict.fromkeys(Lane, 0)
    assert split(32, {Lane.BULK: 1000, Lane.CRITICAL: 1000}, full)[Lane.CRITICAL] == 8
    assert split(32, {Lane.DEFAULT: 1000}, full)[Lane.DEFAULT] == 4


@pytest.mark.parametrize("capacity", range(1, 9))
@pytest.mark.parametrize("lane", list(Lane))
def test_every_lane_gets_work_done_even_with_few_slots(capacity: int, lane: Lane) -> None:
    assert split(capacity, {lane: 5})[lane] >= 1


def test_single_slots_come_round_to_every_lane() -> None:
    credit: dict[Lane, int] = {}
    order: list[Lane] = []
    for _ in range(15):
        share, credit = rules.split(1, {}, dict.fromkeys(Lane, 9), credit)
        order.extend(lane for lane, count in share.items() if count)
    assert [order.count(lane) for lane in Lane] == [8, 4, 2, 1]
    assert order[0] is Lane.CRITICAL


def test_nothing_is_shared_when_all_slots_are_taken() -> None:
    assert split(4, dict.fromkeys(Lane, 9), {Lane.CRITICAL: 4}) == dict.fromkeys(Lane, 0)
