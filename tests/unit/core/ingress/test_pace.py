"""Workers hold back while many deliveries wait to be committed, and never for long."""

from hookyard.core.ingress.pace import Pace


def test_an_ordinary_moment_does_not_hold_workers_back() -> None:
    pace = Pace(busy=3)
    pace.enter()
    pace.enter()
    assert pace() == 0.0


def test_a_crowd_does_until_it_is_gone() -> None:
    pace = Pace(busy=3)
    for _ in range(3):
        pace.enter()
    assert pace() > 0
    assert pace() > 0
    for _ in range(3):
        pace.leave()
    assert pace() > 0, "there was a crowd since the last look"
    assert pace() == 0.0
    assert pace.in_flight == 0


def test_a_crowd_that_came_and_went_between_two_looks_is_seen_once() -> None:
    pace = Pace(busy=2)
    pace.enter()
    pace.enter()
    pace.leave()
    pace.leave()
    assert pace() > 0
    assert pace() == 0.0


def test_the_wait_is_short() -> None:
    pace = Pace(busy=1)
    pace.enter()
    assert 0 < pace() <= 1
