"""Grants from their giving to their end, and scopes that follow renamed repositories."""

import asyncio

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_grants
from hookyard.core.identity.access import explain_to, subject_actor
from hookyard.core.identity.authenticate import ADMIN, Authenticator
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_memory import MEMORY_MS, MEMORY_SIZE, GrantMemory
from hookyard.core.identity.grants_model import (
    GrantFilter,
    GrantSource,
    KeptGrant,
    NewGrant,
    Subject,
)
from hookyard.core.identity.keys import digest
from hookyard.core.identity.model import (
    Action,
    Actor,
    ActorKind,
    CreatedKey,
    Grant,
    NewKey,
    Role,
    Scope,
    ScopeKind,
)
from hookyard.core.identity.rules import authorize
from hookyard.core.identity.service import ApiKeys
from hookyard.core.repositories.service import apply_installation_event, find_repository
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker

ALICE = Subject(ActorKind.USER, "github:1")
WHOLE = Scope()
SHOP = Scope.of_repository("acme/shop")


class Room:
    """Grants and keys beside an inventory of repositories."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database = database
        self.clock = clock
        self.audit = Audit(ids)
        self.memory = GrantMemory(database, clock)
        self.grants = Grants(ids, self.audit, self.memory.tell, find_repository)
        self.authenticator = Authenticator(database, digest("an admin key chosen by hand"))
        self.keys = ApiKeys(
            ids, self.audit, self.authenticator.forget, find_repository=find_repository
        )

    async def give(
        self,
        role: Role,
        scope: Scope = WHOLE,
        subject: Subject = ALICE,
        by: Actor = ADMIN,
        expires_at_ms: int | None = None,
    ) -> KeptGrant:
        new = NewGrant(subject, role, scope, expires_at_ms)
        now_ms = self.clock.now_ms()
        return await self.database.write(lambda u: self.grants.create(u, new, by, now_ms))

    async def take(self, grant_id: str, by: Actor = ADMIN) -> KeptGrant:
        now_ms = self.clock.now_ms()
        return await self.database.write(lambda u: self.grants.revoke(u, grant_id, by, now_ms))

    async def key(self, role: Role, scope: Scope) -> CreatedKey:
        now_ms = self.clock.now_ms()
        new = NewKey("k", role, scope)
        return await self.database.write(lambda u: self.keys.create(u, new, ADMIN, now_ms))

    async def alice(self) -> Actor:
        return Actor(ActorKind.USER, ALICE.id, ALICE.tenant, await self.memory.grants_of(ALICE))

    async def may(self, action: str, scope: Scope) -> bool:
        return authorize(await self.alice(), action, scope).allowed

    async def learn(self, repository_id: int, full_name: str, at: str, action: str = "") -> None:
        """An event about a repository arrives."""
        body = {
            "installation": {"id": 5},
            "repository": {
                "id": repository_id,
                "full_name": full_name,
                "private": True,
                "default_branch": "main",
                "updated_at": at,
            },
        }
        now_ms = self.clock.now_ms()
        await self.database.write(
            lambda u: apply_installation_event(u, "repository", action or None, body, now_ms)
        )
        self.clock.advance(MEMORY_MS / 1000)

    async def trail(self) -> list[tuple[str, str, str]]:
        page = await self.database.read(
            lambda unit: self.audit.list_page(unit, AuditFilter(), None, 50)
        )
        return [(r.entry.actor, r.entry.action, r.entry.target) for r in page.items]

    async def listed(self, by: Actor = ADMIN, **wanted: object) -> list[KeptGrant]:
        chosen = GrantFilter(**wanted)  # type: ignore[arg-type]
        page = await self.database.read(lambda u: self.grants.list_page(u, by, chosen, None, 50))
        return list(page.items)


@pytest.fixture
async def room(database: Database, clock: ManualClock, ids: IdMaker) -> Room:
    return Room(database, clock, ids)


def holding(role: Role, scope: Scope, tenant: str = "default") -> Actor:
    return Actor(ActorKind.API_KEY, "k", tenant, (Grant(role, scope),))


async def test_a_grant_counts_from_the_moment_it_is_given_until_it_is_taken(room: Room) -> None:
    assert not await room.may(Action.JOBS_CANCEL, SHOP)
    kept = await room.give(Role.OPERATOR, Scope.of_org("acme"))
    assert await room.may(Action.JOBS_CANCEL, SHOP)
    assert not await room.may(Action.JOBS_CANCEL, Scope.of_repository("other/shop"))
    assert (await room.take(kept.id)) == kept
    assert not await room.may(Action.JOBS_CANCEL, SHOP)
    assert await room.trail() == [
        ("admin_key:admin", "grants.revoke", "user:github:1"),
        ("admin_key:admin", "grants.create", "user:github:1"),
    ]


async def test_who_is_warm_costs_no_query(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.give(Role.VIEWER)
    asked = 0
    real = store_grants.of_subject

    def counted(*given: object) -> list[KeptGrant]:
        nonlocal asked
        asked += 1
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store_grants, "of_subject", counted)
    for _ in range(50):
        assert await room.may(Action.JOBS_READ, SHOP)
    assert asked == 1
    room.clock.advance(MEMORY_MS / 1000)
    await room.alice()
    assert asked == 2


async def test_another_process_hears_of_a_change(room: Room) -> None:
    other = GrantMemory(room.database, room.clock)
    assert await other.grants_of(ALICE) == ()
    await room.give(Role.VIEWER)
    assert await other.grants_of(ALICE) == (Grant(Role.VIEWER),)


async def test_a_grant_ends_on_time_whatever_is_remembered(room: Room) -> None:
    await room.give(Role.VIEWER, expires_at_ms=room.clock.now_ms() + 1_000)
    assert await room.may(Action.JOBS_READ, SHOP)
    room.clock.advance(1)
    assert not await room.may(Action.JOBS_READ, SHOP)
    assert len(await room.listed()) == 1


async def test_a_change_during_a_look_up_is_not_remembered_as_old(room: Room) -> None:
    for _ in range(10):
        kept, _ = await asyncio.gather(room.give(Role.VIEWER), room.alice())
        assert await room.may(Action.JOBS_READ, SHOP)
        await asyncio.gather(room.take(kept.id), room.alice())
        assert not await room.may(Action.JOBS_READ, SHOP)


async def test_the_memory_is_bounded(room: Room) -> None:
    for n in range(MEMORY_SIZE + 10):
        await room.memory.grants_of(Subject(ActorKind.USER, f"u{n}"))
    assert len(room.memory._held) == MEMORY_SIZE


async def test_the_same_grant_twice_is_one_with_the_new_expiry(room: Room) -> None:
    first = await room.give(Role.VIEWER, SHOP)
    again = await room.give(Role.VIEWER, SHOP)
    assert again == first
    ending = await room.give(Role.VIEWER, SHOP, expires_at_ms=room.clock.now_ms() + 5_000)
    assert (ending.id, ending.expires_at_ms) == (first.id, room.clock.now_ms() + 5_000)
    assert len(await room.listed()) == 1
    assert len(await room.trail()) == 2


async def test_nobody_gives_what_they_do_not_hold(room: Room) -> None:
    lower = holding(Role.MAINTAINER, Scope())
    narrow = holding(Role.ADMIN, SHOP)
    foreign = holding(Role.ADMIN, Scope(tenant="other"), "other")
    for by, role, scope in (
        (lower, Role.VIEWER, SHOP),
        (narrow, Role.VIEWER, Scope.of_org("acme")),
        (narrow, Role.ADMIN, Scope()),
        (foreign, Role.VIEWER, SHOP),
    ):
        with pytest.raises(Forbidden):
            await room.give(role, scope, by=by)
    await room.give(Role.ADMIN, SHOP, by=narrow)
    assert len(await room.listed()) == 1


async def test_a_grant_of_another_tenant_or_scope_is_not_there(room: Room) -> None:
    kept = await room.give(Role.VIEWER, SHOP)
    for by in (holding(Role.ADMIN, Scope(tenant="other"), "other"),
               holding(Role.ADMIN, Scope.of_repository("acme/other"))):  # fmt: skip
        with pytest.raises(NotFound):
            await room.take(kept.id, by)
    with pytest.raises(NotFound):
        await room.take("nonsense")
    with pytest.raises(Forbidden):
        await room.take(kept.id, holding(Role.AUDITOR, SHOP))
    assert await room.listed() == [kept]


async def test_lists_show_a_scope_to_those_who_hold_it_there(room: Room) -> None:
    kept = await room.give(Role.VIEWER, SHOP)
    await room.give(Role.VIEWER)
    narrow = holding(Role.ADMIN, SHOP)
    assert await room.listed(narrow, scope=SHOP) == [kept]
    with pytest.raises(Forbidden):
        await room.listed(narrow)
    with pytest.raises(Forbidden):
        await room.listed(narrow, scope=Scope.of_org("acme"))
    assert await room.listed(role=Role.VIEWER, subject=ALICE, scope=SHOP) == [kept]
    assert await room.listed(role=Role.ADMIN) == []


@pytest.mark.parametrize(
    ("subject", "scope", "code"),
    [
        (Subject(ActorKind.API_KEY, "x"), SHOP, "bad_subject"),
        (Subject(ActorKind.SYSTEM, "x"), SHOP, "bad_subject"),
        (Subject(ActorKind.USER, ""), SHOP, "bad_subject"),
        (Subject(ActorKind.USER, "a b"), SHOP, "bad_subject"),
        (Subject(ActorKind.USER, "a\x00"), SHOP, "bad_subject"),
        (Subject(ActorKind.USER, "a" * 201), SHOP, "bad_subject"),
        (ALICE, Scope(ScopeKind.REPOSITORY, "acme"), "bad_scope"),
        (ALICE, Scope(ScopeKind.CAMPAIGN, ""), "bad_scope"),
    ],
)
async def test_bad_grants_are_refused(
    room: Room, subject: Subject, scope: Scope, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await room.give(Role.VIEWER, scope, subject)
    assert refused.value.problem_code == code


async def test_an_expiry_lies_in_the_future(room: Room) -> None:
    with pytest.raises(Invalid, match="future"):
        await room.give(Role.VIEWER, expires_at_ms=room.clock.now_ms())


async def test_what_a_source_gives_is_kept_in_step(room: Room) -> None:
    manual = await room.give(Role.VIEWER)

    async def step(*wanted: tuple[Role, Scope]) -> bool:
        now_ms = room.clock.now_ms()
        return await room.database.write(
            lambda u: room.grants.keep_in_step(
                u, ALICE, GrantSource.TEAM, "acme/platform", wanted, now_ms
            )
        )

    assert await step((Role.OPERATOR, SHOP), (Role.MAINTAINER, Scope.of_org("acme")))
    assert not await step((Role.OPERATOR, SHOP), (Role.MAINTAINER, Scope.of_org("acme")))
    assert await room.may(Action.JOBS_CANCEL, SHOP)
    assert await step((Role.OPERATOR, SHOP))
    assert not await room.may(Action.CONFIG_WRITE, SHOP)
    assert await step()
    assert not await room.may(Action.JOBS_CANCEL, SHOP)
    assert await room.listed() == [manual]
    assert len(await room.trail()) == 5


async def test_a_grant_and_a_key_follow_a_renamed_repository(room: Room) -> None:
    await room.learn(7, "Acme/Shop", "2026-01-01T00:00:00Z")
    kept = await room.give(Role.OPERATOR, SHOP)
    made = await room.key(Role.OPERATOR, SHOP)
    assert (kept.scope.id, made.key.scope.id) == (7, 7)
    await room.learn(7, "Acme/Store", "2026-02-01T00:00:00Z", "renamed")
    store, shop = Scope.of_repository("acme/store"), SHOP
    key = await room.authenticator.authenticate(made.token, room.clock.now_ms())
    assert isinstance(key, Actor)
    for holder in (key, await room.alice()):
        assert authorize(holder, Action.JOBS_CANCEL, store).allowed
        assert not authorize(holder, Action.JOBS_CANCEL, shop).allowed


async def test_the_next_repository_of_that_name_gets_nothing(room: Room) -> None:
    """Attack: take the name that a repository gave up, to be given what was granted over it."""
    await room.learn(7, "acme/shop", "2026-01-01T00:00:00Z")
    await room.give(Role.OPERATOR, SHOP)
    made = await room.key(Role.OPERATOR, SHOP)
    await room.learn(8, "acme/shop", "2026-03-01T00:00:00Z", "created")
    key = await room.authenticator.authenticate(made.token, room.clock.now_ms())
    assert isinstance(key, Actor)
    for holder in (key, await room.alice()):
        assert not authorize(holder, Action.JOBS_CANCEL, SHOP).allowed
        theirs = Scope.of_repository("acme/shop", repository_id=8)
        assert not authorize(holder, Action.JOBS_CANCEL, theirs).allowed
    assert [str(kept.scope) for kept in await room.listed()] == ["repo:#7"]
    await room.learn(7, "acme/shop-old", "2026-03-02T00:00:00Z", "renamed")
    assert await room.may(Action.JOBS_CANCEL, Scope.of_repository("acme/shop-old"))


async def test_two_repositories_may_swap_their_names(room: Room) -> None:
    await room.learn(7, "acme/a", "2026-01-01T00:00:00Z")
    await room.learn(8, "acme/b", "2026-01-01T00:00:00Z")
    await room.give(Role.OPERATOR, Scope.of_repository("acme/a"))
    await room.give(Role.VIEWER, Scope.of_repository("acme/b"))
    await room.learn(7, "acme/c", "2026-01-02T00:00:00Z", "renamed")
    await room.learn(8, "acme/a", "2026-01-03T00:00:00Z", "renamed")
    await room.learn(7, "acme/b", "2026-01-04T00:00:00Z", "renamed")
    assert await room.may(Action.JOBS_CANCEL, Scope.of_repository("acme/b"))
    assert not await room.may(Action.JOBS_CANCEL, Scope.of_repository("acme/a"))
    assert await room.may(Action.JOBS_READ, Scope.of_repository("acme/a"))


async def test_a_late_event_takes_no_name_away(room: Room) -> None:
    await room.learn(8, "acme/shop", "2026-03-01T00:00:00Z")
    kept = await room.give(Role.OPERATOR, SHOP)
    await room.learn(7, "acme/shop", "2026-01-01T00:00:00Z")
    assert (await room.listed())[0].scope == kept.scope
    assert await room.may(Action.JOBS_CANCEL, SHOP)


async def test_a_grant_by_name_alone_is_bound_when_the_repository_is_first_seen(
    room: Room,
) -> None:
    assert (await room.give(Role.VIEWER, SHOP)).scope.id is None
    await room.learn(9, "acme/shop", "2026-01-01T00:00:00Z")
    assert (await room.listed())[0].scope.id == 9


async def test_a_former_name_is_granted_as_the_present_one(room: Room) -> None:
    await room.learn(7, "acme/shop", "2026-01-01T00:00:00Z")
    await room.learn(7, "acme/store", "2026-02-01T00:00:00Z", "renamed")
    kept = await room.give(Role.VIEWER, SHOP)
    assert (kept.scope.id, kept.scope.name) == (7, "acme/store")


async def test_an_explanation_names_the_grant_or_what_is_missing(room: Room) -> None:
    team = Subject(ActorKind.USER, "github:2")
    kept = await room.give(Role.OPERATOR, Scope.of_org("acme"))
    await room.give(Role.ADMIN, Scope.of_org("acme"), team)
    made = await room.key(Role.VIEWER, SHOP)
    now_ms = room.clock.now_ms()

    async def told(label: str, action: str, scope: Scope) -> tuple[bool, str, tuple[str, ...]]:
        whom = await room.database.read(lambda u: subject_actor(u, ADMIN, label, now_ms))
        found = await room.database.read(
            lambda u: explain_to(u, whom, action, scope, find_repository, now_ms)
        )
        by = found.found.by
        return found.found.decision.allowed, "" if by is None else by.id, found.granters

    assert await told("user:github:1", Action.JOBS_CANCEL, SHOP) == (True, kept.id, ())
    granters = ("user:github:2", "admin_key:admin")
    assert await told("user:github:1", Action.CONFIG_WRITE, SHOP) == (False, "", granters)
    nobody = await told("service:ci", Action.JOBS_READ, Scope())
    assert nobody == (False, "", ("admin_key:admin",))
    assert await told(f"api_key:{made.key.id}", Action.JOBS_READ, SHOP) == (True, made.key.id, ())
    await room.database.write(lambda u: room.keys.revoke(u, made.key.id, ADMIN, now_ms))
    assert not (await told(f"api_key:{made.key.id}", Action.JOBS_READ, SHOP))[0]
    for label in ("api_key:nonsense", "system:x"):
        with pytest.raises(NotFound):
            await told(label, Action.JOBS_READ, SHOP)
