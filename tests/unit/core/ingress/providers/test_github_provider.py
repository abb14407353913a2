"""GitHub: what is refused by headers, what verifies, how deliveries are named, what they mean."""

import json

import pytest

from hookyard.core.ingress.model import CommandKind, Event, Identity, InboundRequest, Unparsable
from hookyard.core.ingress.providers.github import GITHUB
from hookyard_sandbox.senders import signed_request
from hookyard_sandbox.senders_github import GitHubScene

SCENE = GitHubScene()
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
SECRET = b"correct horse"
COMMENT = SCENE.comment_created(12, 900, "please\n/hookyard run tests")


def send(body=COMMENT, event="issue_comment", **options):
    return signed_request("github", body, SECRET, event=event, delivery_id=GUID, **options)


def parse(body, event, content_type="application/json"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return GITHUB.parse(event, content_type, raw, {})


def test_signed_delivery_passes_and_has_a_name(inbound, source):
    request = inbound(send())
    assert GITHUB.check(request) is None
    assert GITHUB.verify(request, source("github", SECRET), 0) is None
    assert GITHUB.answer(request, source("github", SECRET)) is None
    assert GITHUB.identify(request) == Identity(f"471829305:90210:{GUID}", GUID, "issue_comment")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x_hub_signature_256": None}, 401, "missing_signature"),
        ({"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content_type": None}, 415, "unsupported_media_type"),
        ({"content_encoding": "gzip"}, 415, "unsupported_media_type"),
        ({"x_github_event": None}, 400, "malformed_event"),
        ({"x_github_event": "Push"}, 400, "malformed_event"),
        ({"x_github_event": "a" * 65}, 400, "malformed_event"),
        ({"x_github_event": "push; drop"}, 400, "malformed_event"),
        ({"x_github_delivery": None}, 400, "malformed_delivery_id"),
        ({"x_github_delivery": "a b"}, 400, "malformed_delivery_id"),
        ({"x_github_delivery": "\xe9"}, 400, "malformed_delivery_id"),
        ({"x_github_delivery": "a" * 129}, 400, "malformed_delivery_id"),
    ],
)
def test_headers_alone_refuse(inbound, changes, status, code):
    refusal = GITHUB.check(inbound(send(), **changes))
    assert refusal is not None
    assert (refusal.status, refusal.code) == (status, code)
    assert refusal.detail.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"content_type": "application/json; charset=utf-8"},
        {"content_type": "APPLICATION/JSON ;charset=bogus"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_encoding": "identity"},
        {"x_github_event": "an_event_of_next_year"},
    ],
)
def test_harmless_headers_pass(inbound, changes):
    assert GITHUB.check(inbound(send(), **changes)) is None


def test_every_secret_is_tried(inbound, source):
    request = inbound(send())
    assert GITHUB.verify(request, source("github", b"old", SECRET), 0) is None
    assert GITHUB.verify(request, source("github", b"old"), 0).code == "bad_signature"


def test_no_secret_and_an_empty_secret_fail_closed(inbound, source):
    empty = inbound(signed_request("github", COMMENT, b"", event="issues", delivery_id=GUID))
    assert GITHUB.verify(empty, source("github"), 0).code == "bad_signature"
    assert GITHUB.verify(empty, source("github", b""), 0).code == "bad_signature"


@pytest.mark.parametrize(
    "value",
    ["sha256=", "sha256=" + "g" * 64, "sha256=" + "é" * 64, "x" * 71, "sha256=" + " 0" * 32],
)
def test_a_malformed_signature_is_a_bad_one(inbound, source, value):
    request = inbound(send(), x_hub_signature_256=value)
    refusal = GITHUB.verify(request, source("github", SECRET), 0)
    assert refusal is not None
    assert (refusal.status, refusal.code) == (401, "bad_signature")
    assert SECRET.decode() not in refusal.detail


