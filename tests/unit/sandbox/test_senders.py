"""The senders sign as the documentation says and agree with other people's verifiers."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from slack_sdk.signature import Clock, SignatureVerifier
from standardwebhooks.webhooks import Webhook

from hookyard_sandbox import senders_jira, senders_sentry, senders_slack
from hookyard_sandbox.senders import PROVIDERS, form_encode, signed_request
from hookyard_sandbox.senders_github import GitHubScene

NOW = 1_700_000_000_000
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_github_matches_the_documented_signature():
    sent = signed_request("github", b"Hello, World!", "It's a Secret to Everybody", event="ping")
    assert sent.headers["x-hub-signature-256"] == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )
    assert sent.path == "/webhooks/github"


def test_slack_sdk_accepts_the_sender():
    class Fixed(Clock):
        def now(self) -> float:
            return NOW / 1000

    sent = signed_request("slack", senders_slack.ssl_check(), "shhh", now_ms=NOW, form="1")
    verifier = SignatureVerifier("shhh", clock=Fixed())
    assert verifier.is_valid_request(sent.body, sent.headers)
    assert not verifier.is_valid_request(sent.body + b"x", sent.headers)


@pytest.mark.parametrize(
    ("provider", "options"), [("standard", {}), ("gitlab", {"mode": "signing"})]
)
def test_standardwebhooks_accepts_the_sender(provider, options, monkeypatch):
    sent = signed_request(provider, {"type": "a"}, WHSEC, delivery_id="m1", now_ms=NOW, **options)
    message = b"m1.1700000000." + sent.body
    key = base64.b64decode(WHSEC.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, message, "sha256")).decode()
    assert sent.headers["webhook-signature"] == f"v1,{mac}"
    monkeypatch.setattr(Webhook, "_Webhook__verify_timestamp", lambda self, stamp: _instant(stamp))
    assert Webhook(WHSEC).verify(sent.body, sent.headers) == {"type": "a"}


def _instant(stamp):
    return datetime.fromtimestamp(int(stamp), tz=UTC)


def test_jiras_token_is_a_jwt():
    secret = "0123456789abcdef0123456789abcdef"
    sent = signed_request("jira", {}, secret, mode="oauth", now_ms=NOW)
    scheme, _, token = sent.headers["authorization"].partition(" ")
    decoded = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"])
    assert scheme == "Bearer"
    assert decoded.claims["exp"] - decoded.claims["iat"] == 180
    assert "x-hub-signature" not in sent.headers


def test_jiras_url_mode_puts_the_secret_in_the_query_only():
    sent = signed_request("jira", {}, "a b&c", mode="url", source="dc")
    assert sent.path == "/webhooks/jira/dc?token=a+b%26c"
    assert not [value for value in sent.headers.values() if "a b" in value]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_sender_makes_whole_requests(provider):
    secret = WHSEC if provider == "standard" else "s"
    sent = signed_request(provider, {"a": 1}, secret, event="e", delivery_id="d1", now_ms=NOW)
    assert sent.body == b'{"a":1}'
    assert sent.path == f"/webhooks/{provider}"
    assert sent.headers["content-type"].startswith("application/json")
    assert all(sent.headers.values())
    again = signed_request(provider, {"a": 1}, secret, event="e", delivery_id="d1", now_ms=NOW)
    assert again == sent


def test_an_unknown_provider_is_an_error():
    with pytest.raises(KeyError):
        signed_request("nobody", b"", "s")


def test_a_github_form_carries_the_payload_and_signs_the_form():
    sent = signed_request("github", {"a": "é&="}, "s", event="push", form="1")
    assert json.loads(parse_qs(sent.body.decode())["payload"][0]) == {"a": "é&="}
    mac = hmac.new(b"s", sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["x-hub-signature-256"] == f"sha256={mac}"


def test_a_scene_agrees_with_itself():
    scene = GitHubScene(owner="acme", name="shop", repository_id=5, installation_id=9)
    bodies = [
        scene.issue_opened(1, "t", "b"),
        scene.issue_edited(1, "t", "c", "b"),
        scene.comment_created(1, 2, "hi"),
        scene.pull_request_opened(3, "t", "b", "a" * 40, "b" * 40),
        scene.push("0" * 40, "1" * 40, "m"),
    ]
    assert {body["repository"]["full_name"] for body in bodies} == {"acme/shop"}
    assert {body["repository"]["id"] for body in bodies} == {5}
    assert {body["installation"]["id"] for body in bodies} == {9}
    created = scene.installation_created()
    assert created["installation"]["id"] == 9
    assert [item["full_name"] for item in created["repositories"]] == ["acme/shop"]
    assert scene.ping()["hook"]["app_id"] == created["installation"]["app_id"]
    assert bodies[2]["issue"]["number"] == bodies[0]["issue"]["number"]
    assert bodies[0]["issue"]["created_at"] == "2023-11-14T22:13:20Z"


def test_a_comment_on_a_pull_request_says_so():
    body = GitHubScene().comment_created(1, 2, "hi", on_pull_request=True, app_id=7)
    assert body["issue"]["pull_request"]["url"].endswith("/pulls/1")
    assert body["comment"]["performed_via_github_app"] == {"id": 7}


def test_builders_encode_as_json():
    mona = senders_jira.user("5b10", "Mona")
    for body in (
        senders_jira.issue_updated("P-1", "s", mona, now_ms=NOW, labels_after=["hookyard"]),
        senders_jira.comment_created("P-1", "s", "t", mona, now_ms=NOW),
        senders_slack.app_mention("hi", event_id="Ev1", now_ms=NOW, thread_ts="1.2", bot_id="B1"),
        senders_slack.url_verification("c"),
        senders_sentry.event_alert("t"),
        senders_sentry.issue("t"),
        senders_sentry.metric_alert("t"),
    ):
        assert json.loads(json.dumps(body)) == body


def test_slack_forms_decode():
    slash = parse_qs(senders_slack.slash_command("a b", trigger_id="t").decode())
    assert (slash["text"], slash["command"], slash["trigger_id"]) == (["a b"], ["/hookyard"], ["t"])
    click = parse_qs(senders_slack.block_action("go", "v", trigger_id="t", now_ms=NOW).decode())
    assert json.loads(click["payload"][0])["actions"][0]["action_id"] == "go"
    assert form_encode({"a": "é"}) == b"a=%C3%A9"
