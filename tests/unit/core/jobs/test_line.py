"""The line of a key, case by case."""

import pytest

from hookyard.core.jobs.line import Fold, Join, Move, Newcomer, Place, admit, settle
from hookyard.core.jobs.model import JobId, JobState, KeyPolicy, WaitingFor

NOW = 1_000


def place(
    name: str,
    state: JobState = JobState.WAITING,
    waiting: WaitingFor | None = None,
    *,
    policy: KeyPolicy = KeyPolicy.QUEUE,
    skippable: bool = False,
    run_at_ms: int = 0,
    attempt: int = 0,
) -> Place:
    return Place(JobId(name), state, run_at_ms, waiting, policy, skippable, 0, attempt)


def behind(name: str) -> WaitingFor:
    return WaitingFor("key", JobId(name))


LATER = WaitingFor("time", "backoff", NOW + 1)
DUE = WaitingFor("time", "backoff", NOW)
FOREVER = WaitingFor("pause", "campaign")


def test_the_first_of_a_key_is_ready() -> None:
    assert admit([], Newcomer(KeyPolicy.QUEUE, NOW), NOW) == Join(None, NOW)


@pytest.mark.parametrize("policy", [KeyPolicy.QUEUE, KeyPolicy.CANCEL_RUNNING])
def test_a_first_one_for_later_waits_for_its_time(policy: KeyPolicy) -> None:
    joined = admit([], Newcomer(policy, NOW + 5), NOW)
    assert joined == Join(WaitingFor("time", None, NOW + 5), NOW + 5)


def test_queue_waits_behind_the_last_that_may_not_be_overtaken() -> None:
    line = [
        place("a", JobState.RUNNING),
        place("b", waiting=behind("a")),
        place("c", waiting=LATER, skippable=True),
    ]
    assert admit(line, Newcomer(KeyPolicy.QUEUE, NOW), NOW) == Join(behind("b"), NOW)


def test_delayed_polite_jobs_do_not_block_a_newcomer() -> None:
    line = [place("a", waiting=LATER, skippable=True), place("b", waiting=FOREVER, skippable=True)]
    assert admit(line, Newcomer(KeyPolicy.QUEUE, NOW), NOW) == Join(None, NOW)


def test_drop_new_folds_into_the_newest() -> None:
    line = [place("a", JobState.RUNNING), place("b", waiting=behind("a"))]
    assert admit(line, Newcomer(KeyPolicy.DROP_NEW, NOW), NOW) == Fold(JobId("b"), replace=False)


def test_cancel_running_displaces_everyone_and_waits_only_for_what_runs() -> None:
    line = [place("a", JobState.RUNNING), place("b", waiting=behind("a"))]
    new = Newcomer(KeyPolicy.CANCEL_RUNNING, NOW)
    assert admit(line, new, NOW) == Join(behind("a"), NOW, (JobId("a"), JobId("b")))
    assert admit([place("a", JobState.QUEUED)], new, NOW) == Join(None, NOW, (JobId("a"),))


def test_debounce_folds_only_into_a_debounce_that_never_started() -> None:
    new = Newcomer(KeyPolicy.DEBOUNCE, NOW, debounce_s=2)
    fresh = place("b", waiting=LATER, policy=KeyPolicy.DEBOUNCE)
    tried = place("c", waiting=LATER, policy=KeyPolicy.DEBOUNCE, attempt=1)
    assert admit([fresh], new, NOW) == Fold(JobId("b"), replace=True, until_ms=3_000)
    joined = admit([place("a", waiting=LATER), tried], new, NOW)
    assert joined == Join(behind("c"), 3_000)
    ready = place("b", JobState.QUEUED, policy=KeyPolicy.DEBOUNCE)
    assert admit([ready], new, NOW) == Fold(JobId("b"), replace=True, until_ms=None)


def test_settle_makes_the_first_ready_and_only_it() -> None:
    line = [place("a", waiting=behind("x")), place("b", waiting=behind("a"))]
    assert settle(line, NOW) == (Move(JobId("a"), None),)


def test_settle_leaves_a_line_in_order_alone() -> None:
    line = [place("a", JobState.RUNNING), place("b", waiting=behind("a"))]
    assert settle(line, NOW) == ()
    assert settle([], NOW) == ()


@pytest.mark.parametrize("hold", [LATER, FOREVER])
def test_a_strict_head_that_is_held_stops_the_line(hold: WaitingFor) -> None:
    line = [place("a", waiting=hold), place("b", waiting=behind("a"))]
    assert settle(line, NOW) == ()


@pytest.mark.parametrize("hold", [LATER, FOREVER])
def test_a_polite_head_that_is_held_is_overtaken(hold: WaitingFor) -> None:
    line = [place("a", waiting=hold, skippable=True), place("b", waiting=behind("a"))]
    assert settle(line, NOW) == (Move(JobId("b"), None),)


def test_one_that_becomes_due_during_anothers_turn_waits_for_it() -> None:
    line = [place("a", waiting=DUE, skippable=True), place("b", JobState.RUNNING)]
    assert settle(line, NOW) == (Move(JobId("a"), behind("b")),)


def test_a_line_head_with_a_later_time_waits_for_its_time() -> None:
    line = [place("a", waiting=behind("x"), run_at_ms=NOW + 7), place("b", waiting=behind("a"))]
    assert settle(line, NOW) == (Move(JobId("a"), WaitingFor("time", None, NOW + 7)),)


def test_who_is_in_front_is_kept_true() -> None:
    line = [place("a", JobState.RUNNING), place("c", waiting=behind("b"))]
    assert settle(line, NOW) == (Move(JobId("c"), behind("a")),)
