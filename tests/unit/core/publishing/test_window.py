"""A window never holds more than it says, wherever it starts."""

from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.publishing.window import BUCKETS, EMPTY_MINUTE, MINUTE_MS, Window

NOW = 1_700_000_000_000


def test_counts_leave_when_their_bucket_has_left() -> None:
    window = EMPTY_MINUTE.added(NOW, 3)
    assert window.used(NOW) == window.used(NOW + MINUTE_MS - 1) == 3
    assert window.used(NOW + MINUTE_MS + MINUTE_MS // BUCKETS) == 0


def test_the_free_instant_is_exact() -> None:
    window = EMPTY_MINUTE.added(NOW, 5).added(NOW + 20_000, 5)
    free = window.free_at(NOW + 20_000, 3, 10)
    assert window.used(free) + 3 <= 10
    assert window.used(free - 1) + 3 > 10


def test_more_than_a_window_takes_several() -> None:
    assert EMPTY_MINUTE.free_at(NOW, 10, 10) == NOW
    assert EMPTY_MINUTE.free_at(NOW, 11, 10) > NOW + MINUTE_MS
    assert EMPTY_MINUTE.free_at(NOW, 21, 10) > NOW + 2 * MINUTE_MS


def test_a_clock_that_went_back_frees_nothing_early() -> None:
    window = EMPTY_MINUTE.added(NOW, 5).added(NOW - 30_000, 5)
    assert window.used(NOW) == 10
    assert window.used(NOW - 30_000) == 10


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 5)), max_size=60))
def test_no_interval_of_the_span_holds_more_than_counted(writes: list[tuple[int, int]]) -> None:
    window, at, made = Window(MINUTE_MS), NOW, list[tuple[int, int]]()
    for gap, count in writes:
        at += gap
        window = window.added(at, count)
        made.append((at, count))
        inside = sum(n for t, n in made if at - MINUTE_MS < t <= at)
        assert window.used(at) >= inside
        assert len(window.counts) <= BUCKETS + 2
