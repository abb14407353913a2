"""What a workload of GitHub Actions gets: what its rules say, and nothing by default."""

import pytest

from hookyard.adapters.oidc.port import Claims
from hookyard.core.identity.issuers import WorkloadRule, WorkloadTerms
from hookyard.core.identity.model import Actor, ActorKind, Grant, Refused, Role, Scope
from hookyard.core.identity.workloads import SAFE_EVENTS, unmet, workload_actor
from hookyard.kit.json import Json

PUSH: dict[str, Json] = {
    "repository": "Acme/Shop",
    "repository_id": "1001",
    "repository_owner": "Acme",
    "repository_owner_id": "501",
    "ref": "refs/heads/main",
    "sha": "a" * 40,
    "event_name": "push",
    "job_workflow_ref": "acme/ci/.github/workflows/build.yml@refs/heads/main",
    "environment": "production",
    "run_id": "77001",
}


def rule(role: Role = Role.INGEST, scope: Scope | None = None, **asked: str) -> WorkloadRule:
    conditions = {"event_name": SAFE_EVENTS} | {name: (text,) for name, text in asked.items()}
    return WorkloadRule("one", tuple(conditions.items()), role, scope)


def claims(**more: Json) -> Claims:
    merged = {name: value for name, value in (PUSH | more).items() if value is not None}
    return Claims("https://i", "s", (), 9, 1, "RS256", None, merged)


def enter(*rules: WorkloadRule, **more: Json) -> Actor | Refused:
    return workload_actor("gha", WorkloadTerms(rules), claims(**more))


def test_a_workload_gets_the_role_over_its_own_repository() -> None:
    found = enter(rule(repository_id="1001", ref="refs/heads/*"))
    assert isinstance(found, Actor)
    assert (found.kind, found.id, found.name) == (ActorKind.WORKLOAD, "1001/77001", "Acme/Shop")
    assert found.grants == (
        Grant(Role.INGEST, Scope.of_repository("acme/shop", repository_id=1001)),
    )
    assert dict(found.facts)["sha"] == "a" * 40
    assert "a" * 40 not in repr(found)


def test_every_rule_that_fits_gives_its_role() -> None:
    wide = Scope.of_org("acme")
    found = enter(
        rule(repository="acme/shop"),
        rule(Role.MINT, wide, repository="acme/*"),
        rule(Role.ADMIN, repository="acme/other"),
    )
    assert isinstance(found, Actor)
    assert [grant.role for grant in found.grants] == [Role.INGEST, Role.MINT]
    assert found.grants[1].scope == wide


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ({"repository_id": "1001"}, {"repository_id": "10011"}),
        ({"repository_id": "1001"}, {"repository_id": "2"}),
        ({"repository": "acme/shop"}, {"repository": "acme/shop2"}),
        ({"repository": "acme/*"}, {"repository": "acme-evil/shop"}),
        ({"repository": "acme/*"}, {"repository": "evil/acme"}),
        ({"ref": "refs/heads/main"}, {"ref": "refs/heads/main2"}),
        ({"ref": "refs/heads/main"}, {"ref": "refs/heads/Main"}),
        ({"ref": "refs/heads/main"}, {"ref": "xrefs/heads/main"}),
        ({"ref": "refs/heads/*"}, {"ref": "refs/heads/a/b"}),
        ({"ref": "refs/heads/*"}, {"ref": "refs/tags/v1"}),
        ({"environment": "production"}, {"environment": None}),
        ({"environment": "production"}, {"environment": ["production"]}),
        ({"sha": "a*"}, {"sha": "b" * 40}),
        (
            {"job_workflow_ref": "acme/ci/.github/workflows/build.yml@refs/heads/main"},
            {"job_workflow_ref": "acme/ci/.github/workflows/build.yml@refs/heads/main-evil"},
        ),
        (
            {"job_workflow_ref": "acme/ci/.github/workflows/*@refs/heads/main"},
            {"job_workflow_ref": "acme/ci/.github/workflows/x/y.yml@refs/heads/main"},
        ),
    ],
)
def test_conditions_fit_whole_or_not_at_all(asked: dict[str, str], more: dict[str, Json]) -> None:
    one = rule(**asked)
    assert unmet(one, claims()) is None
    found = enter(one, **more)
    assert isinstance(found, Refused)
    assert found.code == "no_rule"


@pytest.mark.parametrize(
    "event", ["pull_request_target", "issue_comment", "issues", "workflow_run", "fork", "", None]
)
def test_events_that_strangers_start_must_be_named(event: Json) -> None:
    assert isinstance(enter(rule(repository="acme/shop"), event_name=event), Refused)


def test_without_rules_nobody_enters() -> None:
    assert isinstance(enter(), Refused)


@pytest.mark.parametrize(
    "more",
    [
        {"repository": None},
        {"repository": "shop"},
        {"repository": "acme/shop\n"},
        {"repository_id": None},
        {"repository_id": 1001},
        {"repository_id": "01001"},
        {"run_id": None},
        {"run_id": "1; drop"},
    ],
)
def test_a_token_that_does_not_say_whose_run_it_is_is_refused(more: dict[str, Json]) -> None:
    assert isinstance(enter(rule(repository_owner="acme"), **more), Refused)


def test_facts_that_would_spoil_a_log_are_left_out() -> None:
    found = enter(rule(repository="acme/shop"), head_ref="a\nb", actor="x" * 501)
    assert isinstance(found, Actor)
    assert not {"head_ref", "actor"} & dict(found.facts).keys()
