"""The role table: what each role may do, where, and that all else is denied."""

import timeit
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.identity.authorizer import BY_ROLES
from hookyard.core.identity.model import (
    Action,
    Actor,
    ActorKind,
    Decision,
    Grant,
    Role,
    Scope,
    ScopeKind,
)
from hookyard.core.identity.rules import (
    TABLE,
    authorize,
    covers,
    may_grant,
    may_somewhere,
    scopes_for,
)

REPOSITORY = Scope.of_repository("Acme/Shop")
TENANT = Scope()


def actor(*grants: Grant, tenant: str = "default") -> Actor:
    return Actor(ActorKind.API_KEY, "k1", tenant, grants)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_the_table_alone_decides(role: Role, action: Action) -> None:
    decision = authorize(actor(Grant(role)), action)
    assert decision.allowed == (action in TABLE[role])
    assert action.value in decision.reason


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        (Role.VIEWER, {"jobs.read", "issues.read"}, {"jobs.cancel", "keys.read", "audit.read"}),
        (Role.OPERATOR, {"deliveries.replay", "jobs.cancel"}, {"config.write", "keys.write"}),
        (Role.MAINTAINER, {"config.write", "issues.write"}, {"keys.write", "tokens.mint"}),
        (Role.ADMIN, {action.value for action in Action}, set()),
        (Role.AUDITOR, {"audit.read", "keys.read"}, {"keys.write", "jobs.write"}),
        (Role.INGEST, {"coverage.write"}, {"issues.read", "tokens.mint"}),
        (Role.MINT, {"tokens.mint"}, {"jobs.read", "keys.read"}),
        (Role.WORKER, {"leases.work"}, {"jobs.write", "issues.read"}),
    ],
)
def test_roles_are_what_their_names_say(role: Role, allowed: set[str], denied: set[str]) -> None:
    holder = actor(Grant(role))
    assert all(authorize(holder, action).allowed for action in allowed)
    assert not any(authorize(holder, action).allowed for action in denied)


def test_without_a_grant_everything_is_denied() -> None:
    assert not any(authorize(actor(), action).allowed for action in Action)


@given(st.text())
def test_an_action_nobody_knows_is_denied_even_to_an_admin(action: str) -> None:
    known = {one.value for one in Action}
    assert authorize(actor(Grant(Role.ADMIN)), action).allowed == (action in known)


def test_another_tenant_is_denied_whatever_the_grants() -> None:
    holder = actor(Grant(Role.ADMIN), tenant="other")
    assert not authorize(holder, Action.JOBS_READ).allowed
    assert not authorize(holder, Action.JOBS_READ, REPOSITORY).allowed
    assert not may_somewhere(holder, Action.JOBS_READ).allowed
    smuggled = actor(Grant(Role.ADMIN, Scope(tenant="other")))
    assert not authorize(smuggled, Action.JOBS_READ).allowed
    assert not may_somewhere(smuggled, Action.JOBS_READ).allowed


@pytest.mark.parametrize(
    ("held", "wanted", "reaches"),
    [
        (TENANT, TENANT, True),
        (TENANT, Scope.of_org("acme"), True),
        (TENANT, REPOSITORY, True),
        (Scope.of_org("ACME"), REPOSITORY, True),
        (Scope.of_org("acme"), Scope.of_org("acme"), True),
        (REPOSITORY, Scope.of_repository("acme/SHOP"), True),
        (Scope.of_org("acme"), TENANT, False),
        (REPOSITORY, TENANT, False),
        (REPOSITORY, Scope.of_org("acme"), False),
        (Scope.of_org("acm"), REPOSITORY, False),
        (Scope.of_org("acme/shop"), REPOSITORY, False),
        (Scope.of_org("*"), REPOSITORY, False),
        (Scope.of_repository("acme/*"), REPOSITORY, False),
        (Scope.of_repository("acme/shop-admin"), REPOSITORY, False),
        (Scope(ScopeKind.ORG, ""), Scope(ScopeKind.REPOSITORY, "/shop"), False),
        (Scope(ScopeKind.REPOSITORY, ""), Scope(ScopeKind.REPOSITORY, ""), False),
    ],
)
def test_scopes_match_whole_names_only(held: Scope, wanted: Scope, reaches: bool) -> None:
    assert covers(held, wanted) == reaches
    assert authorize(actor(Grant(Role.ADMIN, held)), Action.JOBS_READ, wanted).allowed == reaches


