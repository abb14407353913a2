"""What rules give whom."""

from hookyard.core.identity.model import Grant, Role
from hookyard.core.identity.teams_rules import (
    Circle,
    Issuers,
    Membership,
    Missed,
    Named,
    Rule,
    circles_of,
    grants_by,
)
from hookyard.core.identity.users import Identity

GITHUB, OIDC = "https://github.com", "https://id.example"
BOTH = Issuers(GITHUB, OIDC)
ALICE = Identity(GITHUB, "7", "u1", "Alice")
MIA = Identity(OIDC, "7", "u2", "alice")
TEAM = Circle("acme", "platform", include_children=True)
BY_TEAM = Rule(Grant(Role.MAINTAINER), TEAM)


def held(rule: Rule, who: Identity, *members: int, issuers: Issuers = BOTH) -> list[str]:
    known = {TEAM: Membership(frozenset(members))}
    return [grant.source for grant in grants_by((rule,), who, issuers, known)[0]]


def test_members_hold_what_their_team_gives() -> None:
    assert held(BY_TEAM, ALICE, 7, 8) == ["team acme/platform"]
    assert held(BY_TEAM, ALICE, 8) == []


def test_a_number_at_another_issuer_is_another_person() -> None:
    assert held(BY_TEAM, MIA, 7) == []
    assert circles_of((BY_TEAM,), MIA, BOTH) == set()
    assert circles_of((BY_TEAM,), ALICE, BOTH) == {TEAM}


def test_names_count_at_their_own_issuer_only() -> None:
    def named(kind: str, value: str) -> Rule:
        return Rule(Grant(Role.VIEWER), people=(Named(kind, value),))

    assert held(named("login", "alice"), ALICE) == ["config alice"]
    assert held(named("login", "alice"), MIA) == []
    assert held(named("id", "7"), ALICE) == ["config id:7"]
    assert held(named("id", "7"), MIA) == []
    assert held(named("oidc", "7"), MIA) == ["config oidc:7"]
    assert held(named("oidc", "7"), ALICE) == []
    assert held(named("oidc", "7"), MIA, issuers=Issuers(GITHUB)) == []
    nobody = Identity("", "7", "u3", "x")
    assert held(named("oidc", "7"), nobody, issuers=Issuers(GITHUB)) == []


def test_what_is_not_known_gives_nothing_and_says_why() -> None:
    gone = {TEAM: Membership(None, "GitHub has no such team")}
    assert grants_by((BY_TEAM,), ALICE, BOTH, gone) == (
        [],
        [Missed("team acme/platform", "GitHub has no such team")],
    )
    assert grants_by((BY_TEAM,), ALICE, BOTH, {})[0] == []


def test_a_subject_that_is_no_number_is_in_no_team() -> None:
    for subject in ("", "-7", "7.0", "07", "\u0667", "x" * 50):
        assert held(BY_TEAM, Identity(GITHUB, subject, "u", "x"), 7) == []
