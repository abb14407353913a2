"""GitLab, Bitbucket, Linear, PagerDuty and Standard Webhooks, read by one SpecProvider."""

import json

import pytest

from hookyard.core.ingress.model import Event, InboundRequest, Unparsable
from hookyard.core.ingress.providers.generic import BITBUCKET, GITLAB, LINEAR, PAGERDUTY, STANDARD
from hookyard.core.ingress.providers.scheme import Scheme
from hookyard_sandbox.senders import signed_request

NOW = 1_700_000_000_000
WHSEC = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RAW = b"a plain secret"
PUSH = {
    "object_kind": "push",
    "user_username": "mona",
    "user_id": 4,
    "project": {"path_with_namespace": "group/sub/garden"},
}
PULL = {
    "pullrequest": {"links": {"html": {"href": "https://bitbucket.org/o/g/pull-requests/1"}}},
    "repository": {"full_name": "o/g"},
    "actor": {"nickname": "mona", "uuid": "{1}", "type": "user"},
}
DC_PULL = {"eventKey": "pr:opened", "pullRequest": {"id": 1}, "actor": {"name": "mona", "id": 9}}
LINEAR_ISSUE = {
    "action": "create",
    "type": "Issue",
    "actor": {"id": "u1", "type": "user", "name": "Mona"},
    "data": {"id": "i1", "identifier": "ENG-4", "title": '"webhookTimestamp": 1'},
    "webhookTimestamp": NOW,
    "webhookId": "w1",
}
INCIDENT = {
    "event": {
        "id": "01BZ",
        "event_type": "incident.triggered",
        "agent": {"id": "PLH1", "summary": "Tenex"},
        "data": {"id": "PGR0", "type": "incident"},
    }
}
PAID = {"type": "invoice.paid", "timestamp": "2023-11-14T22:13:20Z", "data": {}}

CASES = {
    "gitlab-token": (GITLAB, PUSH, "Push Hook", RAW, {}, "push"),
    "gitlab-signing": (GITLAB, PUSH, "Push Hook", WHSEC, {"mode": "signing"}, "push"),
    "bitbucket-cloud": (BITBUCKET, PULL, "pullrequest:created", RAW, {}, "pullrequest:created"),
    "bitbucket-dc": (BITBUCKET, DC_PULL, "pr:opened", RAW, {"flavour": "datacenter"}, "pr:opened"),
    "linear": (LINEAR, LINEAR_ISSUE, "Issue", RAW, {}, "Issue"),
    "pagerduty": (PAGERDUTY, INCIDENT, "", RAW, {}, "incident.triggered"),
    "standard": (STANDARD, PAID, "", WHSEC, {}, "invoice.paid"),
}
ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def sent_by(case):
    provider, body, event, secret, options, _ = case
    return signed_request(
        provider.name, body, secret, event=event, delivery_id="d-1", now_ms=NOW, **options
    )


def signature_of(case):
    schemes = [item.header.decode() for item in case[0].spec.schemes]
    return next(name for name in schemes if name in sent_by(case).headers)


@ALL
def test_a_signed_delivery_passes_is_named_and_means_something(case, inbound, source):
    provider, body, _, secret, _, name = case
    request = inbound(sent_by(case))
    assert provider.check(request) is None
    assert provider.verify(request, source(provider.name, b"old", secret), NOW) is None
    identity = provider.identify(request)
    assert identity.event == name
    assert identity.provider_delivery_id == ("01BZ" if provider is PAGERDUTY else "d-1")
    event = provider.parse(identity.event, "application/json", request.body, {})
    assert isinstance(event, Event)
    assert event.payload == body
    assert provider.commands(event, source(provider.name, secret)) == ()


@ALL
def test_another_secret_and_another_body_are_refused(case, inbound, source):
    provider, secret = case[0], case[3]
    request = inbound(sent_by(case))
    other = b"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" if secret is WHSEC else b"other"
    for wrong in (source("x", other), source("x"), source("x", b"")):
        assert provider.verify(request, wrong, NOW).code == "bad_signature"
    if signature_of(case) != "x-gitlab-token":
        changed = inbound(sent_by(case), body=sent_by(case).body + b" ")
        assert provider.verify(changed, source("x", secret), NOW).code == "bad_signature"


