"""Slack: events, slash commands, clicks, and the two probes."""

import json

import pytest

from hookyard.core.ingress.model import CommandKind, Event, InboundRequest, Unparsable
from hookyard.core.ingress.providers.slack import SLACK
from hookyard_sandbox import senders_slack as bodies
from hookyard_sandbox.senders import form_encode, signed_request

SECRET = b"shhh"
NOW = 1_700_000_000_000
FORM = "application/x-www-form-urlencoded"
MENTION = bodies.app_mention(
    "fix the flaky test in octo/garden#12 &amp; reply", event_id="Ev1", now_ms=NOW
)
SLASH = bodies.slash_command("run tests on octo/garden#9", trigger_id="13345224609.738474920.8088")
CLICK = bodies.block_action("retry", "job-1", trigger_id="1.2.3", now_ms=NOW)


def send(body=MENTION, **options):
    if isinstance(body, bytes):
        options.setdefault("form", "1")
    return signed_request("slack", body, SECRET, now_ms=NOW, **options)


def parse(sent, event):
    return SLACK.parse(event, sent.headers["content-type"], sent.body, {})


@pytest.mark.parametrize(
    ("body", "key", "event"),
    [
        (MENTION, "event:Ev1", "app_mention"),
        (SLASH, "trigger:13345224609.738474920.8088", "slash_command"),
        (CLICK, "trigger:1.2.3", "block_actions"),
    ],
)
def test_each_kind_is_accepted_and_named(inbound, source, body, key, event):
    request = inbound(send(body))
    assert SLACK.check(request) is None
    assert SLACK.verify(request, source("slack", b"old", SECRET), NOW) is None
    identity = SLACK.identify(request)
    assert (identity.dedupe_key, identity.event) == (key, event)
    assert isinstance(parse(send(body), event), Event)


def test_a_retry_has_the_same_name(inbound):
    first, again = inbound(send()), inbound(send(retry_num="1", retry_reason="http_timeout"))
    assert SLACK.identify(first) == SLACK.identify(again)


def test_an_event_id_deep_in_user_text_is_not_taken(inbound):
    text = '"event_id":"EvEvil"'
    body = bodies.app_mention(text, event_id="EvTrue", now_ms=NOW)
    body = {**body, "padding": {"event_id": "EvNested", "long": "x" * 10_000}}
    assert SLACK.identify(inbound(send(body))).dedupe_key == "event:EvTrue"


def test_without_an_id_the_body_names_it(inbound):
    identity = SLACK.identify(inbound(send({"type": "app_rate_limited"})))
    assert identity.dedupe_key.startswith("sha256:")
    assert identity.event == "app_rate_limited"


def test_an_impossible_id_is_refused(inbound):
    for event_id in ("a b", "é", "x" * 200):
        body = bodies.app_mention("x", event_id=event_id, now_ms=NOW)
        assert SLACK.identify(inbound(send(body))).code == "malformed_delivery_id"


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_window_is_five_minutes_either_way(inbound, source, sign):
    request = inbound(send())
    assert SLACK.verify(request, source("slack", SECRET), NOW + sign * 300_000) is None
    late = SLACK.verify(request, source("slack", SECRET), NOW + sign * 301_000)
    assert late.code == "stale_timestamp"


@pytest.mark.parametrize("stamp", ["abc", "", "1e9", "-5", "1" * 400, "\xb2", "17.5", "0x1"])
def test_a_malformed_time_is_refused(inbound, source, stamp):
    request = inbound(send(), x_slack_request_timestamp=stamp)
    refusal = SLACK.verify(request, source("slack", SECRET), NOW)
    assert (refusal.status, refusal.code) == (401, "stale_timestamp")


def test_another_time_breaks_the_signature(inbound, source):
    request = inbound(send(), x_slack_request_timestamp=str(NOW // 1000 + 1))
    assert SLACK.verify(request, source("slack", SECRET), NOW).code == "bad_signature"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x_slack_signature": None}, 401, "missing_signature"),
        ({"x_slack_request_timestamp": None}, 401, "missing_signature"),
        ({"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content_encoding": "gzip"}, 415, "unsupported_media_type"),
    ],
)
def test_headers_alone_refuse(inbound, changes, status, code):
    refusal = SLACK.check(inbound(send(), **changes))
    assert (refusal.status, refusal.code) == (status, code)


def test_only_posts_carry_events():
    assert SLACK.check(InboundRequest("GET", {}, b"")).status == 405


def test_the_challenge_is_answered_once_it_verifies(inbound, source):
    request = inbound(send(bodies.url_verification('abc"é')))
    assert SLACK.verify(request, source("slack", SECRET), NOW) is None
    answer = SLACK.answer(request, source("slack", SECRET))
    assert answer.status == 200
    assert json.loads(answer.body) == {"challenge": 'abc"é'}
    assert answer.store is False
    forged = inbound(send(bodies.url_verification("x")), x_slack_signature="v0=" + "0" * 64)
    assert SLACK.verify(forged, source("slack", SECRET), NOW).code == "bad_signature"


