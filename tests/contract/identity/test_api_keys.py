"""API keys from their making to their end, on every database."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar, cast

import pytest
from sqlalchemy import update

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store
from hookyard.core.identity.authenticate import (
    ADMIN,
    MEMORY_MS,
    MEMORY_SIZE,
    TOUCH_EVERY_MS,
    Authenticator,
)
from hookyard.core.identity.budgets import CallBudget, CallRate
from hookyard.core.identity.keys import digest, make_token
from hookyard.core.identity.model import (
    Actor,
    ActorKind,
    CreatedKey,
    Grant,
    NewKey,
    Refused,
    Role,
    Scope,
    ScopeKind,
)
from hookyard.core.identity.service import ApiKeys
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker

T = TypeVar("T")
ADMIN_TOKEN = "an admin key chosen by hand"


class Room:
    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database = database
        self.clock = clock
        self.audit = Audit(ids)
        self.authenticator = Authenticator(database, digest(ADMIN_TOKEN))
        self.keys = ApiKeys(ids, self.audit, self.authenticator.forget)

    async def create(self, wanted: NewKey, actor: Actor = ADMIN) -> CreatedKey:
        now_ms = self.clock.now_ms()
        return await self.database.write(lambda unit: self.keys.create(unit, wanted, actor, now_ms))

    async def revoke(self, key_id: str, actor: Actor = ADMIN) -> None:
        now_ms = self.clock.now_ms()
        await self.database.write(lambda unit: self.keys.revoke(unit, key_id, actor, now_ms))

    async def enter(self, token: str) -> Actor | Refused:
        return await self.authenticator.authenticate(token, self.clock.now_ms())

    async def code(self, token: str) -> str:
        refused = await self.enter(token)
        assert isinstance(refused, Refused)
        return refused.code

    async def trail(self) -> list[tuple[str, str, str]]:
        page = await self.database.read(
            lambda unit: self.audit.list_page(unit, AuditFilter(), None, 50)
        )
        return [(r.entry.actor, r.entry.action, r.entry.target) for r in page.items]


@pytest.fixture
def room(database: Database, clock: ManualClock, ids: IdMaker) -> Room:
    return Room(database, clock, ids)


async def test_a_key_opens_exactly_what_it_was_made_for(room: Room) -> None:
    scope = Scope.of_repository("acme/shop")
    made = await room.create(NewKey("ci of the shop", Role.OPERATOR, scope))
    entered = await room.enter(made.token)
    assert entered == Actor(
        ActorKind.API_KEY,
        made.key.id,
        "default",
        (Grant(Role.OPERATOR, scope),),
        "ci of the shop",
    )
    assert await room.enter(made.token) == entered


async def test_the_secret_is_nowhere_but_in_the_answer(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    secret = made.token.split("_")[2]
    kept = await room.database.read(lambda unit: store.find(unit, made.key.id))
    assert kept is not None
    assert kept.token_sha256 == digest(made.token)
    for shown in (repr(made), repr(kept), str(made)):
        assert secret not in shown
        assert kept.token_sha256 not in shown


async def test_the_admin_key_enters_without_a_look_up(room: Room) -> None:
    assert await room.enter(ADMIN_TOKEN) is ADMIN
    assert await room.code(ADMIN_TOKEN + " ") == "malformed"


async def test_wrong_keys_are_refused_and_say_nothing_of_the_state(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    await room.revoke(made.key.id)
    forged = make_token(made.key.id, bytes(32))
    stranger = make_token(IdMaker().new(room.clock.now_ms()), bytes(32))
    assert await room.code(forged) == "wrong_secret"
    assert await room.code(stranger) == "unknown_key"
    assert await room.enter(forged) != await room.enter(made.token)
    for token in (forged, stranger, made.token[:-1] + "g", "nonsense"):
        refused = await room.enter(token)
        assert isinstance(refused, Refused)
        assert refused.detail == "the credential is not valid"


@pytest.mark.parametrize("token", ["", "\ud800", "\x00" * 10, "hky_" * 100, "🔑" * 40, "a" * 10**6])
async def test_strange_tokens_are_malformed(room: Room, token: str) -> None:
    assert await room.code(token) == "malformed"


async def test_a_wrong_checksum_never_reaches_the_database(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    await room.database.close()
    last = "0" if made.token[-1] != "0" else "1"
    assert await room.code(made.token[:-1] + last) == "checksum"


async def test_a_key_ends_when_it_expires_even_in_memory(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER, expires_at_ms=room.clock.now_ms() + 2000))
    assert isinstance(await room.enter(made.token), Actor)
    room.clock.advance(1.999)
    assert isinstance(await room.enter(made.token), Actor)
    room.clock.advance(0.001)
    assert await room.code(made.token) == "expired"


async def test_a_revoked_key_is_refused_at_once(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    assert isinstance(await room.enter(made.token), Actor)
    await room.revoke(made.key.id)
    assert await room.code(made.token) == "revoked"


async def test_a_key_revoked_by_another_process_ends_when_memory_does(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    assert isinstance(await room.enter(made.token), Actor)

    def elsewhere(unit: Unit) -> None:
        unit.run(update(store.API_KEYS).values(revoked_at_ms=room.clock.now_ms()))

    await room.database.write(elsewhere)
    room.clock.advance(MEMORY_MS / 1000 - 0.001)
    assert isinstance(await room.enter(made.token), Actor)
    room.clock.advance(0.001)
    assert await room.code(made.token) == "revoked"


class Interrupted:
    """The database, but what `meanwhile` does happens after a read and before its answer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.write = database.write
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, work: Callable[[Unit], T]) -> T:
        found = await self.database.read(work)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found