@ALL
def test_a_missing_signature_is_refused_by_headers(case, inbound, source):
    request = inbound(sent_by(case), **{signature_of(case).replace("-", "_"): None})
    refusal = case[0].check(request)
    assert (refusal.status, refusal.code) == (401, "missing_signature")
    assert case[0].verify(request, source("x", case[3]), NOW).code == "missing_signature"


@ALL
@pytest.mark.parametrize(
    "value", ["\xff", "v1,", "sha256=zz", "v1=" + "0" * 63, "," * 5000, "v1,*"]
)
def test_malformed_signatures_are_bad_ones(case, value, inbound, source):
    request = inbound(sent_by(case), **{signature_of(case).replace("-", "_"): value})
    assert case[0].verify(request, source("x", case[3]), NOW).code == "bad_signature"


@ALL
def test_only_json_is_taken(case, inbound):
    for changes in ({"content_type": "text/xml"}, {"content_encoding": "deflate"}):
        assert case[0].check(inbound(sent_by(case), **changes)).status == 415


@pytest.mark.parametrize("name", ["standard", "gitlab-signing"])
def test_signed_time_has_a_window_of_five_minutes(name, inbound, source):
    provider, secret = CASES[name][0], CASES[name][3]
    request = inbound(sent_by(CASES[name]))
    for offset in (-300_000, 300_000):
        assert provider.verify(request, source("x", secret), NOW + offset) is None
        late = provider.verify(request, source("x", secret), NOW + offset + offset // 300)
        assert late.code == "stale_timestamp"
    odd = inbound(sent_by(CASES[name]), webhook_timestamp="soon")
    assert provider.verify(odd, source("x", secret), NOW).code == "stale_timestamp"
    unnamed = inbound(sent_by(CASES[name]), webhook_id=None)
    assert provider.verify(unnamed, source("x", secret), NOW).code == "missing_signature"


def test_linears_time_is_in_the_body_and_has_a_window_of_a_minute(inbound, source):
    request = inbound(sent_by(CASES["linear"]))
    for offset in (-60_000, 60_000):
        assert LINEAR.verify(request, source("linear", RAW), NOW + offset) is None
    assert LINEAR.verify(request, source("linear", RAW), NOW + 60_001).code == "stale_timestamp"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"webhookTimestamp"}', b'{"webhookTimestamp": "x"}', b'{"webhookTimestamp":']
)
def test_linear_without_a_time_is_stale(body, inbound, source):
    sent = signed_request("linear", body, RAW, event="Issue", delivery_id="d")
    assert LINEAR.verify(inbound(sent), source("linear", RAW), NOW).code == "stale_timestamp"


def test_text_that_looks_like_linears_time_is_not_it(inbound, source):
    body = json.dumps({"webhookTimestamp": NOW, "data": {"text": f'"webhookTimestamp":{NOW * 2}'}})
    sent = signed_request("linear", body.encode(), RAW, event="Issue", delivery_id="d")
    assert LINEAR.verify(inbound(sent), source("linear", RAW), NOW) is None


def test_linears_time_is_the_envelopes_and_not_one_inside_data(inbound, source):
    body = {"data": {"webhookTimestamp": 1}, "webhookTimestamp": NOW}
    sent = signed_request("linear", body, RAW, event="Issue", delivery_id="d")
    assert LINEAR.verify(inbound(sent), source("linear", RAW), NOW) is None


def test_pagerduty_takes_any_of_a_list_while_rotating(inbound, source):
    good = sent_by(CASES["pagerduty"]).headers["x-pagerduty-signature"]
    header = f"v1={'0' * 64}, {good},v2=00"
    request = inbound(sent_by(CASES["pagerduty"]), x_pagerduty_signature=header)
    assert PAGERDUTY.verify(request, source("x", RAW), NOW) is None
    flood = ",".join([f"v1={'0' * 64}"] * 8 + [good])
    request = inbound(sent_by(CASES["pagerduty"]), x_pagerduty_signature=flood)
    assert PAGERDUTY.verify(request, source("x", RAW), NOW).code == "bad_signature"


def test_gitlab_signature_never_falls_back_to_the_token(inbound, source):
    both = source("gitlab", WHSEC, RAW)
    signed = sent_by(CASES["gitlab-signing"])
    forged = inbound(signed, webhook_signature="v1,AAAA", x_gitlab_token=RAW.decode())
    assert GITLAB.verify(forged, both, NOW).code == "bad_signature"
    assert GITLAB.verify(inbound(sent_by(CASES["gitlab-token"])), both, NOW) is None