def test_talk_of_a_challenge_is_no_challenge(inbound, source):
    body = bodies.app_mention("url_verification", event_id="Ev2", now_ms=NOW)
    body = {**body, "challenge": "x"}
    assert SLACK.answer(inbound(send(body)), source("slack", SECRET)) is None


@pytest.mark.parametrize(
    "request_",
    [
        InboundRequest("GET", {}, b"", b"ssl_check=1&token=x"),
        InboundRequest("POST", {b"content-type": FORM.encode()}, bodies.ssl_check()),
    ],
)
def test_the_certificate_probe_is_answered_and_not_stored(source, request_):
    assert SLACK.check(request_) is None
    assert SLACK.verify(request_, source("slack", SECRET), NOW) is None
    answer = SLACK.answer(request_, source("slack", SECRET))
    assert (answer.status, answer.store) == (200, False)


@pytest.mark.parametrize(
    ("body", "content_type", "query"),
    [
        (SLASH + b"&ssl_check=1", FORM, b""),
        (CLICK + b"&ssl_check=1", FORM, b""),
        (b'{"ssl_check":1}', "application/json", b"ssl_check=1"),
        (SLASH, FORM, b"ssl_check=1"),
        (b"ssl_check=0", FORM, b""),
        (b"ssl_check=1&pad=" + b"x" * 5000, FORM, b""),
    ],
)
def test_a_probe_is_no_way_round_the_signature(source, body, content_type, query):
    request = InboundRequest("POST", {b"content-type": content_type.encode()}, body, query)
    assert SLACK.check(request).code == "missing_signature"
    assert SLACK.verify(request, source("slack", SECRET), NOW) is not None


def test_commands_and_clicks_are_stored_and_get_a_200(inbound, source):
    slash = SLACK.answer(inbound(send(SLASH)), source("slack", SECRET))
    assert (slash.status, slash.store) == (200, True)
    assert json.loads(slash.body)["response_type"] == "ephemeral"
    click = SLACK.answer(inbound(send(CLICK)), source("slack", SECRET))
    assert (click.status, click.store, click.body) == (200, True, b"")


def test_a_mention_commands(source):
    event = parse(send(), "app_mention")
    assert (event.subject, event.actor_id) == (f"C061EG9T2:{NOW // 1000}.000200", "U061F7AUR")
    (command,) = SLACK.commands(event, source("slack", SECRET, repository="octo/field"))
    assert (command.kind, command.name) == (CommandKind.MENTION, "fix")
    assert command.text == "the flaky test in octo/garden#12 & reply"
    assert (command.repository, command.number) == ("octo/garden", 12)


def test_a_slash_command_commands(source):
    event = parse(send(SLASH), "slash_command")
    assert (event.actor, event.actor_id, event.action) == ("mona", "U061F7AUR", "/hookyard")
    (command,) = SLACK.commands(event, source("slack", SECRET))
    assert (command.kind, command.name, command.text) == (
        CommandKind.SLASH,
        "run",
        "tests on octo/garden#9",
    )
    assert (command.repository, command.number) == ("octo/garden", 9)


def test_an_empty_slash_command_asks_for_help(source):
    sent = send(bodies.slash_command("", trigger_id="1"))
    (command,) = SLACK.commands(parse(sent, "slash_command"), source("slack", SECRET))
    assert (command.name, command.text, command.repository) == ("help", "", None)


def test_a_click_is_an_event_without_a_command(source):
    event = parse(send(CLICK), "block_actions")
    assert (event.action, event.actor_id, event.actor) == ("retry", "U061F7AUR", "mona")
    assert event.subject == f"C061EG9T2:{NOW // 1000}.000300"
    assert SLACK.commands(event, source("slack", SECRET)) == ()


def test_a_bot_that_speaks_is_known_by_its_own_app():
    body = bodies.app_mention("hi", event_id="Ev3", now_ms=NOW, bot_id="B1")
    event = parse(send(body), "app_mention")
    assert (event.actor_is_bot, event.app_id) == (True, "B1")
    assert parse(send(), "app_mention").app_id is None


@pytest.mark.parametrize(
    ("body", "claimed"),
    [(MENTION, "message"), (SLASH, "block_actions"), (CLICK, "slash_command"), (b"a=1", "unknown")],
)
def test_an_event_name_that_the_body_denies_is_refused(body, claimed):
    result = parse(send(body), claimed)
    assert isinstance(result, Unparsable)
    assert result.code == "event_mismatch"


def test_a_payload_that_is_not_json_is_named_and_unparsable(inbound):
    sent = send(form_encode({"payload": "{"}))
    identity = SLACK.identify(inbound(sent))
    assert identity.event == "unknown"
    assert parse(sent, "unknown").code == "malformed_json"
