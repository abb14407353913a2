"""Rate headers are read into values, and a refusal is told from a limit."""

import pytest

from hookyard.adapters.github.limits import RateReading, hold_of, read_rate
from tests.support.github import date_header

NOW = 1_700_000_000_000


def test_budget_is_read_from_the_headers() -> None:
    rate = read_rate(
        {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "4999",
            "x-ratelimit-used": "1",
            "x-ratelimit-reset": "1700000600",
            "x-ratelimit-resource": "core",
        },
        NOW,
    )
    assert rate == RateReading(5000, 4999, 1, NOW + 600_000, "core", None)


@pytest.mark.parametrize("nonsense", ["", "-1", "1e9", "٣", "9" * 40, "soon"])
def test_nonsense_in_the_headers_reads_as_unsaid(nonsense: str) -> None:
    headers = {"x-ratelimit-remaining": nonsense, "x-ratelimit-reset": nonsense}
    assert read_rate({**headers, "retry-after": nonsense}, NOW) == RateReading()


def test_reset_is_moved_onto_our_clock_by_the_date_of_the_answer() -> None:
    theirs = NOW + 3_600_000
    headers = {"x-ratelimit-reset": str((theirs + 60_000) // 1000), **date_header(theirs)}
    assert read_rate(headers, NOW).reset_ms == NOW + 60_000


def test_retry_after_comes_before_the_reset() -> None:
    rate = read_rate(
        {"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000600"}, NOW
    )
    hold = hold_of(403, rate, "API rate limit exceeded", NOW)
    assert hold is not None
    assert (hold.kind, hold.until_ms, hold.reason) == ("primary", NOW + 7000, "retry-after")


def test_retry_after_may_be_a_date() -> None:
    rate = read_rate({"retry-after": date_header(NOW + 90_000)["date"], **date_header(NOW)}, NOW)
    assert rate.retry_at_ms == NOW + 90_000


def test_spent_budget_holds_until_its_reset() -> None:
    rate = RateReading(remaining=0, reset_ms=NOW + 600_000)
    hold = hold_of(403, rate, "API rate limit exceeded for installation", NOW)
    assert hold is not None
    assert (hold.kind, hold.until_ms) == ("primary", NOW + 600_000)


def test_reset_in_the_past_still_holds_for_a_second() -> None:
    hold = hold_of(429, RateReading(remaining=0, reset_ms=NOW - 5000), "", NOW)
    assert hold is not None
    assert hold.until_ms == NOW + 1000


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "You have exceeded a secondary rate limit. Please wait"),
        (403, "You have triggered an abuse detection mechanism"),
        (429, ""),
    ],
)
def test_secondary_limit_without_header_holds_a_minute(status: int, message: str) -> None:
    hold = hold_of(status, RateReading(remaining=4000), message, NOW)
    assert hold is not None
    assert (hold.kind, hold.until_ms) == ("secondary", NOW + 60_000)


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_other_statuses_are_no_limit(status: int) -> None:
    rate = RateReading(remaining=0, reset_ms=NOW + 1000, retry_at_ms=NOW + 1000)
    assert hold_of(status, rate, "rate limit", NOW) is None


def test_plain_refusal_is_no_limit() -> None:
    rate = RateReading(remaining=4000)
    assert hold_of(403, rate, "Resource not accessible by integration", NOW) is None


def test_a_limit_never_holds_longer_than_a_day() -> None:
    hold = hold_of(429, RateReading(retry_at_ms=NOW + 10**12), "", NOW)
    assert hold is not None
    assert hold.until_ms == NOW + 24 * 3_600_000
