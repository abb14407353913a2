"""Sentry: signature, names from resource and body, alerts as commands."""

import hashlib
import json

import pytest

from hookyard.core.ingress.model import CommandKind, Event
from hookyard.core.ingress.providers.sentry import SENTRY
from hookyard_sandbox import senders_sentry as bodies
from hookyard_sandbox.senders import signed_request

SECRET = b"client-secret"
ALERT = bodies.event_alert("ValueError: bad amount in octo/garden#5")


def send(body=ALERT, event="event_alert", request_id="4f1c"):
    return signed_request("sentry", body, SECRET, event=event, delivery_id=request_id)


def parse(body, event):
    return SENTRY.parse(event, "application/json", json.dumps(body).encode(), {})


def test_signed_delivery_passes(inbound, source):
    request = inbound(send())
    assert SENTRY.check(request) is None
    assert SENTRY.verify(request, source("sentry", b"old", SECRET), 0) is None
    assert SENTRY.verify(request, source("sentry", b"old"), 0).code == "bad_signature"
    assert SENTRY.answer(request, source("sentry", SECRET)) is None


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"sentry_hook_signature": None}, 401, "missing_signature"),
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ({"sentry_hook_resource": None}, 400, "malformed_event"),
        ({"sentry_hook_resource": "a\xe9"}, 400, "malformed_event"),
    ],
)
def test_headers_alone_refuse(inbound, changes, status, code):
    refusal = SENTRY.check(inbound(send(), **changes))
    assert (refusal.status, refusal.code) == (status, code)


def test_an_empty_secret_never_verifies(inbound, source):
    request = inbound(signed_request("sentry", ALERT, b"", event="event_alert"))
    assert SENTRY.verify(request, source("sentry", b""), 0).code == "bad_signature"


def test_a_new_request_id_is_the_same_delivery(inbound):
    one, two = SENTRY.identify(inbound(send())), SENTRY.identify(inbound(send(request_id="5a")))
    assert one.dedupe_key == two.dedupe_key
    assert one.dedupe_key == "event_alert:sha256:" + hashlib.sha256(send().body).hexdigest()
    assert (one.provider_delivery_id, one.event) == ("4f1c", "event_alert")
    odd = SENTRY.identify(inbound(send(), request_id="\xe9"))
    assert odd.provider_delivery_id.startswith("sha256:")


def test_resource_is_part_of_the_name(inbound):
    issue = inbound(send(), sentry_hook_resource="issue")
    assert SENTRY.identify(issue).dedupe_key != SENTRY.identify(inbound(send())).dedupe_key


@pytest.mark.parametrize(
    ("body", "claimed"),
    [(ALERT, "issue"), (bodies.issue("t"), "event_alert"), ({}, "metric_alert")],
)
def test_a_resource_that_the_body_denies_is_refused(body, claimed):
    assert parse(body, claimed).code == "event_mismatch"


def test_an_unknown_resource_is_accepted():
    assert isinstance(parse({"action": "x"}, "activity_alert"), Event)


def test_an_alert_comes_from_sentry_itself():
    event = parse(ALERT, "event_alert")
    assert (event.actor_is_bot, event.app_id, event.subject) == (False, None, "1170820242")
    assert event.action == "triggered"


def test_an_app_that_acts_is_a_bot():
    app = {"type": "application", "id": "bd92", "name": "hookyard"}
    event = parse(bodies.issue("t", action="resolved", actor=app), "issue")
    assert (event.actor_is_bot, event.app_id, event.actor) == (True, "bd92", "hookyard")
    person = {"type": "user", "id": 7, "name": "Mona"}
    event = parse(bodies.issue("t", actor=person), "issue")
    assert (event.actor_is_bot, event.app_id, event.actor_id) == (False, None, "7")


def test_alerts_command(source):
    (command,) = SENTRY.commands(parse(ALERT, "event_alert"), source("sentry", SECRET))
    assert (command.kind, command.name) == (CommandKind.ALERT, "alert")
    assert command.text == "ValueError: bad amount in octo/garden#5"
    assert (command.repository, command.number) == ("octo/garden", 5)
    metric = parse(bodies.metric_alert("Too many errors"), "metric_alert")
    assert metric.subject == "metric_alert:7"
    (command,) = SENTRY.commands(metric, source("sentry", SECRET, repository="octo/field"))
    assert (command.text, command.repository) == ("Too many errors", "octo/field")


def test_the_all_clear_and_plain_issues_command_nothing(source):
    clear = parse(bodies.metric_alert("t", action="resolved"), "metric_alert")
    assert SENTRY.commands(clear, source("sentry", SECRET)) == ()
    assert SENTRY.commands(parse(bodies.issue("t"), "issue"), source("sentry", SECRET)) == ()
