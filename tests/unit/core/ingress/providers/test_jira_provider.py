"""Jira: three ways to prove a request, stable names, comment and label commands."""

import base64
import hashlib
import hmac
import json

import pytest

from hookyard.core.ingress.model import CommandKind, Event, InboundRequest, Unparsable
from hookyard.core.ingress.providers.jira import JIRA
from hookyard_sandbox import senders_jira as bodies
from hookyard_sandbox.senders import signed_request

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_700_000_000_000
MONA = bodies.user("5b10", "Mona")
COMMENT = bodies.comment_created(
    "PROJ-7", "Fix it", "/hookyard fix octo/garden#3", MONA, now_ms=NOW
)


def send(body=COMMENT, **options):
    return signed_request("jira", body, SECRET, delivery_id="wh-1", now_ms=NOW, **options)


def parse(body, event):
    return JIRA.parse(event, "application/json", json.dumps(body).encode(), {})


@pytest.mark.parametrize("mode", ["secret", "oauth", "url"])
def test_each_mode_accepts_its_own_proof_and_no_other(inbound, source, mode):
    request = inbound(send(mode=mode))
    assert JIRA.check(request) is None
    for wanted in ("secret", "oauth", "url"):
        refusal = JIRA.verify(request, source("jira", b"old-" * 8, SECRET, mode=wanted), NOW)
        assert (refusal is None) == (wanted == mode)


def test_secret_is_the_default_mode(inbound, source):
    assert JIRA.verify(inbound(send()), source("jira", SECRET), NOW) is None


def test_an_unknown_mode_fails_closed(inbound, source):
    refusal = JIRA.verify(inbound(send()), source("jira", SECRET, mode="none"), NOW)
    assert refusal.code == "bad_signature"
    assert "secret, oauth, url" in refusal.detail


def test_sha1_is_never_accepted(inbound, source):
    sent = send()
    digest = hmac.new(SECRET, sent.body, hashlib.sha1).hexdigest()
    for value in (f"sha1={digest}", digest, f"sha256={digest}", "md5=00"):
        request = inbound(sent, x_hub_signature=value)
        assert JIRA.verify(request, source("jira", SECRET), NOW).code == "bad_signature"


def test_a_token_is_good_until_it_expires(inbound, source):
    request = inbound(send(mode="oauth"))
    oauth = source("jira", SECRET, mode="oauth")
    assert JIRA.verify(request, oauth, NOW + 239_000) is None
    assert JIRA.verify(request, oauth, NOW + 300_000).code == "stale_timestamp"
    assert JIRA.verify(request, oauth, NOW - 300_000).code == "stale_timestamp"


def test_a_tokens_issuer_can_be_pinned(inbound, source):
    request = inbound(send(mode="oauth", issuer="client-1"))
    assert (
        JIRA.verify(request, source("jira", SECRET, mode="oauth", issuer="client-1"), NOW) is None
    )
    other = source("jira", SECRET, mode="oauth", issuer="client-2")
    assert JIRA.verify(request, other, NOW).code == "bad_signature"


def _token(header, claims, digest="sha256"):
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    ]
    mac = hmac.digest(SECRET, b".".join(parts), digest)
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"alg": "none"}, {"exp": NOW // 1000 + 60}),
        ({"alg": "HS512"}, {"exp": NOW // 1000 + 60}),
        ({"alg": "HS256"}, {}),
        ({"alg": "HS256"}, {"exp": "soon"}),
        ({"alg": "HS256"}, []),
        ({"alg": "HS256", "crit": ["exp"]}, {"exp": NOW // 1000 + 60}),
        ([], {}),
    ],
)
def test_odd_tokens_are_refused(inbound, source, header, claims):
    request = inbound(send(mode="oauth"), authorization="Bearer " + _token(header, claims))
    refusal = JIRA.verify(request, source("jira", SECRET, mode="oauth"), NOW)
    assert refusal is not None
    assert refusal.status == 401


def test_other_algorithms_are_refused_however_well_they_sign(inbound, source):
    claims = {"exp": NOW // 1000 + 60}
    unsigned = _token({"alg": "none"}, claims).rpartition(".")[0] + "."
    longer = _token({"alg": "HS512"}, claims, digest="sha512")
    for token in (unsigned, longer):
        request = inbound(send(mode="oauth"), authorization=f"Bearer {token}")
        refusal = JIRA.verify(request, source("jira", SECRET, mode="oauth"), NOW)
        assert refusal.code == "bad_signature"
    good = inbound(send(mode="oauth"), authorization=f"Bearer {_token({'alg': 'HS256'}, claims)}")
    assert JIRA.verify(good, source("jira", SECRET, mode="oauth"), NOW) is None


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer a.b.c",
        "Basic eA==",
        "Bearer \xff.\xff.\xff",
        "Bearer " + "a" * 9000,
    ],
)
def test_malformed_authorization_is_a_bad_signature(inbound, source, value):
    request = inbound(send(mode="oauth"), authorization=value)
    refusal = JIRA.verify(request, source("jira", SECRET, mode="oauth"), NOW)
    assert (refusal.status, refusal.code) == (401, "bad_signature")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"", "missing_signature"),
        (b"token=", "missing_signature"),
        (b"other=1", "missing_signature"),
        (b"token=wrong", "bad_signature"),
        (b"token=%ff", "missing_signature"),
        (b"token=\xff", "missing_signature"),
        (b"token=" + b"a" * 5000, "missing_signature"),
        (b"a=1&" * 40 + b"token=x", "missing_signature"),
    ],
)
def test_a_url_without_the_token_is_refused(source, query, code):
    request = InboundRequest("POST", {b"content-type": b"application/json"}, b"{}", query)
    refusal = JIRA.verify(request, source("jira", SECRET, mode="url"), NOW)
    assert (refusal.status, refusal.code) == (401, code)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x_hub_signature": None}, 401, "missing_signature"),
        ({"content_type": "text/html"}, 415, "unsupported_media_type"),
        ({"content_encoding": "br"}, 415, "unsupported_media_type"),
        ({"x_atlassian_webhook_identifier": "a b"}, 400, "malformed_delivery_id"),
    ],
)
def test_headers_alone_refuse(inbound, changes, status, code):
    refusal = JIRA.check(inbound(send(), **changes))
    assert (refusal.status, refusal.code) == (status, code)


