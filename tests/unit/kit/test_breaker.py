"""A breaker opens after failures in a row, lets one probe through, and closes on a success."""

from hookyard.kit.breaker import Breaker

NOW = 1_000_000


def failed(times: int, breaker: Breaker | None = None) -> Breaker:
    breaker = breaker or Breaker("github", threshold=3, cooldown_ms=1_000)
    for _ in range(times):
        breaker = breaker.failed(NOW)
    return breaker


def test_it_opens_at_the_threshold_and_not_before() -> None:
    assert failed(2).state(NOW) == "closed"
    assert failed(2).may_call(NOW)
    assert failed(3).state(NOW) == "open"
    assert not failed(3).may_call(NOW)
    assert failed(3).until_ms() == NOW + 1_000
    assert failed(2).until_ms() is None


def test_a_success_between_failures_starts_the_count_again() -> None:
    assert failed(2, failed(2).succeeded()).state(NOW) == "closed"


def test_half_open_lets_one_probe_through_at_a_time() -> None:
    later = NOW + 1_000
    breaker = failed(3)
    assert breaker.state(later - 1) == "open"
    assert breaker.state(later) == "half_open"
    assert breaker.may_call(later)
    probing = breaker.called(later)
    assert not probing.may_call(later)
    assert breaker.called(NOW) is breaker


def test_a_failed_probe_opens_it_again_at_once() -> None:
    later = NOW + 1_000
    again = failed(3).called(later).failed(later)
    assert again.state(later) == "open"
    assert again.until_ms() == later + 1_000


def test_a_good_probe_closes_it() -> None:
    later = NOW + 1_000
    closed = failed(3).called(later).succeeded()
    assert (closed.state(later), closed.failures, closed.probing) == ("closed", 0, False)