def test_another_method_with_the_right_digits_is_refused(inbound, source):
    digits = send().headers["x-hub-signature-256"].removeprefix("sha256=")
    request = inbound(send(), x_hub_signature_256=f"sha512={digits}")
    assert GITHUB.verify(request, source("github", SECRET), 0).code == "bad_signature"


def test_a_changed_body_is_refused(inbound, source):
    request = inbound(send(), body=b"{}")
    assert GITHUB.verify(request, source("github", SECRET), 0).code == "bad_signature"


def test_a_form_is_signed_as_a_form(inbound, source):
    sent = send(form="1")
    request = inbound(sent)
    assert GITHUB.check(request) is None
    assert GITHUB.verify(request, source("github", SECRET), 0) is None
    event = parse(sent.body, "issue_comment", sent.headers["content-type"])
    assert isinstance(event, Event)
    assert event.payload == COMMENT


def test_one_guid_over_two_hooks_is_two_deliveries(inbound):
    keys = {GITHUB.identify(inbound(send(hook_id=hook))).dedupe_key for hook in ("1", "2")}
    assert len(keys) == 2


@pytest.mark.parametrize("header", ["x_github_hook_id", "x_github_hook_installation_target_id"])
def test_hook_ids_are_numbers(inbound, header):
    refusal = GITHUB.identify(inbound(send(), **{header: "12:34"}))
    assert refusal.code == "malformed_delivery_id"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "not_an_object"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
    ],
)
def test_what_cannot_be_read_says_why(raw, code):
    result = parse(raw, "issues")
    assert isinstance(result, Unparsable)
    assert result.code == code


def test_a_form_without_payload_says_so():
    form = "application/x-www-form-urlencoded"
    assert parse(b"a=1", "issues", form).code == "no_payload"
    assert parse(b"a&" * 100, "issues", form).code == "malformed_form"
    assert parse(b"payload=%ff", "issues", form).code == "not_utf8"
    assert parse(b"payload=\xff", "issues", form).code == "not_utf8"


@pytest.mark.parametrize(
    ("body", "claimed"),
    [
        (COMMENT, "issues"),
        (SCENE.issue_opened(1, "t", "b"), "issue_comment"),
        (SCENE.push("0" * 40, "1" * 40, "m"), "pull_request"),
        (SCENE.ping(), "installation"),
        (SCENE.pull_request_opened(1, "t", "b", "a" * 40, "b" * 40), "pull_request_review"),
        ({}, "push"),
    ],
)
def test_an_event_name_that_the_payload_denies_is_refused(body, claimed):
    result = parse(body, claimed)
    assert isinstance(result, Unparsable)
    assert result.code == "event_mismatch"
    assert claimed in result.reason


def test_an_unknown_event_is_accepted():
    assert isinstance(parse({"novel": 1}, "an_event_of_next_year"), Event)


@pytest.mark.parametrize(
    ("body", "event", "subject", "action"),
    [
        (SCENE.issue_opened(3, "t", "b"), "issues", "octo/garden#3", "opened"),
        (SCENE.issue_edited(3, "t", "b", "a"), "issues", "octo/garden#3", "edited"),
        (COMMENT, "issue_comment", "octo/garden#12", "created"),
        (
            SCENE.pull_request_opened(4, "t", "b", "a" * 40, "b" * 40),
            "pull_request",
            "octo/garden#4",
            "opened",
        ),
        (SCENE.push("0" * 40, "1" * 40, "m"), "push", "octo/garden", None),
        (SCENE.installation_created(), "installation", "installation:5550001", "created"),
        (SCENE.ping(), "ping", None, None),
    ],
)
def test_an_event_names_its_subject(body, event, subject, action):
    result = parse(body, event)
    assert isinstance(result, Event)
    assert (result.subject, result.action) == (subject, action)


def test_loop_facts_are_read():
    bot = SCENE.comment_created(1, 2, "hi", "hookyard[bot]", 77, is_bot=True, app_id=90210)
    event = parse(bot, "issue_comment")
    assert (event.actor_is_bot, event.app_id, event.actor, event.actor_id) == (
        True,
        "90210",
        "hookyard[bot]",
        "77",
    )
    assert event.installation_id == 5550001
    human = parse(COMMENT, "issue_comment")
    assert (human.actor_is_bot, human.app_id, human.repository) == (False, None, "octo/garden")