@pytest.mark.parametrize(
    ("held", "wanted", "reaches"),
    [
        (Scope.of_repository("acme/old", repository_id=7), ("acme/new", 7), True),
        (Scope.of_repository("acme/shop", repository_id=7), ("acme/shop", None), True),
        (Scope.of_repository("acme/shop"), ("acme/shop", 8), True),
        (Scope.of_repository("acme/shop", repository_id=7), ("acme/shop", 8), False),
        (Scope.of_repository("", repository_id=7), ("", None), False),
        (Scope.of_repository("", repository_id=7), ("acme/shop", None), False),
        (Scope.of_org("acme"), ("acme/shop", 8), True),
    ],
)
def test_a_repositorys_id_goes_before_its_name(
    held: Scope, wanted: tuple[str, int | None], reaches: bool
) -> None:
    assert covers(held, Scope.of_repository(wanted[0], repository_id=wanted[1])) == reaches


def test_a_projects_scope_reaches_that_project_alone() -> None:
    mine, other = Scope.of_project("p1"), Scope.of_project("p2")
    assert covers(mine, mine)
    assert not covers(mine, other)
    assert not covers(mine, Scope.of_campaign("p1"))
    assert not covers(mine, Scope.of_repository("p1"))
    assert covers(Scope(), mine)


def test_a_campaigns_scope_reaches_that_campaign_alone() -> None:
    mine, other = Scope.of_campaign("c1"), Scope.of_campaign("c2")
    assert covers(mine, mine)
    assert covers(TENANT, mine)
    for foreign in (other, TENANT, Scope.of_org("c1"), Scope.of_repository("c1/c1")):
        assert not covers(mine, foreign)
    assert not covers(Scope.of_org("c1"), mine)


def test_where_a_grant_comes_from_is_no_part_of_it() -> None:
    assert Grant(Role.VIEWER, REPOSITORY, "g1", "team") == Grant(Role.VIEWER, REPOSITORY)
    assert len({Grant(Role.VIEWER, id="a"), Grant(Role.VIEWER, id="b")}) == 1


def test_lists_are_narrowed_to_the_scopes_an_action_is_held_in() -> None:
    foreign = Grant(Role.ADMIN, Scope(tenant="other"))
    holder = actor(Grant(Role.VIEWER, REPOSITORY), Grant(Role.WORKER, TENANT), foreign)
    assert scopes_for(holder, Action.ISSUES_READ) == (REPOSITORY,)
    assert scopes_for(holder, Action.JOBS_READ) == (REPOSITORY, TENANT)
    assert scopes_for(holder, Action.KEYS_WRITE) == ()
    assert scopes_for(holder, "jobs.dance") == ()


class Closed:
    """An authorizer that lets nobody do anything."""

    async def prepare(self, actor: Actor) -> Actor:
        return replace(actor, authorizer=self)

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        return Decision(allowed=False, reason="closed")

    def somewhere(self, actor: Actor, action: str) -> Decision:
        return Decision(allowed=False, reason="closed")

    def scopes(self, actor: Actor, action: str) -> tuple[Scope, ...]:
        return ()


async def test_another_authorizer_decides_in_place_of_the_table() -> None:
    admin = actor(Grant(Role.ADMIN))
    closed = await Closed().prepare(admin)
    assert authorize(closed, Action.JOBS_READ) == Decision(allowed=False, reason="closed")
    assert not may_somewhere(closed, Action.JOBS_READ).allowed
    assert scopes_for(closed, Action.JOBS_READ) == ()
    assert not may_grant(closed, Role.VIEWER, TENANT).allowed
    tabled = replace(await BY_ROLES.prepare(admin), authorizer=BY_ROLES)
    for action in (*Action, "jobs.dance"):
        assert authorize(tabled, action) == authorize(admin, action)
        assert may_somewhere(tabled, action) == may_somewhere(admin, action)
        assert scopes_for(tabled, action) == scopes_for(admin, action)


def test_grants_add_up_and_none_takes_away() -> None:
    holder = actor(Grant(Role.VIEWER), Grant(Role.OPERATOR, REPOSITORY))
    assert authorize(holder, Action.JOBS_CANCEL, REPOSITORY).allowed
    assert not authorize(holder, Action.JOBS_CANCEL).allowed
    assert authorize(holder, Action.JOBS_READ).allowed
    assert may_somewhere(holder, Action.JOBS_CANCEL).allowed


def test_nobody_gives_what_they_do_not_hold() -> None:
    admin_here = actor(Grant(Role.ADMIN, REPOSITORY))
    assert may_grant(admin_here, Role.OPERATOR, REPOSITORY).allowed
    assert not may_grant(admin_here, Role.VIEWER, TENANT).allowed
    assert not may_grant(actor(Grant(Role.MAINTAINER)), Role.VIEWER, TENANT).allowed
    assert may_grant(actor(Grant(Role.ADMIN)), Role.ADMIN, TENANT).allowed


def test_a_decision_takes_microseconds() -> None:
    holder = actor(Grant(Role.WORKER), Grant(Role.VIEWER, Scope.of_org("acme")))
    scope = Scope.of_repository("acme/shop")
    best = min(
        timeit.repeat(lambda: authorize(holder, "jobs.read", scope), number=20_000, repeat=5)
    )
    assert best / 20_000 < 20e-6