async def test_a_key_revoked_during_its_look_up_is_not_remembered(
    database: Database, clock: ManualClock, ids: IdMaker
) -> None:
    interrupted = Interrupted(database)
    room = Room(cast("Database", interrupted), clock, ids)
    made = await room.create(NewKey("x", Role.VIEWER))
    interrupted.meanwhile = lambda: room.revoke(made.key.id)
    assert isinstance(await room.enter(made.token), Actor)
    assert await room.code(made.token) == "revoked"


async def test_use_is_noted_at_most_once_a_minute(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))

    async def last_used() -> int | None:
        kept = await room.database.read(lambda unit: store.find(unit, made.key.id))
        assert kept is not None
        return kept.last_used_at_ms

    assert await last_used() is None
    await room.enter(made.token)
    first = room.clock.now_ms()
    assert await last_used() == first
    for _ in range(5):
        room.clock.advance((TOUCH_EVERY_MS - 1000) / 5000)
        await room.enter(made.token)
    assert await last_used() == first
    room.clock.advance(1.5)
    await room.enter(made.token)
    assert await last_used() == room.clock.now_ms()


async def test_memory_is_bounded(sqlite_database: Database, clock: ManualClock) -> None:
    room = Room(sqlite_database, clock, IdMaker())

    def many(unit: Unit) -> list[str]:
        now_ms = clock.now_ms()
        return [
            room.keys.create(unit, NewKey(f"k{n}", Role.VIEWER), ADMIN, now_ms).token
            for n in range(MEMORY_SIZE + 20)
        ]

    for token in await room.database.write(many):
        assert isinstance(await room.enter(token), Actor)
    assert len(room.authenticator._memory) == MEMORY_SIZE