def test_who_edits_an_apps_comment_is_not_the_app():
    body = {**SCENE.comment_created(1, 2, "- [x] done", app_id=90210), "action": "edited"}
    assert parse(body, "issue_comment").app_id is None


def test_a_check_run_names_its_app():
    body = {
        "action": "completed",
        "check_run": {"id": 1, "app": {"id": 90210}},
        "repository": SCENE.repository(),
        "sender": SCENE.user("mona"),
    }
    assert parse(body, "check_run").app_id == "90210"


def commands(body, event, source, **options):
    parsed = parse(body, event)
    assert isinstance(parsed, Event)
    return GITHUB.commands(parsed, source("github", SECRET, **options))


def test_a_comment_gives_its_command(source):
    (command,) = commands(COMMENT, "issue_comment", source)
    assert command.kind is CommandKind.COMMENT
    assert (command.name, command.text) == ("run", "tests")
    assert (command.repository, command.number, command.comment_id) == ("octo/garden", 12, 900)
    assert (command.actor, command.actor_id) == ("mona", "1001")


def test_a_mention_needs_the_apps_slug(source):
    body = SCENE.comment_created(5, 6, "hey @Hookyard-App, fix the build")
    assert commands(body, "issue_comment", source) == ()
    (command,) = commands(body, "issue_comment", source, app_slug="hookyard-app")
    assert (command.kind, command.name, command.text) == (CommandKind.MENTION, "fix", "the build")


def test_a_comment_cannot_point_at_another_repository(source):
    body = SCENE.comment_created(5, 6, "/hookyard fix other/place#9")
    (command,) = commands(body, "issue_comment", source)
    assert (command.repository, command.number) == ("octo/garden", 5)


def test_issues_and_pull_requests_command_when_opened_only(source):
    opened = SCENE.issue_opened(7, "t", "/testbot plan")
    assert [c.name for c in commands(opened, "issues", source)] == ["plan"]
    edited = SCENE.issue_edited(7, "t", "/testbot plan", "")
    assert commands(edited, "issues", source) == ()
    pull = SCENE.pull_request_opened(8, "t", "/hookyard check", "a" * 40, "b" * 40)
    (command,) = commands(pull, "pull_request", source)
    assert (command.number, command.comment_id) == (8, None)


def test_reviews_and_review_comments_command(source):
    pull = SCENE.pull_request_opened(8, "t", "", "a" * 40, "b" * 40)
    review = {**pull, "action": "submitted", "review": {"id": 5, "body": "/hookyard go"}}
    del review["number"]
    (command,) = commands(review, "pull_request_review", source)
    assert (command.number, command.comment_id) == (8, None)
    comment = {**pull, "action": "created", "comment": {"id": 6, "body": "/hookyard go"}}
    (command,) = commands(comment, "pull_request_review_comment", source)
    assert (command.number, command.comment_id) == (8, 6)


def test_a_deleted_comment_commands_nothing(source):
    assert commands({**COMMENT, "action": "deleted"}, "issue_comment", source) == ()


def test_kept_headers_hold_no_credential():
    assert not {h for h in GITHUB.kept_headers() if b"signature" in h or b"auth" in h}


def test_names_in_a_payload_are_clean_text():
    sender = {"login": "a\x00b", "id": 1, "type": "User"}
    body = {**SCENE.issue_opened(1, "t", "b"), "sender": sender, "action": "opened\x00"}
    event = parse(body, "issues")
    assert (event.actor, event.action) == ("ab", "opened")


def test_hostile_headers_never_raise(source):
    request = InboundRequest("POST", {}, b"")
    assert GITHUB.check(request).status == 415
    assert GITHUB.verify(request, source("github", SECRET), 0).code == "missing_signature"
    assert GITHUB.identify(request).code == "malformed_delivery_id"
