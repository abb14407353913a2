"""A workload's token for a key, on every database: what it gives, and that nothing piles up."""

from dataclasses import replace

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store
from hookyard.core.identity.authenticate import ADMIN, Authenticator
from hookyard.core.identity.exchange import KEPT_MS, LIFETIME_S, SWEPT_AT_ONCE, Exchange
from hookyard.core.identity.keys import digest
from hookyard.core.identity.model import (
    Actor,
    ActorKind,
    CreatedKey,
    Grant,
    NewKey,
    Refused,
    Role,
    Scope,
)
from hookyard.core.identity.service import ApiKeys
from hookyard.core.repositories.service import apply_installation_event, find_repository
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Forbidden, Invalid
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject

SHOP = Scope.of_repository("acme/shop")
RUN = Actor(
    ActorKind.WORKLOAD,
    "1001/77001",
    "default",
    (Grant(Role.INGEST, SHOP),),
    "acme/shop",
    facts=(("sha", "a" * 40),),
)
BOTH = Actor(
    ActorKind.WORKLOAD,
    "1001/77002",
    "default",
    (Grant(Role.INGEST, SHOP), Grant(Role.MINT, Scope.of_org("acme"))),
)


class Room:
    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database = database
        self.clock = clock
        self.audit = Audit(ids)
        self.exchanges = Exchange(ids, self.audit, find_repository=find_repository)
        self.door = Authenticator(database, digest("an admin key chosen by hand"))
        self.keys = ApiKeys(ids, self.audit, self.door.forget)

    async def exchange(self, actor: Actor = RUN, role: Role | None = None) -> CreatedKey:
        now_ms = self.clock.now_ms()
        return await self.database.write(
            lambda unit: self.exchanges.exchange(unit, actor, role, now_ms)
        )

    async def knows(self, full_name: str, number: int) -> None:
        """The inventory learns of a repository."""
        owner, name = full_name.split("/")
        account = {"id": 7, "login": owner, "type": "Organization"}
        one = {"id": number, "full_name": full_name, "name": name, "private": False}
        body: JsonObject = {
            "installation": {"id": 5, "account": account, "repository_selection": "all"},
            "repositories": [one],
        }
        now_ms = self.clock.now_ms()
        await self.database.write(
            lambda u: apply_installation_event(u, "installation", "created", body, now_ms)
        )

    async def enter(self, token: str) -> Actor | Refused:
        return await self.door.authenticate(token, self.clock.now_ms())

    async def count(self) -> int:
        return len(await self.database.read(lambda unit: store.page(unit, "default", None, 500)))


@pytest.fixture
def room(database: Database, clock: ManualClock, ids: IdMaker) -> Room:
    return Room(database, clock, ids)


async def test_the_key_has_what_the_workload_has_for_an_hour(room: Room) -> None:
    made = await room.exchange()
    found = await room.enter(made.token)
    assert isinstance(found, Actor)
    assert (found.kind, found.grants) == (ActorKind.API_KEY, RUN.grants)
    room.clock.advance(LIFETIME_S)
    ended = await room.enter(made.token)
    assert isinstance(ended, Refused)
    assert ended.code == "expired"


async def test_a_key_follows_the_repository_whose_id_github_signed(room: Room) -> None:
    await room.knows("acme/shop", 2002)
    own = Scope.of_repository("acme/shop", repository_id=1001)
    made = await room.exchange(replace(RUN, grants=(Grant(Role.INGEST, own),)))
    found = await room.enter(made.token)
    assert isinstance(found, Actor)
    assert found.grants[0].scope.id == 1001


async def test_a_key_for_a_named_repository_is_bound_to_its_id_where_that_is_known(
    room: Room,
) -> None:
    named = replace(RUN, grants=(Grant(Role.MINT, Scope.of_repository("acme/other")),))
    unbound = await room.exchange(named)
    assert unbound.key.scope.id is None
    await room.knows("acme/other", 3003)
    made = await room.exchange(named)
    assert (made.key.scope.id, made.key.scope.name) == (3003, "acme/other")


async def test_the_key_can_be_revoked_like_any_other(room: Room) -> None:
    made = await room.exchange()
    now_ms = room.clock.now_ms()
    await room.database.write(lambda unit: room.keys.revoke(unit, made.key.id, ADMIN, now_ms))
    assert isinstance(await room.enter(made.token), Refused)


async def test_a_run_with_several_roles_names_one(room: Room) -> None:
    with pytest.raises(Invalid, match="ingest, mint"):
        await room.exchange(BOTH)
    assert (await room.exchange(BOTH, Role.MINT)).key.scope == Scope.of_org("acme")


async def test_a_role_that_is_not_held_is_refused(room: Room) -> None:
    with pytest.raises(Forbidden):
        await room.exchange(RUN, Role.ADMIN)
    assert await room.count() == 0


@pytest.mark.parametrize(
    "kind", [ActorKind.API_KEY, ActorKind.SERVICE, ActorKind.USER, ActorKind.ADMIN_KEY]
)
async def test_nobody_but_a_workload_exchanges(room: Room, kind: ActorKind) -> None:
    with pytest.raises(Forbidden):
        await room.exchange(Actor(kind, "x", "default", (Grant(Role.ADMIN),)))


async def test_the_trail_tells_of_the_run_and_not_of_the_token(room: Room) -> None:
    made = await room.exchange()
    page = await room.database.read(
        lambda unit: room.audit.list_page(unit, AuditFilter(), None, 10)
    )
    (line,) = page.items
    assert (line.entry.actor, line.entry.action) == ("workload:1001/77001", "keys.exchange")
    assert line.entry.detail["sha"] == "a" * 40
    assert made.token not in repr(line)
    assert made.token not in repr(made)


async def test_ended_keys_do_not_pile_up_and_others_stay(room: Room) -> None:
    now_ms = room.clock.now_ms()
    other = NewKey("by hand", Role.VIEWER, expires_at_ms=now_ms + 1_000)
    await room.database.write(lambda unit: room.keys.create(unit, other, ADMIN, now_ms))
    for _ in range(3):
        await room.exchange()
    room.clock.advance(LIFETIME_S + KEPT_MS // 1000 + 1)
    made = await room.exchange()
    left = await room.database.read(lambda unit: store.page(unit, "default", None, 500))
    assert {key.name for key in left} == {made.key.name, "by hand"}
    assert SWEPT_AT_ONCE > 1
