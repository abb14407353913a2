"""No bytes make a provider raise: refusals, ids and Unparsable are values.

`HOOKYARD_FUZZ=50` multiplies the number of examples for a long run.
"""

import json
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hookyard.core.ingress.model import (
    Answer,
    Event,
    Identity,
    InboundRequest,
    Refusal,
    SourceConfig,
    Unparsable,
)
from hookyard.core.ingress.providers.generic import BITBUCKET, GITLAB, LINEAR, PAGERDUTY, STANDARD
from hookyard.core.ingress.providers.github import GITHUB
from hookyard.core.ingress.providers.github_shapes import SHAPES
from hookyard.core.ingress.providers.jira import JIRA
from hookyard.core.ingress.providers.sentry import SENTRY
from hookyard.core.ingress.providers.slack import SLACK

MORE = int(os.environ.get("HOOKYARD_FUZZ", "1"))
PROVIDERS = (GITHUB, JIRA, SLACK, SENTRY, GITLAB, BITBUCKET, LINEAR, PAGERDUTY, STANDARD)
EACH = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
HEADERS = sorted(
    {h for p in PROVIDERS for h in p.kept_headers()}
    | {
        b"x-hub-signature-256",
        b"x-hub-signature",
        b"x-slack-signature",
        b"sentry-hook-signature",
        b"webhook-signature",
        b"x-gitlab-token",
        b"linear-signature",
        b"x-pagerduty-signature",
        b"authorization",
        b"content-encoding",
    }
)
EVENTS = sorted(
    {*SHAPES, "jira:issue_updated", "comment_created", "app_mention", "slash_command", "unknown"}
    | {"block_actions", "event_alert", "metric_alert", "issue", "push", "Issue", "pr:opened", ""}
)
TYPES = ["application/json", "application/x-www-form-urlencoded", "a;charset=\xff", ""]
VALUES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b"application/json",
            b"application/x-www-form-urlencoded",
            b"sha256=" + b"\xff" * 64,
            b"sha256=" + b"0" * 64,
            b"v1,AAAA v1,====",
            b"v0=" + b"\xc2\xb2" * 32,
            b"1700000000",
            b"9" * 5000,
            b"Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
            b"Bearer e30.e30.",
            b"push",
        ]
    ),
)
KEYS = st.sampled_from(
    [
        "action",
        "issue",
        "pull_request",
        "comment",
        "body",
        "number",
        "repository",
        "full_name",
        "sender",
        "login",
        "id",
        "type",
        "event",
        "event_id",
        "webhookEvent",
        "user",
        "changelog",
        "items",
        "field",
        "fromString",
        "toString",
        "data",
        "actor",
        "title",
        "labels",
        "fields",
        "content",
        "text",
        "trigger_id",
        "actions",
        "challenge",
        "object_kind",
        "eventKey",
        "app",
        "bot_id",
        "channel",
        "issue_id",
        "metric_alert",
        "performed_via_github_app",
        "installation",
        "check_run",
        "review",
        "payload",
        "command",
        "author",
        "ts",
        "check_suite",
        "hook",
        "zen",
    ]
)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["created", "opened", "triggered", "/hookyard x", "app", *EVENTS]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"{" * 5000, b'{"a":' * 2000 + b"1", b"[" * 100_000, b"payload=%7B", b"&" * 500]
    ),
)
SECRETS = (b"s", b"whsec_AAAA", b"whsec_*", b"\xff\x00")


def source(provider, mode):
    return SourceConfig(provider.name, provider.name, SECRETS, {"mode": mode, "app_slug": "yard"})


@EACH
@settings(max_examples=50 * MORE, deadline=None)
@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), VALUES, max_size=12),
    body=BODIES,
    query=st.binary(max_size=60),
    method=st.sampled_from(["POST", "GET", "PUT"]),
    mode=st.sampled_from(["secret", "oauth", "url", "\xff"]),
    now_ms=st.integers(0, 2**45),
)
@example({b"content-type": b"\xff;charset=\xfe"}, b"", b"token=%", "POST", "url", 0)
def test_unsigned_bytes_are_refused_by_value(provider, headers, body, query, method, mode, now_ms):
    request = InboundRequest(method, headers, body, query)
    given_source = source(provider, mode)
    refusal = provider.check(request)
    assert refusal is None or isinstance(refusal, Refusal)
    verdict = provider.verify(request, given_source, now_ms)
    answer = provider.answer(request, given_source)
    assert answer is None or isinstance(answer, Answer)
    identity = provider.identify(request)
    assert isinstance(identity, Identity | Refusal)
    for value in (refusal, verdict, identity):
        if isinstance(value, Refusal):
            assert 400 <= value.status < 500
            assert value.detail.isascii()
    if isinstance(identity, Identity):
        names = (identity.dedupe_key, identity.provider_delivery_id, identity.event)
        assert all(name and name.isascii() and name.isprintable() for name in names)
        assert len(identity.dedupe_key) <= 400
    if provider is not JIRA and provider is not GITLAB:
        # A random URL token or plain token could be the right one; a random HMAC cannot.
        assert verdict is not None or answer == Answer(200, b"", "text/plain", store=False)


@EACH
@settings(max_examples=80 * MORE, deadline=None)
@given(event=st.sampled_from(EVENTS), content_type=st.sampled_from(TYPES), body=BODIES)
def test_any_body_parses_to_a_value(provider, event, content_type, body):
    result = provider.parse(event, content_type, body, {})
    assert isinstance(result, Event | Unparsable)
    if isinstance(result, Unparsable):
        assert result.code
        assert "\x00" not in result.reason
        return
    for text in (result.action, result.subject, result.repository, result.actor, result.app_id):
        assert text is None or ("\x00" not in text and len(text) <= 1100)
    for command in provider.commands(result, source(provider, "secret")):
        assert command.name
        assert "\x00" not in command.text


@EACH
@settings(max_examples=50 * MORE, deadline=None)
@given(payload=st.dictionaries(KEYS, JSON, max_size=10), event=st.sampled_from(EVENTS))
def test_any_object_parses_to_a_value(provider, payload, event):
    payload = {"webhookEvent": event, "type": event, **payload}
    result = provider.parse(event, "application/json", json.dumps(payload).encode(), {})
    assert isinstance(result, Event | Unparsable)
    if isinstance(result, Event):
        assert len(provider.commands(result, source(provider, "secret"))) <= 10


@EACH
@pytest.mark.parametrize("depth", [50, 99, 100, 990, 5000, 1_000_000])
def test_depth_is_a_reason_and_never_an_error(provider, depth):
    body = b'{"webhookEvent":"x","type":"x","a":' + b"[" * depth + b"]" * depth + b"}"
    request = InboundRequest("POST", {b"content-type": b"application/json"}, body)
    provider.identify(request)
    provider.answer(request, source(provider, "secret"))
    result = provider.parse("push", "application/json", body, {})
    assert isinstance(result, Event | Unparsable)
    assert (getattr(result, "code", "") == "too_deep") == (depth >= 100)
