"""Which rule fits, when a summary is due, what Slack shows."""

from datetime import UTC, datetime

import pytest

from hookyard.features.notifications.model import Channel, Notice, Rule
from hookyard.features.notifications.rules import (
    cleaned,
    decide,
    last_due_ms,
    slack_text,
    zone_of,
)

NOTICE = cleaned(Notice("health.failed", "Acme/Shop", 7, "t", "b", None))


@pytest.mark.parametrize(
    ("rule", "addressed", "channel"),
    [
        (Rule(channel=Channel.NONE), True, Channel.NONE),
        (Rule(kinds=("health.*",), channel=Channel.NONE), True, Channel.NONE),
        (Rule(kinds=("review.*",), channel=Channel.NONE), True, Channel.INBOX),
        (Rule(repositories=("acme/*",)), False, Channel.INBOX),
        (Rule(repositories=("acme/*", "x/y")), False, Channel.INBOX),
        (Rule(repositories=("acme",)), False, Channel.NONE),
        (Rule(repositories=("*/*",)), False, Channel.INBOX),
        (Rule(), False, Channel.NONE),
        (Rule(), True, Channel.INBOX),
    ],
)
def test_the_first_rule_that_fits_decides(rule: Rule, addressed: bool, channel: Channel) -> None:
    assert decide([rule], NOTICE, addressed=addressed).channel is channel


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "hour", "zone", "due"),
    [
        ("2026-01-10T09:00:00+00:00", 9, "UTC", "2026-01-10T09:00:00+00:00"),
        ("2026-01-10T08:59:59+00:00", 9, "UTC", "2026-01-09T09:00:00+00:00"),
        ("2026-01-10T08:30:00+00:00", 9, "Europe/Berlin", "2026-01-10T08:00:00+00:00"),
        ("2026-07-10T08:30:00+00:00", 9, "Europe/Berlin", "2026-07-10T07:00:00+00:00"),
        ("2026-01-10T04:00:00+00:00", 9, "Asia/Kathmandu", "2026-01-10T03:15:00+00:00"),
        ("2026-01-01T00:30:00+00:00", 23, "UTC", "2025-12-31T23:00:00+00:00"),
        # why: clocks in Berlin went from 2 to 3 on 29 March 2026.
        ("2026-03-29T01:00:00+00:00", 2, "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-01-10T09:30:00+00:00", 9, "No/Zone", "2026-01-10T09:00:00+00:00"),
    ],
)
def test_a_summary_is_due_at_its_hour_there(now: str, hour: int, zone: str, due: str) -> None:
    found = last_due_ms(hour, zone, ms(now))
    assert datetime.fromtimestamp(found / 1000, tz=UTC) == datetime.fromisoformat(due)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../UTC", "x" * 99, "Europe/", "localtime\n"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_of(name) is None


def test_slack_shows_words_without_their_power() -> None:
    said = slack_text("<!here> & <@U1> | x", "<https://evil|ok>", "https://x.test/?a=1&b=2", 3)
    assert said == (
        "<https://x.test/?a=1&amp;b=2|&lt;!here&gt; &amp; &lt;@U1&gt; ¦ x> (×3)\n"
        "&lt;https://evil|ok&gt;"
    )
