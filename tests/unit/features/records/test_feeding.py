"""What is signed, what answers mean, bodies that lie: the pure parts of sending changes."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hookyard.features.records.feeding.envelope import event_of, headers_of, key_of, secret_of
from hookyard.features.records.feeding.rules import MOST_WAIT_S, Failure, judge
from hookyard.kit.clock import SystemClock
from hookyard.kit.secret import Secret

TOLD = {
    "seq": 7, "id": "r7", "aggregatetype": "users", "aggregateid": "u", "type": "updated",
    "at": "2026-01-01T00:00:00.000Z", "actor": "a",
    "payload": {"op": "u", "before": {"x": "ü"}, "after": {"x": "\u2028"}},
}  # fmt: skip


@given(st.binary(min_size=24, max_size=64), st.binary(min_size=24, max_size=64))
def test_the_published_library_accepts_either_secret(new: bytes, old: bytes) -> None:
    body = event_of("acme", TOLD)
    headers = dict(headers_of("chg_r7", SystemClock().now_ms(), body, [new, old]))
    for key in (new, old):
        assert Webhook(secret_of(key).reveal()).verify(body, headers) == json.loads(body)
    headers["webhook-id"] = "chg_r8"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(new).reveal()).verify(body, headers)


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "planted", "whsec_!!!!", "whsec_" + base64.b64encode(b"x" * 23).decode(),
     "whsec_" + base64.b64encode(b"x" * 65).decode(), "whsec_\u00fc"],
)  # fmt: skip
def test_what_is_no_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="a secret") as refused:
        key_of(Secret(text))
    assert not text or text not in str(refused.value)


NOW_MS = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("status", "retry_after", "wanted"),
    [
        (200, "", None),
        (204, "5", None),
        (500, "5", Failure("it answered 500")),
        (404, "", Failure("it answered 404")),
        (410, "", Failure("it answered 410: it wants no more", pauses=True)),
        (429, "7", Failure("it answered 429", after_s=7.0)),
        (503, "999999999", Failure("it answered 503", after_s=MOST_WAIT_S)),
        (503, "Thu, 01 Jan 2026 00:00:30 GMT", Failure("it answered 503", after_s=30.0)),
        (503, "Thu, 01 Jan 1970 00:00:30 GMT", Failure("it answered 503", after_s=0.0)),
        (503, "-1", Failure("it answered 503")),
        (503, "soon", Failure("it answered 503")),
        (429, "9" * 5_000, Failure("it answered 429", after_s=MOST_WAIT_S)),
    ],
)
def test_what_an_answer_means(status: int, retry_after: str, wanted: Failure | None) -> None:
    assert judge(status, retry_after, NOW_MS) == wanted


@given(st.text(max_size=60))
def test_no_retry_after_breaks_it(text: str) -> None:
    found = judge(503, text, NOW_MS)
    assert found is not None
    assert found.after_s is None or 0 <= found.after_s <= MOST_WAIT_S
