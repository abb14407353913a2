"""What is taken out of a delivery before it becomes a sample."""

import json
import urllib.parse
from pathlib import Path

import pytest

from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.hooks.recording import Scrubber, record
from hookyard.entrypoints.cli.hooks.samples import load_sample
from hookyard.kit.json import JsonObject

TOKEN = "ghs_" + "a" * 36
DELIVERY: JsonObject = {
    "provider": "github",
    "event": "issues",
    "action": "opened",
    "repository": "octo/garden",
    "subject": "octo/garden#1",
    "status": "routed",
    "content_type": "application/json",
    "received_at": "2026-01-31T12:00:00.123Z",
}
BODY: JsonObject = {
    "action": "opened",
    "issue": {"number": 1, "body": f"write to mona.l@corp.example or use {TOKEN}"},
    "repository": {"full_name": "octo/garden", "ssh_url": "git@github.com:octo/garden.git"},
    "sender": {"login": "mona", "id": 1, "email": "Mona.L@corp.example", "type": "User"},
    "hook": {"config": {"secret": "hush", "token": {"a": ["b"]}}},
}


def test_one_person_stays_one_person() -> None:
    scrubber = Scrubber()
    assert scrubber.text("a@x.example b@x.example A@X.example") == (
        "person1@example.com person2@example.com person1@example.com"
    )


def test_one_time_addresses_go() -> None:
    assert Scrubber().text("https://hooks.slack.com/commands/T1/2/secret") == (
        "https://hooks.slack.com/***"
    )


def test_deep_payloads_keep_their_shape() -> None:
    tree: JsonObject = {"leaf": "x", "token": "hush-hush"}
    for _ in range(20):
        tree = {"in": tree, "list": [1, None, True]}
    found = Scrubber().tree(tree)
    text = json.dumps(found)
    assert "hush" not in text
    assert text.count('"in"') == 20
    assert '"leaf": "x"' in text


def test_a_recorded_sample_holds_no_secret_and_can_be_replayed(tmp_path: Path) -> None:
    record(DELIVERY, json.dumps(BODY).encode(), tmp_path / "github" / "one", replace=False)
    written = "".join(path.read_text() for path in (tmp_path / "github" / "one").iterdir())
    for secret in (TOKEN, "hush", "corp.example"):
        assert secret not in written
    assert "git@github.com:octo/garden.git" in written
    sample = load_sample(tmp_path / "github" / "one")
    assert sample.expected["status"] == "routed"
    assert sample.expected["actor"] == "mona"
    assert sample.expected["http"] == 202
    assert json.loads(sample.body)["sender"]["email"] == "person1@example.com"


def test_a_form_of_github_is_recorded_as_the_json_in_it(tmp_path: Path) -> None:
    body = urllib.parse.urlencode({"payload": json.dumps(BODY)}).encode()
    form: JsonObject = {**DELIVERY, "content_type": "application/x-www-form-urlencoded"}
    record(form, body, tmp_path / "one", replace=False)
    sample = load_sample(tmp_path / "one")
    assert sample.options == {"form": "yes"}
    assert json.loads(sample.body)["issue"]["number"] == 1


def test_a_form_of_slack_keeps_its_fields_without_its_secrets(tmp_path: Path) -> None:
    fields = {
        "token": "hush-hush",
        "command": "/hookyard",
        "text": "ask me@corp.example",
        "response_url": "https://hooks.slack.com/commands/T1/2/secret",
        "trigger_id": "1.2.3",
    }
    form: JsonObject = {
        **DELIVERY, "provider": "slack", "content_type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    record(form, urllib.parse.urlencode(fields).encode(), tmp_path / "one", replace=False)
    found = dict(urllib.parse.parse_qsl(load_sample(tmp_path / "one").body))
    assert found == {
        "token": "***",
        "command": "/hookyard",
        "text": "ask person1@example.com",
        "response_url": "https://hooks.slack.com/***",
        "trigger_id": "1.2.3",
    }


def test_a_sample_is_not_written_over_unless_asked(tmp_path: Path) -> None:
    body = json.dumps(BODY).encode()
    record(DELIVERY, body, tmp_path / "one", replace=False)
    with pytest.raises(Failed, match="--replace"):
        record(DELIVERY, body, tmp_path / "one", replace=False)
    record(DELIVERY, b'{"action": "closed"}', tmp_path / "one", replace=True)
    assert json.loads(load_sample(tmp_path / "one").body) == {"action": "closed"}


@pytest.mark.parametrize("body", [b"\xff\xfe{", b"", b"not json"])
def test_a_body_nobody_can_read_is_kept_as_text(tmp_path: Path, body: bytes) -> None:
    record(DELIVERY, body, tmp_path / "one", replace=False)
    assert not load_sample(tmp_path / "one").is_json