def test_retries_share_a_name_and_data_center_uses_the_body(inbound):
    first, again = inbound(send()), inbound(send(retry="2"))
    assert JIRA.identify(first) == JIRA.identify(again)
    assert JIRA.identify(first).event == "comment_created"
    plain = JIRA.identify(inbound(send(), x_atlassian_webhook_identifier=None))
    assert plain.dedupe_key == "sha256:" + hashlib.sha256(send().body).hexdigest()


def test_an_unreadable_body_is_still_named(inbound):
    identity = JIRA.identify(inbound(send(), body=b"{not json"))
    assert identity.event == "unknown"
    result = JIRA.parse(identity.event, "application/json", b"{not json", {})
    assert isinstance(result, Unparsable)


@pytest.mark.parametrize("body", [{}, {"webhookEvent": 5}, {"webhookEvent": "x" * 300}])
def test_a_body_without_a_usable_event_ends_unparsable(body, inbound):
    identity = JIRA.identify(inbound(send(body)))
    assert identity.event == "unknown"
    assert parse(body, "unknown").code == "event_mismatch"


def test_an_event_is_checked_against_the_body():
    assert parse(COMMENT, "jira:issue_updated").code == "event_mismatch"
    assert (
        parse({"webhookEvent": "jira:issue_updated"}, "jira:issue_updated").code == "event_mismatch"
    )
    assert isinstance(parse({"webhookEvent": "sprint_closed"}, "sprint_closed"), Event)


def test_a_comment_names_its_author_and_issue():
    event = parse(COMMENT, "comment_created")
    assert (event.actor, event.actor_id, event.subject) == ("Mona", "5b10", "PROJ-7")
    assert (event.action, event.actor_is_bot, event.app_id) == ("created", False, None)
    app = bodies.comment_created(
        "PROJ-7", "s", "t", bodies.user("a1", "Bot", is_app=True), now_ms=NOW
    )
    event = parse(app, "comment_created")
    assert (event.actor_is_bot, event.app_id) == (True, "a1")


def commands(body, source, event, repository=None):
    return JIRA.commands(parse(body, event), source("jira", SECRET, repository=repository))


def test_a_comment_commands(source):
    (command,) = commands(COMMENT, source, "comment_created")
    assert (command.kind, command.name) == (CommandKind.COMMENT, "fix")
    assert (command.repository, command.number) == ("octo/garden", 3)


def test_the_sources_repository_is_the_fallback(source):
    body = bodies.comment_created("P-1", "s", "/hookyard plan", MONA, now_ms=NOW)
    (command,) = commands(body, source, "comment_created", "octo/field")
    assert (command.repository, command.number) == ("octo/field", None)


@pytest.mark.parametrize(
    "text",
    [
        "{code}\n/hookyard a\n{code}",
        "{quote}\n/hookyard a\n{quote}",
        "{noformat}\n/hookyard a\n{noformat}",
        "bq. /hookyard a",
        "please /hookyard a",
    ],
)
def test_quoted_text_commands_nothing(source, text):
    body = bodies.comment_created("P-1", "s", text, MONA, now_ms=NOW)
    assert commands(body, source, "comment_created") == ()


def test_text_after_a_closed_block_counts(source):
    text = "{code:python}x{code}\n{quote}\nold\n{quote}\n/hookyard go"
    body = bodies.comment_created("P-1", "s", text, MONA, now_ms=NOW)
    assert [c.name for c in commands(body, source, "comment_created")] == ["go"]


def test_a_document_tree_is_read_without_its_code(source):
    tree = {
        "type": "doc",
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "hello"}]},
            {"type": "codeBlock", "content": [{"type": "text", "text": "/hookyard no"}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "/hookyard yes"}]},
        ],
    }
    body = {**COMMENT, "comment": {"author": MONA, "body": tree}}
    assert [c.name for c in commands(body, source, "comment_created")] == ["yes"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ((), ("hookyard",), True),
        (("a",), ("a", "Hookyard"), True),
        (("hookyard",), ("hookyard", "b"), False),
        (("hookyard",), (), False),
        ((), ("hookyard-later",), False),
    ],
)
def test_the_label_commands_when_it_is_added(source, before, after, found):
    body = bodies.issue_updated(
        "P-1", "Broken", MONA, now_ms=NOW, labels_before=before, labels_after=after
    )
    got = commands(body, source, "jira:issue_updated", "octo/field")
    assert [(c.kind, c.name, c.text) for c in got] == (
        [(CommandKind.LABEL, "label", "Broken")] if found else []
    )


def test_an_issue_created_with_the_label_commands(source):
    body = {
        "webhookEvent": "jira:issue_created",
        "user": MONA,
        "issue": bodies.issue("P-1", "Broken", "see octo/garden#4", ["hookyard"]),
    }
    (command,) = commands(body, source, "jira:issue_created")
    assert (command.repository, command.number) == ("octo/garden", 4)
