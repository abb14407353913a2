"""Delays double, are capped, and are drawn over the whole range."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_s=2, cap_s=30)
    assert [backoff.ceiling(n) for n in range(1, 7)] == [2, 4, 8, 16, 30, 30]
    assert backoff.ceiling(10_000) == 30
    assert backoff.ceiling(0) == backoff.ceiling(-3) == 2


@given(st.integers(-5, 10_000), st.integers())
def test_a_delay_lies_between_floor_and_ceiling(attempt: int, seed: int) -> None:
    backoff = Backoff(base_s=1, cap_s=60, floor_s=0.5)
    assert 0.5 <= backoff.delay(attempt, Random(seed)) <= backoff.ceiling(attempt) <= 60


def test_jitter_uses_the_whole_range() -> None:
    random = Random(1)
    drawn = [Backoff(base_s=8, cap_s=8).delay(1, random) for _ in range(2_000)]
    assert min(drawn) < 0.2
    assert max(drawn) > 7.8
    assert 3.7 < sum(drawn) / len(drawn) < 4.3


def test_a_floor_above_the_ceiling_wins() -> None:
    assert Backoff(base_s=1, cap_s=5, floor_s=10).delay(1, Random(1)) == 10
