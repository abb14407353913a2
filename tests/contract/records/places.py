"""A gateway over one engine, and how tests speak to it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hookyard.adapters.database.port import Database, Unit
from hookyard.bootstrap.recording import Records
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.features.records import store_changes
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.schema.applying import Applying, silent
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.schema.service import Plan
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker


class StandingClock(ManualClock):
    """Stands still, and lets whoever waits for a moment go on with the next turn of the loop."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def an_actor(tenant: str = "acme", role: Role = Role.ADMIN, name: str = "bot") -> Actor:
    return Actor(
        ActorKind.SERVICE, f"jwt/{name}", tenant, (Grant(role, Scope(tenant=tenant)),), name
    )


@dataclass
class Place:
    """A gateway, and how the tests speak to it."""

    database: Database
    records: Records
    clock: StandingClock
    ids: IdMaker
    owner: Database | None = None

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        actor: Actor | None = None,
        key: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Reply:
        """One call; refusals are raised."""
        at, _, query = path.partition("?")
        return await self.records.gateway.answer(
            Call(
                method, tuple(at.removeprefix("/v1/").split("/")), query.encode(),
                actor or an_actor(), key, if_match, if_none_match, body,
            )
        )  # fmt: skip

    def planned(self, text: str) -> Callable[[Unit], Plan]:
        """What plans a file of declarations."""
        declared = read_entities(text.encode())
        return lambda unit: self.records.schemas.plan_file(unit, declared)

    def applying(self, tell: Callable[[str], None] = silent) -> Applying:
        """Who applies entities here."""
        database = self.owner or self.database
        return Applying(database, self.records.schemas, self.clock, tell)

    async def apply(self, text: str, *, allow_destructive: bool = False) -> Plan:
        """Apply a file of declarations."""
        plan = await self.applying().apply(
            self.planned(text), "test", allow_destructive=allow_destructive
        )
        self.records.catalog.announce()
        if self.owner is not None:
            await self.records.catalog.look()
        return plan


async def feed_head(place: Place) -> int:
    return (await place.database.read(lambda unit: store_changes.head(unit, "acme"))).seq
