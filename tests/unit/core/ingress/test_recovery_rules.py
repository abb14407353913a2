"""What is recovered, how far back, and whether a recorded body is the one that was sent."""

import json
from collections.abc import Mapping

import msgspec
import pytest

from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.recovery_model import Plan, Unplanned
from hookyard.core.ingress.recovery_rules import (
    OVERLAP_MS,
    body_of,
    cutoff_ms,
    instant_of,
    is_ours,
    is_wanted,
    plan_of,
    prefix_of,
)
from hookyard.kit.errors import Invalid
from hookyard.registry import REACTIONS
from hookyard_sandbox.senders import signed_request

NOW = 1_800_000_000_000
PAYLOAD = {"action": "opened", "issue": {"title": "Größe <b> & Co", "number": 7}, "n": 1.5}


def source(name: str = "github", provider: str = "github", **options: str) -> SourceConfig:
    return SourceConfig(name, provider, (b"old", b"new"), options)


def plan(found: Plan | Unplanned) -> Plan:
    assert isinstance(found, Plan), found
    return found


def github_plan(**options: str) -> Plan:
    return plan(plan_of(source(**options), REACTIONS, has_app=True, events=()))


def test_the_source_named_after_github_is_the_apps() -> None:
    assert github_plan().owners == ("app",)
    named = plan_of(source("second"), REACTIONS, has_app=True, events=())
    assert isinstance(named, Unplanned)


def test_owners_are_taken_from_the_option() -> None:
    found = plan_of(source("second", recover="acme/shop, acme"), REACTIONS, has_app=True, events=())
    assert plan(found).owners == ("acme/shop", "acme")


@pytest.mark.parametrize(
    ("given", "has_app", "said"),
    [
        (source(recover="off"), True, "`recover`"),
        (source(recover="../x"), True, "no owner"),
        (source(), False, "no GitHub App"),
        (source("slack", "slack"), True, "slack keeps no record"),
        (source("jira", "jira"), True, "api_url"),
        (source("jira", "jira", api_url="https://x.example"), True, "api_token_env"),
    ],
)
def test_what_cannot_be_recovered_says_what_it_lacks(
    given: SourceConfig, has_app: bool, said: str
) -> None:
    found = plan_of(given, REACTIONS, has_app=has_app, events=())
    assert isinstance(found, Unplanned)
    assert said in found.reason


@pytest.mark.parametrize(
    ("event", "action", "wanted"),
    [
        ("issues", "opened", True),
        ("issues", "edited", True),
        ("issues", "labeled", False),
        ("issue_comment", "created", True),
        ("issue_comment", "edited", False),
        ("installation", "deleted", True),
        ("member", "removed", True),
        ("push", None, False),
        ("check_run", "created", False),
        ("ping", None, False),
    ],
)
def test_only_what_something_reacts_to_is_worth_its_body(
    event: str, action: str | None, wanted: bool
) -> None:
    assert is_wanted(github_plan(), event, action) is wanted


def test_events_can_be_named_and_skipped() -> None:
    assert is_wanted(github_plan(recover_events="all"), "push", None)
    assert is_wanted(github_plan(recover_events="push, fork"), "fork", None)
    assert not is_wanted(github_plan(recover_events="push"), "issues", "opened")
    assert not is_wanted(github_plan(recover_events="all", recover_skip="push"), "push", None)
    by_setting = plan_of(source(), REACTIONS, has_app=True, events=("push",))
    assert is_wanted(plan(by_setting), "push", None)


def test_a_listing_overlaps_the_one_before_and_ends_somewhere() -> None:
    assert cutoff_ms(NOW - 60_000, NOW, 3_600_000) == NOW - 60_000 - OVERLAP_MS
    assert cutoff_ms(NOW - 9_000_000, NOW, 3_600_000) == NOW - 3_600_000


def test_since_is_a_span_or_an_instant() -> None:
    assert instant_of("30m", NOW) == NOW - 1_800_000
    assert instant_of("3d", NOW) == NOW - 3 * 86_400_000
    assert instant_of("2026-01-31T12:00:00Z", NOW) == 1_769_860_800_000


@pytest.mark.parametrize(
    "text", ["", "6", "-1h", "6w", "yesterday", "2999-01-01T00:00:00Z", "99999d", "2026-01-31"]
)
def test_another_since_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        instant_of(text, NOW)
    assert caught.value.problem_code == "bad_since"


def recorded(body: bytes, **options: str) -> Mapping[str, str]:
    """The lower-case headers GitHub keeps of a request with this body."""
    made = signed_request("github", body, "new", event="issues", delivery_id="g", **options)
    return {name.lower(): value for name, value in made.headers.items()}


PLAIN = msgspec.json.encode(PAYLOAD)
WRITINGS = {
    "plain": PLAIN,
    "escaped": PLAIN.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026"),
    "ascii": json.dumps(PAYLOAD, separators=(",", ":")).encode(),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_the_bytes_that_were_sent_are_found_by_their_signature(name: str) -> None:
    body, kind, is_exact = body_of(recorded(WRITINGS[name]), PAYLOAD, (b"old", b"new"))
    assert (body, kind, is_exact) == (WRITINGS[name], "application/json", True)


def test_a_form_is_made_again() -> None:
    sent = signed_request("github", PLAIN, "new", event="issues", delivery_id="g", form="yes")
    headers = {name.lower(): value for name, value in sent.headers.items()}
    body, kind, is_exact = body_of(headers, PAYLOAD, (b"new",))
    assert (body, is_exact) == (sent.body, True)
    assert kind == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("secrets", [(), (b"another",), (b"",)])
def test_a_body_whose_signature_is_not_ours_is_written_anew(secrets: tuple[bytes, ...]) -> None:
    body, kind, is_exact = body_of(recorded(b'{ "spaced": 1 }'), PAYLOAD, secrets)
    assert (msgspec.json.decode(body), kind, is_exact) == (PAYLOAD, "application/json", False)
    assert body_of({}, PAYLOAD, (b"new",))[2] is False


def test_a_prefix_is_what_stands_before_the_guid() -> None:
    assert prefix_of("12:34:abc", "abc") == "12:34:"
    assert prefix_of("12:34:abc", "bc") is None


@pytest.mark.parametrize(
    ("url", "name", "ours"),
    [
        ("https://x.example/webhooks/github", "github", True),
        ("https://x.example/below/webhooks/github/?a=1", "github", True),
        ("https://x.example/webhooks/github/github", "github", True),
        ("https://x.example/webhooks/github/second", "second", True),
        ("https://x.example/webhooks/github/second", "github", False),
        ("https://x.example/webhooks/github", "second", False),
        ("https://ci.example/hooks", "github", False),
    ],
)
def test_a_hook_is_known_by_where_it_sends(url: str, name: str, ours: bool) -> None:
    assert is_ours(url, source(name)) is ours