async def test_nobody_makes_a_key_stronger_than_themselves(room: Room) -> None:
    shop = Scope.of_repository("acme/shop")
    admin_here = Actor(ActorKind.API_KEY, "k", "default", (Grant(Role.ADMIN, shop),))
    assert (await room.create(NewKey("ok", Role.MAINTAINER, shop), admin_here)).token
    for wanted, actor in (
        (NewKey("wide", Role.VIEWER), admin_here),
        (NewKey("other", Role.VIEWER, Scope.of_repository("acme/other")), admin_here),
        (NewKey("x", Role.VIEWER), Actor(ActorKind.API_KEY, "m", "default", (Grant(Role.MINT),))),
        (NewKey("x", Role.ADMIN), Actor(ActorKind.USER, "u", "default", (Grant(Role.AUDITOR),))),
        (NewKey("x", Role.VIEWER, Scope(tenant="other")), ADMIN),
    ):
        with pytest.raises(Forbidden):
            await room.create(wanted, actor)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (NewKey("", Role.VIEWER), "bad_name"),
        (NewKey("x" * 101, Role.VIEWER), "bad_name"),
        (NewKey("a\x00b", Role.VIEWER), "bad_name"),
        (NewKey("a\u202eb", Role.VIEWER), "bad_name"),
        (NewKey("x", Role.VIEWER, expires_at_ms=1), "bad_expiry"),
        (NewKey("x", Role.VIEWER, expires_at_ms=2**70), "bad_expiry"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.REPOSITORY, "acme")), "bad_scope"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.REPOSITORY, "acme/")), "bad_scope"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.REPOSITORY, "ACME/shop")), "bad_scope"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.ORG, "")), "bad_scope"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.ORG, "a/b")), "bad_scope"),
        (NewKey("x", Role.VIEWER, Scope(ScopeKind.TENANT, "acme")), "bad_scope"),
    ],
)
async def test_a_key_that_cannot_be_is_refused(room: Room, wanted: NewKey, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await room.create(wanted)
    assert refused.value.problem_code == code
    assert await room.trail() == []


async def test_keys_are_listed_newest_first_without_their_secrets(room: Room) -> None:
    made = [(await room.create(NewKey(f"k{n}", Role.VIEWER))).key.id for n in range(3)]
    auditor = Actor(ActorKind.USER, "u", "default", (Grant(Role.AUDITOR),))
    first = await room.database.read(lambda unit: room.keys.list_page(unit, auditor, None, 2))
    second = await room.database.read(
        lambda unit: room.keys.list_page(unit, auditor, first.next_cursor, 2)
    )
    assert [key.id for key in (*first.items, *second.items)] == made[::-1]
    assert second.next_cursor is None
    viewer = Actor(ActorKind.USER, "u", "default", (Grant(Role.VIEWER),))
    with pytest.raises(Forbidden):
        await room.database.read(lambda unit: room.keys.list_page(unit, viewer, None, 2))


async def test_other_tenants_see_and_end_nothing(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    scope = Scope(tenant="other")
    foreign = Actor(ActorKind.USER, "u", "other", (Grant(Role.ADMIN, scope),))
    listed = await room.database.read(lambda unit: room.keys.list_page(unit, foreign, None, 9))
    assert listed.items == ()
    for key_id in (made.key.id, "nothing", "\x00", "z" * 26):
        with pytest.raises(NotFound):
            await room.revoke(key_id, foreign)
    assert isinstance(await room.enter(made.token), Actor)


async def test_making_and_ending_leave_a_trail(room: Room) -> None:
    made = await room.create(NewKey("x", Role.VIEWER))
    await room.revoke(made.key.id)
    await room.revoke(made.key.id)
    assert await room.trail() == [
        ("admin_key:admin", "keys.revoke", f"api_key:{made.key.id}"),
        ("admin_key:admin", "keys.create", f"api_key:{made.key.id}"),
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        NewKey("wide", Role.VIEWER),
        NewKey("other", Role.VIEWER, kinds=("agent.task", "deploy"), lanes=("bulk",)),
        NewKey("no lane", Role.VIEWER, kinds=("agent.task",)),
        NewKey("more", Role.VIEWER, kinds=("agent.task",), lanes=("bulk",), max_leases=3),
        NewKey("endless", Role.VIEWER, kinds=("agent.task",), lanes=("bulk",)),
    ],
)
async def test_a_restricted_key_makes_no_freer_one(room: Room, wanted: NewKey) -> None:
    """Attack: a key for one kind of job makes itself a key for all."""
    narrow = replace(ADMIN, kinds=("agent.task",), lanes=("bulk",), max_leases=2)
    with pytest.raises(Forbidden, match="restrict"):
        await room.create(wanted, narrow)
    await room.create(
        NewKey("same", Role.VIEWER, kinds=("agent.task",), lanes=("bulk",), max_leases=2), narrow
    )


@pytest.mark.parametrize(
    "calls", [None, CallRate(0, 1), CallRate(3, 10), CallRate(2, 11), CallRate(0, 10)]
)
async def test_who_may_call_seldom_makes_no_key_that_calls_oftener(
    room: Room, calls: CallRate | None
) -> None:
    """Attack: get more calls by a new key."""
    slow = replace(ADMIN, budget=CallBudget("slow", CallRate(2, 10)))
    with pytest.raises(Forbidden, match="2 calls a second"):
        await room.create(NewKey("fast", Role.VIEWER, calls=calls), slow)
    made = await room.create(NewKey("slow", Role.VIEWER, calls=CallRate(1.5, 10)), slow)
    found = await room.enter(made.token)
    assert isinstance(found, Actor)
    assert found.budget == CallBudget(f"default/api_key:{made.key.id}", CallRate(1.5, 10))
