"""What somebody does stands in the trail of their own tenant, whatever they did it to."""

from dataclasses import replace

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_model import GrantSource, NewGrant, Subject
from hookyard.core.identity.model import Actor, ActorKind, Grant, NewKey, Role, Scope
from hookyard.core.identity.service import ApiKeys
from hookyard.core.ingress.api import Trail
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

NORTH = Scope(tenant="north")
ADMIN = Actor(ActorKind.USER, "u1", "north", (Grant(Role.ADMIN, NORTH),), "North's admin")


class Room:
    """The rooms that people of a tenant act in."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database, self.clock = database, clock
        self.audit = Audit(ids)
        self.keys = ApiKeys(ids, self.audit, lambda _: None)
        self.grants = Grants(ids, self.audit, lambda: None)

    async def trail(self, tenant: str) -> list[tuple[str, str]]:
        """Actor and action of a tenant's entries, oldest first."""
        page = await self.database.read(
            lambda unit: self.audit.list_page(unit, AuditFilter(), None, 50, tenant)
        )
        return [(r.entry.actor, r.entry.action) for r in reversed(page.items)]


@pytest.fixture
def room(database: Database, clock: ManualClock, ids: IdMaker) -> Room:
    return Room(database, clock, ids)


async def test_keys_and_grants_of_a_tenant_stand_in_its_own_trail(room: Room) -> None:
    now_ms = room.clock.now_ms()
    someone = Subject(ActorKind.USER, "github:7", "north")

    def act(unit: Unit) -> None:
        made = room.keys.create(unit, NewKey("k", Role.VIEWER, NORTH), ADMIN, now_ms)
        room.keys.revoke(unit, made.key.id, ADMIN, now_ms)
        kept = room.grants.create(unit, NewGrant(someone, Role.VIEWER, NORTH), ADMIN, now_ms)
        room.grants.revoke(unit, kept.id, ADMIN, now_ms)
        room.grants.keep_in_step(
            unit, someone, GrantSource.TEAM, "acme/platform", [(Role.VIEWER, NORTH)], now_ms
        )

    await room.database.write(act)
    assert await room.trail("default") == []
    assert await room.trail("north") == [
        ("user:u1", "keys.create"),
        ("user:u1", "keys.revoke"),
        ("user:u1", "grants.create"),
        ("user:u1", "grants.revoke"),
        ("system:grants", "grants.create"),
    ]


async def test_what_is_done_to_a_delivery_stands_in_the_actor_s_trail(room: Room) -> None:
    trail = Trail(room.audit, room.clock)
    await room.database.write(lambda unit: trail(unit, ADMIN, "deliveries.replay", "d1"))
    other = replace(ADMIN, tenant="default")
    await room.database.write(lambda unit: trail(unit, other, "deliveries.replay", "d2"))
    assert await room.trail("north") == [("user:u1", "deliveries.replay")]
    assert await room.trail("default") == [("user:u1", "deliveries.replay")]
