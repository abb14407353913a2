"""The file of rules that give roles, and the setting that names admins."""

import pytest

from hookyard.core.identity.model import Grant, Role, Scope
from hookyard.core.identity.teams_file import read_admins, read_rules
from hookyard.core.identity.teams_rules import Circle, Named
from hookyard.kit.errors import ConfigurationError

GOOD = """
rules:
  - team: Acme/Platform
    include_children: true
    role: maintainer
    scope: org:Acme
  - members_of: acme
    role: viewer
  - people: [Alice, "id:583231", "oidc:auth0|x"]
    role: operator
    scope: repo:acme/Shop
"""
TEAM = "team: a/b\n    include_children: true\n    role: viewer"
WRONG = {
    "a tree": ("[]", "one list named"),
    "another key": ("rules: []\nother: 1", "one list named"),
    "no YAML": ("rules: [", "line"),
    "an alias": ("rules: &x [*x]", "not valid YAML|aliases"),
    "an alias bomb": ("a: &a [x]\nrules: [*a, *a]", "aliases"),
    "no kind": ("rules:\n  - role: viewer", "exactly one"),
    "two kinds": ("rules:\n  - team: a/b\n    members_of: a\n    role: viewer", "exactly one"),
    "children unsaid": ("rules:\n  - team: a/b\n    role: viewer", "include_children"),
    "children no flag": (
        "rules:\n  - team: a/b\n    include_children: maybe\n    role: viewer",
        "include_children",
    ),
    "no slug": ("rules:\n  - team: acme\n    include_children: true\n    role: viewer", "slug"),
    "a path": ("rules:\n  - team: a/../b\n    include_children: true\n    role: viewer", "slug"),
    "unknown key": (f"rules:\n  - {TEAM}\n    child: true", "no such key 'child'"),
    "unknown role": (f"rules:\n  - {TEAM.replace('viewer', 'king')}", "role must be one of"),
    "bad scope": (f"rules:\n  - {TEAM}\n    scope: repo:acme", "scope must be"),
    "a pattern": (f"rules:\n  - {TEAM}\n    scope: 'repo:acme/*'", "scope must be"),
    "everything by a star": (f"rules:\n  - {TEAM}\n    scope: '*'", "scope must be"),
    "people without scope": ("rules:\n  - people: [a]\n    role: viewer", "scope must be"),
    "nobody": ("rules:\n  - people: []\n    role: viewer\n    scope: tenant", "people must be"),
    "a number": ("rules:\n  - people: [12]\n    role: viewer\n    scope: tenant", "quotes"),
    "a bad name": ("rules:\n  - people: ['a b']\n    role: viewer\n    scope: tenant", "login"),
    "an entry that is none": ("rules:\n  - alice", "exactly one"),
    "too many": ("rules:\n" + f"  - {TEAM}\n" * 501, "more than 500"),
    "too large": ("#" * 300_000, "larger than"),
}


def test_rules_are_read_as_they_stand() -> None:
    team, everybody, people = read_rules(GOOD)
    assert team.circle == Circle("acme", "platform", include_children=True)
    assert team.grant == Grant(Role.MAINTAINER, Scope.of_org("acme"))
    assert everybody.circle == Circle("acme")
    assert everybody.grant.scope == Scope.of_org("acme")
    assert people.people == (
        Named("login", "alice"),
        Named("id", "583231"),
        Named("oidc", "auth0|x"),
    )
    assert people.grant.scope == Scope.of_repository("acme/shop")


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_rule_stops_the_start_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_rules(text)
    assert "HOOKYARD_TEAMS_FILE" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_admins_are_named() -> None:
    (rule,) = read_admins(("Alice", "id:7", "oidc:x"))
    assert rule.grant == Grant(Role.ADMIN)
    assert [str(name) for name in rule.people] == ["alice", "id:7", "oidc:x"]
    assert read_admins(()) == ()
    for wrong in ("*", "a b", "id:x", "oidc:", "https://x#y", ""):
        with pytest.raises(ConfigurationError, match="HOOKYARD_ADMINS"):
            read_admins((wrong,))
