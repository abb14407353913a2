"""Permissions compare in GitHub's order, and every decision says why."""

import pytest

from hookyard.core.repositories.rules import (
    PERMISSIONS,
    may_command,
    permissions_changed_by,
    read_permission,
)


@pytest.mark.parametrize("minimum", PERMISSIONS[1:])
@pytest.mark.parametrize("have", PERMISSIONS)
def test_permission_is_enough_from_the_minimum_on(have: str, minimum: str) -> None:
    decision = may_command("octocat", have, minimum=minimum)
    assert decision.allowed is (PERMISSIONS.index(have) >= PERMISSIONS.index(minimum))
    assert have in decision.reason
    assert minimum in decision.reason


def test_named_login_may_whatever_it_has() -> None:
    decision = may_command("Octocat", "none", minimum="admin", allow=("octoCAT",))
    assert decision.allowed
    assert "commands.allow" in decision.reason


@pytest.mark.parametrize(("have", "minimum"), [("owner", "read"), ("admin", "owner")])
def test_unknown_words_allow_nothing(have: str, minimum: str) -> None:
    assert not may_command("octocat", have, minimum=minimum).allowed


def test_nobody_may_without_any_permission_even_if_none_is_needed() -> None:
    assert not may_command("stranger", "none", minimum="none").allowed


@pytest.mark.parametrize(
    ("data", "role"),
    [
        ({"permission": "write", "role_name": "maintain"}, "maintain"),
        ({"permission": "read", "role_name": "triage"}, "triage"),
        ({"permission": "write", "role_name": "release-captain"}, "write"),
        ({"permission": "none", "role_name": ""}, "none"),
        ({"permission": "owner"}, "none"),
        ({}, "none"),
    ],
)
def test_role_is_read_from_githubs_answer(data: dict[str, str], role: str) -> None:
    assert read_permission(data) == role


@pytest.mark.parametrize(
    ("event", "payload", "scope"),
    [
        ("member", {"repository": {"full_name": "Acme/App"}}, "acme/app"),
        ("team_add", {"repository": {"full_name": "acme/app"}}, "acme/app"),
        ("membership", {"organization": {"login": "Acme"}}, "acme/"),
        ("organization", {"organization": {"login": "acme"}}, "acme/"),
        ("team", {"repository": {"full_name": "acme/app"}}, "acme/"),
        ("issues", {"repository": {"full_name": "acme/app"}}, None),
        ("member", {}, None),
    ],
)
def test_events_say_whose_permissions_are_in_doubt(
    event: str, payload: dict[str, dict[str, str]], scope: str | None
) -> None:
    assert permissions_changed_by(event, payload) == scope
