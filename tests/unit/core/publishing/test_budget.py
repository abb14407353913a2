"""The write budget: limits hold everywhere, urgency keeps its reserve, refusals teach."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.core.publishing.budget import (
    WRITE,
    BudgetLimits,
    BudgetState,
    Go,
    Wait,
    decide,
    effective,
    eta,
    limited,
    spent,
)
from hookyard.core.publishing.model import Urgency
from hookyard.core.publishing.window import HOUR_MS, MINUTE_MS

NOW = 1_700_000_000_000
LIMITS = BudgetLimits()
UNSPACED = BudgetLimits(spacing_ms=0)
I, C, K = Urgency.INTERACTIVE, Urgency.CHECK, Urgency.CAMPAIGN  # noqa: E741


def go(state: BudgetState, limits: BudgetLimits, urgency: Urgency, at: int) -> BudgetState:
    verdict = decide(state, limits, urgency, at)
    assert isinstance(verdict, Go), verdict
    return verdict.state


def held(state: BudgetState, limits: BudgetLimits, urgency: Urgency, at: int) -> Wait:
    verdict = decide(state, limits, urgency, at)
    assert isinstance(verdict, Wait)
    return verdict


def filled(limits: BudgetLimits, urgency: Urgency, at: int) -> tuple[BudgetState, int]:
    """The budget after as many writes as this urgency may make at once, and how many."""
    state, count = BudgetState(), 0
    while isinstance(verdict := decide(state, limits, urgency, at), Go):
        state, count = verdict.state, count + 1
    return state, count


def test_each_urgency_leaves_its_reserve_to_the_higher_ones() -> None:
    assert [filled(UNSPACED, urgency, NOW)[1] for urgency in (I, C, K)] == [80, 68, 48]


def test_a_full_minute_holds_until_its_writes_have_left() -> None:
    state, _ = filled(UNSPACED, I, NOW)
    wait = held(state, UNSPACED, I, NOW)
    assert wait.limit == "content-creating 80/min"
    assert NOW + MINUTE_MS <= wait.until_ms <= NOW + MINUTE_MS + 5_000
    assert isinstance(decide(state, UNSPACED, I, wait.until_ms), Go)


def test_the_hour_holds_when_minutes_do_not() -> None:
    state = spent(BudgetState(), WRITE, NOW, 499)
    at = NOW + 2 * MINUTE_MS
    state = go(state, UNSPACED, I, at)
    wait = held(state, UNSPACED, I, at)
    assert wait.limit == "content-creating 500/h"
    assert wait.until_ms >= NOW + HOUR_MS


def test_writes_are_spaced_only_near_a_limit() -> None:
    state = BudgetState()
    for _ in range(64):
        state = go(state, LIMITS, I, NOW)
    wait = held(state, LIMITS, I, NOW)
    assert wait == Wait("one write each 1000 ms", NOW + 1_000)
    assert isinstance(decide(state, LIMITS, I, NOW + 1_000), Go)


def test_room_is_left_for_those_who_waited_longer() -> None:
    limits = BudgetLimits(content_per_minute=10, spacing_ms=0)
    state = spent(BudgetState(), WRITE, NOW, 8)
    assert isinstance(decide(state, limits, I, NOW, ahead=1), Go)
    assert isinstance(decide(state, limits, I, NOW, ahead=2), Wait)


def test_those_who_wait_get_one_slot_after_the_other() -> None:
    limits = BudgetLimits(content_per_minute=2, content_per_hour=400, spacing_ms=0)
    state, _ = filled(limits, I, NOW)
    slots = []
    for ahead in range(4):
        verdict = decide(state, limits, I, NOW, ahead=ahead)
        assert isinstance(verdict, Wait)
        slots.append(verdict.until_ms)
    assert slots[0] == slots[1] < slots[2] == slots[3]


def test_a_secondary_limit_blocks_everyone_until_it_ends_and_then_spaces() -> None:
    state = limited(BudgetState(), LIMITS, "secondary", NOW + 60_000, NOW)
    assert held(state, LIMITS, I, NOW) == Wait("secondary rate limit", NOW + 60_000)
    after = go(state, LIMITS, I, NOW + 60_000)
    assert held(after, LIMITS, I, NOW + 60_000).limit == "one write each 1000 ms"


def test_one_episode_lowers_the_limit_once_and_quiet_raises_it_again() -> None:
    state, _ = filled(UNSPACED, C, NOW)
    state = limited(state, UNSPACED, "secondary", NOW + 60_000, NOW)
    again = limited(state, UNSPACED, "secondary", NOW + 90_000, NOW + 10)
    assert effective(again, UNSPACED, NOW) == (60, 500)
    assert again.blocked_until_ms == NOW + 90_000
    assert effective(again, UNSPACED, NOW + 300_000) == (62, 500)
    assert effective(again, UNSPACED, NOW + 24 * HOUR_MS) == (80, 500)


def test_the_fuller_window_is_the_one_that_learns() -> None:
    state = spent(BudgetState(), WRITE, NOW - 10 * MINUTE_MS, 450)
    state = limited(state, LIMITS, "secondary", NOW + 60_000, NOW)
    assert effective(state, LIMITS, NOW) == (80, 375)


def test_learning_stops_at_the_floor() -> None:
    state, at = BudgetState(), NOW
    for _ in range(40):
        state = limited(state, LIMITS, "secondary", at + 1, at)
        at += 2
    assert effective(state, LIMITS, at)[0] == LIMITS.floor


def test_a_primary_limit_teaches_nothing() -> None:
    state = limited(BudgetState(), LIMITS, "primary", NOW + 60_000, NOW)
    assert effective(state, LIMITS, NOW) == (80, 500)
    assert isinstance(decide(state, LIMITS, I, NOW + 60_000), Go)


def test_an_eta_is_now_for_what_fits_and_hours_for_a_campaign() -> None:
    assert eta(BudgetState(), LIMITS, I, NOW, 0) == NOW
    assert eta(BudgetState(), LIMITS, I, NOW, 60) == NOW
    thousand = eta(BudgetState(), LIMITS, I, NOW, 1_000) - NOW
    assert HOUR_MS <= thousand <= 2.5 * HOUR_MS
    # why: a campaign may use 60 % of 500 an hour, so 1,000 writes need more than three hours.
    campaign = eta(BudgetState(), LIMITS, K, NOW, 1_000) - NOW
    assert 3 * HOUR_MS <= campaign <= 4 * HOUR_MS


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 700), st.sampled_from([I, C, K]))
def test_an_eta_is_what_a_patient_writer_sees(writes: int, urgency: Urgency) -> None:
    state, at = BudgetState(), NOW
    for _ in range(writes):
        while isinstance(verdict := decide(state, UNSPACED, urgency, at), Wait):
            assert verdict.until_ms > at
            at = verdict.until_ms
        state = verdict.state
    assert eta(BudgetState(), UNSPACED, urgency, NOW, writes) == at


ASKS = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from([I, C, K]), st.integers(0, 30)),
    max_size=120,
)


@settings(deadline=None)
@given(ASKS, st.integers(4, 30), st.integers(20, 90), st.sampled_from([0, 1_000]))
def test_no_window_is_ever_exceeded_and_no_lower_urgency_takes_the_reserve(
    asks: list[tuple[int, Urgency, int]], per_minute: int, per_hour: int, spacing: int
) -> None:
    limits = BudgetLimits(
        content_per_minute=per_minute, content_per_hour=per_hour, spacing_ms=spacing
    )
    state, at, made = BudgetState(), NOW, list[tuple[int, Urgency]]()
    for gap, urgency, burst in asks:
        at += gap
        for _ in range(burst):
            verdict = decide(state, limits, urgency, at)
            if isinstance(verdict, Wait):
                assert verdict.until_ms > at
                break
            state = verdict.state
            made.append((at, urgency))
    for end, _ in made:
        for span, limit in ((MINUTE_MS, per_minute), (HOUR_MS, per_hour)):
            inside = [u for t, u in made if end - span < t <= end]
            assert len(inside) <= limit
            lower = [u for u in inside if u is K]
            assert len(lower) <= limits.cap(limit, K)
            assert len([u for u in inside if u is not I]) <= limits.cap(limit, C)


@given(st.integers(2, 200), st.integers(0, 3_000))
def test_lower_urgencies_alone_never_hold_an_interactive_write(limit: int, gap: int) -> None:
    limits = BudgetLimits(content_per_minute=limit, content_per_hour=10_000, spacing_ms=0)
    state, at = BudgetState(), NOW
    for step in range(300):
        at += gap
        urgency = K if step % 2 else C
        verdict = decide(state, limits, urgency, at)
        state = verdict.state if isinstance(verdict, Go) else state
        assert isinstance(decide(state, limits, I, at), Go)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_every_urgency_gets_through_a_tiny_limit_in_time(limit: int) -> None:
    limits = replace(UNSPACED, content_per_minute=limit, content_per_hour=limit * 60)
    for urgency in (I, C, K):
        assert eta(BudgetState(), limits, urgency, NOW, 3) < NOW + 5 * MINUTE_MS
