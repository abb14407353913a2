"""Signatures that the providers publish, and signers written by others."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from slack_sdk.signature import Clock, SignatureVerifier
from standardwebhooks.webhooks import Webhook

from hookyard.core.ingress.model import InboundRequest
from hookyard.core.ingress.providers.generic import GITLAB, STANDARD
from hookyard.core.ingress.providers.github import GITHUB
from hookyard.core.ingress.providers.slack import SLACK

GITHUB_VECTOR = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SLACK_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_VECTOR = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_github_documents_this_signature(source):
    request = InboundRequest("POST", {b"x-hub-signature-256": GITHUB_VECTOR}, b"Hello, World!")
    good = source("github", b"It's a Secret to Everybody")
    assert GITHUB.verify(request, good, 0) is None
    assert GITHUB.verify(request, source("github", b"another"), 0).code == "bad_signature"


def test_slack_documents_this_signature(source):
    headers = {b"x-slack-signature": SLACK_VECTOR, b"x-slack-request-timestamp": b"1531420618"}
    request = InboundRequest("POST", headers, SLACK_BODY)
    assert SLACK.verify(request, source("slack", SLACK_SECRET), 1_531_420_618_000) is None
    late = SLACK.verify(request, source("slack", SLACK_SECRET), 1_531_420_919_000)
    assert late is not None
    assert late.code == "stale_timestamp"


def test_standard_webhooks_documents_this_signature(source):
    headers = {
        b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
        b"webhook-timestamp": b"1614265330",
        b"webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    request = InboundRequest("POST", headers, b'{"test": 2432232314}')
    good = source("standard", STANDARD_SECRET.encode())
    assert STANDARD.verify(request, good, 1_614_265_330_000) is None


def test_slack_sdk_signs_what_we_accept(source, now_ms):
    class Fixed(Clock):
        def now(self) -> float:
            return now_ms / 1000

    body = '{"type":"event_callback","event_id":"Ev1","text":"žluťoučký"}'
    signer = SignatureVerifier("shhh", clock=Fixed())
    stamp = str(now_ms // 1000)
    signature = signer.generate_signature(timestamp=stamp, body=body)
    headers = {
        b"x-slack-signature": signature.encode(),
        b"x-slack-request-timestamp": stamp.encode(),
    }
    request = InboundRequest("POST", headers, body.encode())
    assert SLACK.verify(request, source("slack", b"old", b"shhh"), now_ms) is None


@pytest.mark.parametrize("provider", [STANDARD, GITLAB])
def test_standardwebhooks_signs_what_we_accept(provider, source, now_ms):
    body = '{"type":"invoice.paid","object_kind":"push"}'
    stamp = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
    signature = Webhook(STANDARD_SECRET).sign("msg_1", stamp, body)
    headers = {
        b"webhook-id": b"msg_1",
        b"webhook-timestamp": str(now_ms // 1000).encode(),
        b"webhook-signature": b"v1a,not-ours v1,AAAA " + signature.encode(),
    }
    request = InboundRequest("POST", headers, body.encode())
    assert provider.verify(request, source("x", STANDARD_SECRET.encode()), now_ms) is None
    changed = InboundRequest("POST", headers, body.encode() + b" ")
    assert provider.verify(changed, source("x", STANDARD_SECRET.encode()), now_ms) is not None


def test_github_never_takes_sha1(source):
    body = b"{}"
    sha1 = b"sha1=" + hmac.new(b"s", body, hashlib.sha1).hexdigest().encode()
    for headers in (
        {b"x-hub-signature": sha1},
        {b"x-hub-signature-256": sha1},
        {b"x-hub-signature-256": sha1 + b"0" * 24},
    ):
        assert GITHUB.verify(InboundRequest("POST", headers, body), source("github", b"s"), 0)
