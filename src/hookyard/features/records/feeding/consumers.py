"""Consumers of the feed: readers whose place is kept, by name.

    GET POST /v1/_consumers      GET DELETE /v1/_consumers/{name}
    GET /v1/_consumers/{name}/changes      POST /v1/_consumers/{name}/_ack

A consumer reads on from what it acknowledged. What was read and not acknowledged comes again, to
whichever of its processes asks next.
"""

import re
from collections.abc import Mapping

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, Role
from hookyard.features.records import store_changes
from hookyard.features.records.feed import Feed, wanted_of
from hookyard.features.records.feeding import bodies, store_consumers
from hookyard.features.records.feeding.model import Consumer
from hookyard.features.records.feeding.routes import Routes, routed
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.query.params import read_query
from hookyard.features.records.rules import lets_in, roles_of
from hookyard.features.records.shape import encode
from hookyard.features.records.store_changes import FeedHead
from hookyard.features.records.trouble import wrong
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import Conflict, Forbidden, NotFound
from hookyard.kit.json import Json

MOST = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_READ = frozenset({"limit", "wait", "entities"})


class Consumers:
    """Answers calls at `_consumers`."""

    def __init__(self, database: Database, feed: Feed, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._feed = feed
        self._audit = audit
        self._clock = clock
        self.routes: Routes = {
            "": {"GET": self._list, "POST": self._create},
            "*": {"GET": self._show, "DELETE": self._drop},
            "*/changes": {"GET": self._changes},
            "*/_ack": {"POST": self._acknowledge},
        }

    async def answer(self, call: Call) -> Reply:
        """The answer of a call, or a refusal raised."""
        await self._feed.admit(call.actor)
        return await routed(self.routes, call)

    async def _list(self, call: Call, _: str) -> Reply:
        read_query(call.query, frozenset())
        tenant = call.actor.tenant

        def work(unit: Unit) -> tuple[FeedHead, list[Consumer]]:
            unit.confine(tenant)
            return store_changes.head(unit, tenant), list(store_consumers.all_of(unit, tenant))

        head, found = await self._database.peek(work)
        return Reply(200, encode({"items": [_wire(one, head) for one in found]}), label="consumers")

    async def _create(self, call: Call, _: str) -> Reply:
        given = bodies.members(call.body, frozenset({"name", "after"}))
        name = bodies.text(given, "name", 63)
        if _NAME.fullmatch(name) is None:
            raise wrong("/name", "bad_name", "a name is 1 to 63 of a-z, 0-9 and -")
        actor, now_ms = call.actor, self._clock.now_ms()

        def work(unit: Unit) -> Reply:
            unit.confine(actor.tenant)
            head = store_changes.head(unit, actor.tenant)
            consumer = Consumer(
                actor.tenant, name, _within(given, "after", head) or 0, now_ms, actor.label, None
            )
            if store_consumers.count(unit, actor.tenant) >= MOST:
                raise Conflict(f"a tenant has {MOST} consumers at most", code="too_many_consumers")
            if not store_consumers.add(unit, consumer):
                raise Conflict("there is a consumer of this name", code="name_taken")
            self._record(unit, actor, "records.consumer.create", name, now_ms)
            headers = (("location", f"/v1/_consumers/{name}"),)
            return Reply(201, encode(_wire(consumer, head)), headers, "consumers")

        return await self._database.write(work)

    async def _show(self, call: Call, name: str) -> Reply:
        read_query(call.query, frozenset())
        consumer, head = await self._read(call.actor, name)
        return Reply(200, encode(_wire(consumer, head)), label="consumers")

    async def _drop(self, call: Call, name: str) -> Reply:
        actor, now_ms = call.actor, self._clock.now_ms()

        def work(unit: Unit) -> Reply:
            unit.confine(actor.tenant)
            _may_move(actor, _found(store_consumers.get(unit, actor.tenant, name)))
            store_consumers.drop(unit, actor.tenant, name)
            self._record(unit, actor, "records.consumer.delete", name, now_ms)
            return Reply(204, label="consumers")

        return await self._database.write(work)

    async def _changes(self, call: Call, name: str) -> Reply:
        params = read_query(call.query, _READ)
        consumer, _ = await self._read(call.actor, name)
        wanted = wanted_of(params, consumer.acked)
        return Reply(
            200, (await self._feed.told(call.actor, wanted, call.again)).body(), label="changes"
        )

    async def _acknowledge(self, call: Call, name: str) -> Reply:
        given = bodies.members(call.body, frozenset({"seq"}))
        actor, now_ms = call.actor, self._clock.now_ms()

        def work(unit: Unit) -> Reply:
            unit.confine(actor.tenant)
            _may_move(actor, _found(store_consumers.get(unit, actor.tenant, name)))
            head = store_changes.head(unit, actor.tenant)
            bodies.required(given, "seq")
            seq = _within(given, "seq", head) or 0
            store_consumers.acknowledge(unit, actor.tenant, name, seq, now_ms)
            consumer = _found(store_consumers.get(unit, actor.tenant, name))
            return Reply(200, encode(_wire(consumer, head)), label="ack")

        return await self._database.write(work)

    async def _read(self, actor: Actor, name: str) -> tuple[Consumer, FeedHead]:
        def work(unit: Unit) -> tuple[Consumer | None, FeedHead]:
            unit.confine(actor.tenant)
            consumer = store_consumers.get(unit, actor.tenant, name)
            return consumer, store_changes.head(unit, actor.tenant)

        consumer, head = await self._database.peek(work)
        return _found(consumer), head

    def _record(self, unit: Unit, actor: Actor, action: str, name: str, now_ms: int) -> None:
        unit.set_free()
        entry = AuditEntry(actor.label, action, f"_consumers/{name}", tenant=actor.tenant)
        self._audit.record(unit, entry, now_ms)


def _found(consumer: Consumer | None) -> Consumer:
    if consumer is None:
        raise NotFound("there is no such consumer")
    return consumer


def _may_move(actor: Actor, consumer: Consumer) -> None:
    """A place in the feed belongs to whoever made it; maintainers may move any."""
    if consumer.created_by == actor.label or lets_in((Role.MAINTAINER,), roles_of(actor)):
        return
    raise Forbidden("this consumer is somebody else's; it takes the role maintainer")


def _within(given: Mapping[str, Json], name: str, head: FeedHead) -> int | None:
    seq = bodies.whole(given, name)
    if seq is not None and seq > head.seq:
        raise wrong(f"/{name}", "out_of_range", f"the last change so far is {head.seq}")
    return seq


def _wire(consumer: Consumer, head: FeedHead) -> dict[str, object]:
    acked_at = consumer.acked_at_ms
    return {
        "name": consumer.name,
        "acked": consumer.acked,
        "head": head.seq,
        "lag": head.seq - consumer.acked,
        "missed": max(0, head.purged - consumer.acked),
        "created_at": to_rfc3339(consumer.created_at_ms),
        "created_by": consumer.created_by,
        "acked_at": None if acked_at is None else to_rfc3339(acked_at),
    }
