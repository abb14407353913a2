"""Subscriptions to the feed: changes sent on, to an address or to a sink that settings name.

    GET POST /v1/_subscriptions      GET PATCH DELETE /v1/_subscriptions/{id}
    POST /v1/_subscriptions/{id}/_rotate     POST /v1/_subscriptions/{id}/_replay
    GET /v1/_subscriptions/{id}/undelivered

Records leave the house by them, so they are for maintainers. A subscription sees what its `role`
may read, which is none above those of whoever gives it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeVar

from hookyard.adapters.database.port import Database, SqlValue, Unit
from hookyard.adapters.http.port import OutboundError, OutboundRefused
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, Role
from hookyard.features.records import store_changes
from hookyard.features.records.access import agree
from hookyard.features.records.feed import Feed, number_of
from hookyard.features.records.feeding import bodies, store_subscriptions
from hookyard.features.records.feeding.bell import CHANNEL
from hookyard.features.records.feeding.envelope import SECRET_BYTES, secret_of
from hookyard.features.records.feeding.model import (
    MAX_ENTITIES,
    MAX_OVERLAP_S,
    MAX_URL,
    OVERLAP_S,
    ROLES,
    WEBHOOK,
    Subscription,
    SubscriptionState,
)
from hookyard.features.records.feeding.ports import Seals, Web
from hookyard.features.records.feeding.routes import Routes, routed
from hookyard.features.records.feeding.rules import NOT_PUBLIC
from hookyard.features.records.feeding.secrets import place_of, read_secret
from hookyard.features.records.feeding.views import shown_aside, shown_subscription
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.query.params import read_query, whole
from hookyard.features.records.rules import bits, lets_in, roles_of
from hookyard.features.records.shape import encode
from hookyard.features.records.trouble import shown, wrong
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, Forbidden, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.json import JsonObject
from hookyard.kit.secret import Secret

T = TypeVar("T")
MOST = 50
_NEW = frozenset({"name", "url", "sink", "entities", "role", "after", "secret"})
_CHANGED = frozenset({"name", "url", "entities", "role", "state"})


@dataclass(frozen=True, slots=True)
class SubscriptionParts:
    """What the desk is made of. `sinks` are the names that may be subscribed."""

    database: Database
    feed: Feed
    audit: Audit
    seals: Seals
    web: Web
    sinks: Collection[str]
    ids: IdMaker
    clock: Clock
    random_bytes: Callable[[int], bytes]


class Subscriptions:
    """Answers calls at `_subscriptions`."""

    def __init__(self, parts: SubscriptionParts) -> None:
        self._parts = parts
        self.routes: Routes = {
            "": {"GET": self._list, "POST": self._create},
            "*": {"GET": self._show, "PATCH": self._change, "DELETE": self._drop},
            "*/_rotate": {"POST": self._rotate},
            "*/_replay": {"POST": self._replay},
            "*/undelivered": {"GET": self._undelivered},
        }

    async def answer(self, call: Call) -> Reply:
        """The answer of a call, or a refusal raised."""
        if not lets_in((Role.MAINTAINER,), roles_of(call.actor)):
            raise Forbidden("subscriptions take the role maintainer")
        agree(call.actor, "records.subscribe")
        return await routed(self.routes, call)

    async def _list(self, call: Call, _: str) -> Reply:
        read_query(call.query, frozenset())
        tenant = call.actor.tenant

        def work(unit: Unit) -> bytes:
            unit.confine(tenant)
            head = store_changes.head(unit, tenant)
            aside = store_subscriptions.aside_counts(unit, tenant)
            found = store_subscriptions.all_of(unit, tenant)
            items = [shown_subscription(one, head, aside.get(one.id, 0)) for one in found]
            return encode({"items": items})

        return Reply(200, await self._parts.database.read(work), label="subscriptions")

    async def _show(self, call: Call, name: str) -> Reply:
        read_query(call.query, frozenset())
        tenant = call.actor.tenant

        def work(unit: Unit) -> Reply:
            unit.confine(tenant)
            found = _found(store_subscriptions.get(unit, tenant, _id(name)))
            return self._told(unit, found)

        return await self._parts.database.read(work)

    async def _create(self, call: Call, _: str) -> Reply:
        given = bodies.members(call.body, _NEW)
        parts, actor, now_ms = self._parts, call.actor, self._parts.clock.now_ms()
        sink, url = await self._target(given)
        role = _role(given, actor)
        entities = await self._entities(given, role)
        secret: Secret | None = None
        if sink == WEBHOOK:
            text = bodies.text(given, "secret", 200)
            secret = read_secret(text) if text else self._fresh()
        elif "secret" in given:
            raise wrong("/secret", "unknown_field", "a sink has no secret")
        made = parts.ids.new(now_ms)
        after = bodies.whole(given, "after")
        await parts.seals.ready(actor.tenant)
        new = Subscription(
            actor.tenant, made, bodies.text(given, "name", 100), sink, url, entities, role,
            SubscriptionState.ACTIVE, "", 0, None, None, None, 0,
            None if secret is None else self._sealed(actor.tenant, made, secret), None, None,
            now_ms, actor.label, now_ms, None, "",
        )  # fmt: skip

        def work(unit: Unit) -> Reply:
            unit.confine(actor.tenant)
            if store_subscriptions.count(unit, actor.tenant) >= MOST:
                raise Conflict(f"a tenant has {MOST} at most", code="too_many_subscriptions")
            head = store_changes.head(unit, actor.tenant)
            if after is not None and after > head.seq:
                raise wrong("/after", "out_of_range", f"the last change so far is {head.seq}")
            stored = replace(new, acked=head.seq if after is None else after)
            store_subscriptions.add(unit, stored)
            body = shown_subscription(stored, head, 0)
            if secret is not None:
                body["secret"] = secret.reveal()
            self._record(unit, actor, "create", made)
            headers = (("location", f"/v1/_subscriptions/{made}"),)
            return Reply(201, encode(body), headers, "subscriptions")

        return await parts.database.write(work)

    async def _change(self, call: Call, name: str) -> Reply:
        given = bodies.members(call.body, _CHANGED)
        actor = call.actor
        values: dict[str, SqlValue] = {}
        if "name" in given:
            values["name"] = bodies.text(given, "name", 100)
        if "url" in given:
            values["url"] = (await self._target(given))[1]
        state = bodies.text(given, "state", 20)
        if state:
            if state not in tuple(SubscriptionState):
                raise wrong("/state", "not_in_enum", "state is active or paused")
            paused = state == SubscriptionState.PAUSED
            values |= {"state": state, "reason": f"by {actor.label}" if paused else ""}
        role = _role(given, actor) if "role" in given else None
        before = await self._read(actor, name)
        if "url" in given and before.sink != WEBHOOK:
            raise wrong("/url", "unknown_field", "a sink has no address")
        if role is not None or "entities" in given:
            listed = {"entities": list(before.entities), **given}
            entities = await self._entities(listed, role or before.role)
            values |= {"role": (role or before.role).value, "entities": encode(entities).decode()}

        def work(unit: Unit) -> Reply:
            found = self._own(unit, actor, name)
            # why: whoever sends now sees that another job is asked for, and stops.
            fresh: dict[str, SqlValue] = {"job_id": None, "in_a_row": 0}
            self._store(unit, found, values | fresh)
            reply = self._told(unit, _found(store_subscriptions.get(unit, actor.tenant, found.id)))
            self._record(unit, actor, "change", found.id)
            return reply

        return await self._parts.database.write(work)

    async def _drop(self, call: Call, name: str) -> Reply:
        actor = call.actor

        def work(unit: Unit) -> Reply:
            found = self._own(unit, actor, name)
            store_subscriptions.drop(unit, actor.tenant, found.id)
            self._record(unit, actor, "delete", found.id)
            return Reply(204, label="subscriptions")

        return await self._parts.database.write(work)

    async def _rotate(self, call: Call, name: str) -> Reply:
        given = bodies.members(call.body, frozenset({"secret", "overlap_s"}))
        text = bodies.text(given, "secret", 200)
        secret = read_secret(text) if text else self._fresh()
        overlap_s = bodies.whole(given, "overlap_s", MAX_OVERLAP_S)
        until_ms = self._parts.clock.now_ms() + 1000 * (
            OVERLAP_S if overlap_s is None else overlap_s
        )
        actor = call.actor
        before = await self._read(actor, name)
        if before.secret is None:
            raise wrong("", "unknown_field", "a sink has no secret")
        old = await self._parts.seals.unseal(place_of(actor.tenant, before.id), before.secret)
        await self._parts.seals.ready(actor.tenant)
        former = self._sealed(actor.tenant, before.id, Secret(old.decode()), "former")
        sealed = self._sealed(actor.tenant, before.id, secret)

        def work(unit: Unit) -> Reply:
            found = self._own(unit, actor, name)
            if found.secret != before.secret:
                raise Conflict("the secret was changed meanwhile")
            self._store(
                unit, found, {"secret": sealed, "former": former, "former_until_ms": until_ms}
            )
            self._record(unit, actor, "rotate", found.id)
            body = encode({"secret": secret.reveal(), "former_until_ms": until_ms})
            return Reply(200, body, label="subscriptions")

        return await self._parts.database.write(work)

    async def _replay(self, call: Call, name: str) -> Reply:
        given = bodies.members(call.body, frozenset({"from", "to"}))
        first, last = bodies.required(given, "from"), bodies.required(given, "to")
        actor = call.actor

        def work(unit: Unit) -> Reply:
            found = self._own(unit, actor, name)
            head = store_changes.head(unit, actor.tenant)
            if not head.purged < first <= last <= found.acked:
                raise wrong(
                    "/from", "out_of_range",
                    f"what can be sent again is {head.purged + 1} to {found.acked}",
                )  # fmt: skip
            if found.replay_next is not None:
                raise Conflict("a range is being sent again already", code="replay_under_way")
            self._store(unit, found, {"replay_next": first, "replay_to": last})
            reply = self._told(unit, _found(store_subscriptions.get(unit, actor.tenant, found.id)))
            self._record(unit, actor, "replay", found.id, {"from": first, "to": last})
            return replace(reply, status=202)

        return await self._parts.database.write(work)

    async def _undelivered(self, call: Call, name: str) -> Reply:
        params = read_query(call.query, frozenset({"after", "limit"}))
        after = number_of(params.get("after", "0"))
        limit = whole("limit", params["limit"], 1, 200) if "limit" in params else 50
        tenant = call.actor.tenant

        def work(unit: Unit) -> bytes:
            unit.confine(tenant)
            found = _found(store_subscriptions.get(unit, tenant, _id(name)))
            aside = store_subscriptions.aside(unit, tenant, found.id, after, limit)
            return encode({"items": [shown_aside(one) for one in aside]})

        return Reply(200, await self._parts.database.read(work), label="subscriptions")

    # --- parts of them ---

    async def _target(self, given: JsonObject) -> tuple[str, str]:
        """Sink and address. The address is looked up, and must not lead inside."""
        sink, url = bodies.text(given, "sink", 60), bodies.text(given, "url", MAX_URL)
        if bool(sink) == bool(url):
            raise wrong("/url", "required", "there must be either a url or a sink")
        if sink:
            if sink not in self._parts.sinks:
                raise wrong("/sink", "unknown_sink", f"there is no sink {shown(sink)}")
            return sink, ""
        try:
            await self._parts.web.check(url)
        except OutboundError as error:
            # why: what a name leads to inside is nobody's business out there.
            plain = isinstance(error, OutboundRefused) and error.code in ("url", "scheme")
            raise wrong("/url", "bad_url", str(error) if plain else NOT_PUBLIC) from None
        return WEBHOOK, url

    async def _entities(self, given: JsonObject, role: Role) -> tuple[str, ...]:
        listed = given.get("entities") or []
        if not isinstance(listed, list | tuple) or not all(isinstance(n, str) for n in listed):
            raise wrong("/entities", "wrong_type", "entities is a list of names")
        if len(listed) > MAX_ENTITIES:
            raise wrong("/entities", "too_long", f"{MAX_ENTITIES} entities at most")
        names = tuple(dict.fromkeys(str(name) for name in listed))
        await self._parts.feed.admit_roles(bits([role]), frozenset(names))
        return names

    async def _read(self, actor: Actor, name: str) -> Subscription:
        def work(unit: Unit) -> Subscription | None:
            unit.confine(actor.tenant)
            return store_subscriptions.get(unit, actor.tenant, _id(name))

        return _found(await self._parts.database.read(work))

    def _own(self, unit: Unit, actor: Actor, name: str) -> Subscription:
        """The subscription, locked; Forbidden where it sees more than the caller may."""
        unit.confine(actor.tenant)
        found = _found(store_subscriptions.get(unit, actor.tenant, _id(name), lock=True))
        _reach(found.role, actor)
        return found

    def _store(self, unit: Unit, found: Subscription, values: dict[str, SqlValue]) -> None:
        values["changed_at_ms"] = self._parts.clock.now_ms()
        store_subscriptions.change(unit, found.tenant, found.id, values)
        unit.after_commit(lambda: self._parts.database.announce(CHANNEL))

    def _told(self, unit: Unit, found: Subscription) -> Reply:
        head = store_changes.head(unit, found.tenant)
        aside = store_subscriptions.aside_counts(unit, found.tenant).get(found.id, 0)
        return Reply(200, encode(shown_subscription(found, head, aside)), label="subscriptions")

    def _fresh(self) -> Secret:
        return secret_of(self._parts.random_bytes(SECRET_BYTES))

    def _sealed(self, tenant: str, of: str, secret: Secret, column: str = "secret") -> bytes:
        return self._parts.seals.seal(place_of(tenant, of, column), secret.reveal().encode())

    def _record(
        self, unit: Unit, actor: Actor, what: str, of: str, detail: JsonObject | None = None
    ) -> None:
        unit.set_free()
        entry = AuditEntry(
            actor.label, f"records.subscription.{what}", f"_subscriptions/{of}",
            tenant=actor.tenant, detail=detail or {},
        )  # fmt: skip
        self._parts.audit.record(unit, entry, self._parts.clock.now_ms())


def _id(name: str) -> str:
    if not is_id(name):
        raise NotFound("there is no such subscription")
    return name


def _found(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise NotFound("there is no such subscription")
    return subscription


def _role(given: JsonObject, actor: Actor) -> Role:
    """The role whose view is sent: viewer unless another is named, and not above the caller's."""
    text = bodies.text(given, "role", 40) or Role.VIEWER.value
    if text not in ROLES:
        raise wrong("/role", "not_in_enum", "role is viewer, operator, maintainer or admin")
    role = Role(text)
    _reach(role, actor)
    return role


def _reach(role: Role, actor: Actor) -> None:
    if not lets_in((role,), roles_of(actor)):
        raise Forbidden(f"a subscription that sees what {role.value} sees takes that role")