def test_a_gitlab_signing_secret_is_no_token(inbound, source):
    leaked = inbound(sent_by(CASES["gitlab-token"]), x_gitlab_token=WHSEC.decode())
    assert GITLAB.verify(leaked, source("gitlab", WHSEC), NOW).code == "bad_signature"


def test_gitlab_before_signing_still_names_hook_and_delivery(inbound):
    identity = GITLAB.identify(inbound(sent_by(CASES["gitlab-token"])))
    assert identity.dedupe_key == "02affd2d-2cba-4033-917d-ec22d5dc4b38:d-1"
    older = GITLAB.identify(inbound(sent_by(CASES["gitlab-token"]), idempotency_key=None))
    assert older.dedupe_key.startswith("02affd2d-2cba-4033-917d-ec22d5dc4b38:sha256:")


def test_events_are_filled_from_the_spec():
    event = GITLAB.parse("push", "application/json", json.dumps(PUSH).encode(), {})
    assert (event.repository, event.actor, event.actor_id) == ("group/sub/garden", "mona", "4")
    event = LINEAR.parse("Issue", "application/json", json.dumps(LINEAR_ISSUE).encode(), {})
    assert (event.subject, event.action, event.actor_is_bot) == ("ENG-4", "create", False)
    app = {**PULL, "actor": {"type": "app_user"}}
    event = BITBUCKET.parse("pullrequest:created", "application/json", json.dumps(app).encode(), {})
    assert (event.repository, event.actor_is_bot) == ("o/g", True)
    assert event.subject == "https://bitbucket.org/o/g/pull-requests/1"


@pytest.mark.parametrize(
    ("provider", "event", "body"),
    [
        (GITLAB, "merge_request", PUSH),
        (LINEAR, "Comment", LINEAR_ISSUE),
        (PAGERDUTY, "incident.resolved", INCIDENT),
        (PAGERDUTY, "unknown", {}),
        (STANDARD, "unknown", {"type": 5}),
        (STANDARD, "invoice.void", PAID),
        (BITBUCKET, "pr:merged", DC_PULL),
        (BITBUCKET, "repo:push", PULL),
        (BITBUCKET, "issue:created", PULL),
    ],
)
def test_an_event_name_that_the_body_denies_is_refused(provider, event, body):
    result = provider.parse(event, "application/json", json.dumps(body).encode(), {})
    assert isinstance(result, Unparsable)
    assert result.code == "event_mismatch"


def test_bad_names_and_ids_are_refused(inbound):
    cloud = sent_by(CASES["bitbucket-cloud"])
    assert BITBUCKET.check(inbound(cloud, x_event_key="é" * 3)).code == "malformed_event"
    assert LINEAR.check(inbound(sent_by(CASES["linear"]), linear_event="a\tb")).code == (
        "malformed_event"
    )
    for changes in ({"x_request_uuid": "a b"}, {"x_hook_uuid": "x" * 129}):
        assert BITBUCKET.check(inbound(cloud, **changes)).code == "malformed_delivery_id"
        assert BITBUCKET.identify(inbound(cloud, **changes)).code == "malformed_delivery_id"
    body = {"event": {"id": "a b", "event_type": "x"}}
    sent = signed_request("pagerduty", body, RAW)
    assert PAGERDUTY.identify(inbound(sent)).code == "malformed_delivery_id"


def test_credentials_are_never_kept():
    for provider in (GITLAB, BITBUCKET, LINEAR, PAGERDUTY, STANDARD):
        assert not {h for h in provider.kept_headers() if b"signature" in h or b"token" in h}


def test_a_scheme_that_could_not_bind_the_body_is_refused_at_once():
    with pytest.raises(ValueError, match="ends in"):
        Scheme(header=b"x", template="{id}.{ts}")
    with pytest.raises(ValueError, match="sha256"):
        Scheme(header=b"x", algorithms=())


def test_an_id_cannot_smuggle_the_time(source):
    headers = {
        b"webhook-id": b"{ts}",
        b"webhook-timestamp": b"1700000000",
        b"webhook-signature": b"v1,AAAA",
    }
    request = InboundRequest("POST", headers, b"{}")
    assert STANDARD.verify(request, source("x", WHSEC), NOW).code == "bad_signature"
