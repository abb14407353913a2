"""Why a job does not run, in words."""

import pytest

from hookyard.core.jobs.model import Job, JobId, JobState, KeyPolicy, Lane, WaitingFor
from hookyard.core.jobs.why import COUNTED_AHEAD, Facts, held_for, why_waiting

LATER_MS = 1_769_860_800_000
LATER = "2026-01-31T12:00:00"


def job(state: JobState, waiting: WaitingFor | None = None, **values: object) -> Job:
    return Job(
        **{
            "id": JobId("j1"), "kind": "work", "lane": Lane.HIGH, "priority": 0, "key": "o/r#1",
            "policy": KeyPolicy.QUEUE, "state": state, "payload": {}, "attempt": 0,
            "max_attempts": 3, "lease": 0, "created_at_ms": 0, "run_at_ms": 0,
            "started_at_ms": None, "finished_at_ms": None, "leased_until_ms": None,
            "worker": None, "waiting_for": waiting, "cancel_requested": False,
            "delivery_id": None, "repository": None, "timeout_s": 1.0, "progress": None,
            "result": None, "error": None, **values,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (WaitingFor("time", None, LATER_MS), f"It is delayed until {LATER}"),
        (WaitingFor("time", "backoff", LATER_MS), f"It waits out its backoff until {LATER}"),
        (WaitingFor("key", "j0"), "o/r#1 take turns, and j0 is in front"),
        (WaitingFor("kind", "work"), "No worker here knows the kind work (version 1)"),
        (WaitingFor("breaker", "github", LATER_MS), f"its breaker is open until {LATER}"),
        (WaitingFor("limit", "writes", LATER_MS), f"The limit writes is used up until {LATER}"),
        (WaitingFor("pause", "lane bulk, by ann: x"), "until it is resumed: lane bulk, by ann: x"),
        (WaitingFor("pause", "x", LATER_MS), f"It is paused until {LATER}"),
        (WaitingFor("moon", "phase"), "It is held by moon phase"),
    ],
)  # fmt: skip
def test_a_wait_explains_itself(waiting: WaitingFor, words: str) -> None:
    sentence = why_waiting(job(JobState.WAITING, waiting))
    assert sentence.startswith(words) or words in sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert held_for(job(JobState.WAITING, waiting), Facts(0)) == waiting


def test_what_does_not_wait_says_so() -> None:
    assert "ready" in why_waiting(job(JobState.QUEUED))
    assert "dead" in why_waiting(job(JobState.DEAD))
    assert held_for(job(JobState.DEAD), Facts(0)) is None


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(0), "the next of lane high. No worker is busy"),
        (Facts(0, 1), "1 job of lane high starts before it"),
        (Facts(0, 12), "12 of lane high start before it."),
        (Facts(0, 2, {Lane.HIGH: 3, Lane.BULK: 5}), "Workers do 8 jobs now, 3 of this lane"),
        (Facts(0, COUNTED_AHEAD), "at least 1,000 of lane high"),
        (Facts(10_000), "none may be running; `hookyard worker --lanes high`"),
        (Facts(60_000, 0, {Lane.BULK: 1}), "Workers do 1 job now, none of this lane; `hookyard"),
        (Facts(59_999, 0, {Lane.BULK: 1}), "it waits for a free slot"),
    ],
)  # fmt: skip
def test_a_ready_job_tells_its_place_and_what_the_workers_do(facts: Facts, words: str) -> None:
    ready = job(JobState.QUEUED)
    assert words in why_waiting(ready, facts)
    held = held_for(ready, facts)
    assert held is not None
    assert held.what == "lane"


def test_a_key_tells_who_is_in_front_and_since_when() -> None:
    behind = job(JobState.WAITING, WaitingFor("key", "j0"))
    runs = job(JobState.RUNNING, id=JobId("j0"), kind="agent.task", started_at_ms=LATER_MS)
    assert f"agent.task, running since {LATER}" in why_waiting(behind, Facts(0, front=runs))
    held = job(JobState.WAITING, WaitingFor("limit", "writes", LATER_MS), id=JobId("j0"))
    sentence = why_waiting(behind, Facts(0, front=held))
    assert "Of that one: The limit writes is used up until" in sentence
