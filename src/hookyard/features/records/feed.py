"""The feed of changes as it is read: `GET /v1/_changes?after=SEQ&limit=N&wait=S&entities=A,B`.

A reader sees the changes of entities it may read, without the fields kept from it. Where it has
read up to is its own to keep: `next_after` of the last page. With `wait` the answer is put off
until there is something to tell, as many seconds at most.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.records import store_changes
from hookyard.features.records.access import agree
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.feeding.bell import Bell
from hookyard.features.records.query.params import read_query, whole
from hookyard.features.records.rules import roles_of
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import Shape, encode
from hookyard.features.records.store_changes import FeedHead, Numbered
from hookyard.features.records.trouble import shown, wrong
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import Forbidden, Gone, HookyardError
from hookyard.kit.pages import DEFAULT_LIMIT
from hookyard.kit.streaming import BEAT

MAX_CHANGES = 500
MAX_WAIT_S = 60
AT_ONCE = 100
BEAT_S = 15.0
LIFE_S = 900.0
RETRY_MS = 1_000
KNOWN = frozenset({"after", "limit", "wait", "entities"})
_decode = msgspec.json.Decoder().decode

Again = Callable[[], Awaitable[Actor]]
"""Who the caller is by now; Unauthenticated once the credential is over."""


@dataclass(frozen=True, slots=True)
class Told:
    """Changes as they are told; `last` is the number that was read up to, `head` the last there
    is."""

    items: list[dict[str, object]]
    last: int
    head: int

    def body(self) -> bytes:
        """A page of it."""
        return encode({"items": self.items, "next_after": self.last, "head": self.head})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks for. `entities` is empty for all of them."""

    after: int = 0
    limit: int = DEFAULT_LIMIT
    wait_s: int = 0
    entities: frozenset[str] = frozenset()


class Feed:
    """Reads the feed of the caller's tenant."""

    def __init__(self, database: Database, catalog: Catalog, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self.bell = Bell(database, clock)

    async def page(self, actor: Actor, query: bytes, again: Again | None = None) -> bytes:
        """Changes after a number, as they are answered."""
        return (await self.told(actor, wanted_of(read_query(query, KNOWN)), again)).body()

    async def told(self, actor: Actor, wanted: Wanted, again: Again | None = None) -> Told:
        """Changes after a number; the answer waits for the first of them as long as it may."""
        found = await self.read(actor, wanted)
        if found.items or not wanted.wait_s:
            return found
        until = self._clock.monotonic() + wanted.wait_s
        with self.bell.seat(actor):
            while not found.items:
                left_s = until - self._clock.monotonic()
                if left_s <= 0 or not await self.bell.passed(actor.tenant, found.last, left_s):
                    break
                if again is not None:
                    actor = await again()
                found = await self.read(actor, Wanted(found.last, wanted.limit, 0, wanted.entities))
        return found

    async def follow(
        self, actor: Actor, query: bytes, last_id: str | None, again: Again
    ) -> AsyncGenerator[bytes, None]:
        """The feed as server-sent events, from `after` or the last event a reader got. Ends when
        the credential does, the process does, or after `LIFE_S`; who reads on comes again.

        # spec: HTML, 9.2: an event without data is not given to the reader, but its id is kept.
        """
        wanted = wanted_of(
            read_query(query, frozenset({"after", "entities"})),
            None if last_id is None else number_of(last_id, "/header/last-event-id"),
        )
        after, until = wanted.after, self._clock.monotonic() + LIFE_S
        with self.bell.seat(actor):
            found = await self.read(actor, Wanted(after, AT_ONCE, 0, wanted.entities))
            yield b"retry: %d\n\n" % RETRY_MS
            while self._clock.monotonic() < until:
                if found.last > after:
                    yield events(found)
                    after = found.last
                if found.last >= found.head and not await self.bell.passed(
                    actor.tenant, after, BEAT_S
                ):
                    if self.bell.closed:
                        return
                    yield BEAT
                try:
                    actor = await again()
                    found = await self.read(actor, Wanted(after, AT_ONCE, 0, wanted.entities))
                except HookyardError as over:
                    yield b"event: end\ndata: %s\n\n" % encode({"code": over.problem_code})
                    return

    async def read(self, actor: Actor, wanted: Wanted) -> Told:
        """Changes after a number, as far as there are any."""
        agree(actor, "records.read")
        await self._catalog.look()
        roles = roles_of(actor)
        readable = self.readable(roles, wanted.entities)

        def work(unit: Unit) -> tuple[FeedHead, list[Numbered]]:
            unit.confine(actor.tenant)
            head = store_changes.head(unit, actor.tenant)
            return head, store_changes.after(unit, actor.tenant, wanted.after, wanted.limit)

        head, found = await self._database.peek(work)
        if wanted.after < head.purged:
            raise Gone(f"changes up to {head.purged} are kept no longer; read the records again")
        last = found[-1].seq if found else wanted.after
        items = [told for one in found if (told := wire(one, readable, roles)) is not None]
        return Told(items, last, head.seq)

    async def admit(self, actor: Actor) -> None:
        """Forbidden for who may read no entity at all."""
        agree(actor, "records.read")
        await self.admit_roles(roles_of(actor), frozenset())

    async def admit_roles(self, roles: int, entities: frozenset[str]) -> Mapping[str, Shape]:
        """The entities that holders of these roles may see, out of those asked for; Forbidden,
        or Invalid for one that is not there."""
        await self._catalog.look()
        return self.readable(roles, entities)

    def readable(self, roles: int, entities: frozenset[str] = frozenset()) -> Mapping[str, Shape]:
        """The entities whose changes holders of these roles may see, out of those asked for.
        Forbidden when there are none."""
        found = {
            name: shape
            for name, shape in self._catalog.shapes.items()
            if Operation.READ in shape.access(roles).operations
        }
        if not found:
            raise Forbidden("none of the roles held may read any entity")
        for name in entities:
            if name not in self._catalog.shapes:
                raise wrong("/entities", "unknown_entity", f"there is no entity {shown(name)}")
            if name not in found:
                raise Forbidden(f"none of the roles held may read {name}")
        return {name: found[name] for name in entities} if entities else found


def wanted_of(params: Mapping[str, str], after: int | None = None) -> Wanted:
    """The parameters of a read; `after` is where it begins, if that is known otherwise."""
    limit, wait_s = DEFAULT_LIMIT, 0
    if "limit" in params:
        limit = whole("limit", params["limit"], 1, MAX_CHANGES)
    if "wait" in params:
        wait_s = whole("wait", params["wait"], 0, MAX_WAIT_S)
    names = frozenset(name for name in params.get("entities", "").split(",") if name)
    if after is None:
        after = number_of(params.get("after", "0"))
    return Wanted(after, limit, wait_s, names)


def wire(found: Numbered, readable: Mapping[str, Shape], roles: int) -> dict[str, object] | None:
    """A change as it is told to holders of some roles; None when it is not for them."""
    change = found.change
    shape = readable.get(change.aggregatetype)
    if shape is None:
        return None
    return {
        "seq": found.seq,
        "id": change.id,
        "aggregatetype": change.aggregatetype,
        "aggregateid": change.aggregateid,
        "type": change.type,
        "at": to_rfc3339(change.at_ms),
        "actor": change.actor,
        "payload": _payload(change.payload, shape, roles),
    }


def _payload(text: str, shape: Shape, roles: int) -> object:
    hidden = set(shape.names) - shape.access(roles).readable
    if not hidden:
        return msgspec.Raw(text.encode())
    tree = _decode(text)
    for side in ("before", "after"):
        if tree[side] is not None:
            tree[side] = {name: value for name, value in tree[side].items() if name not in hidden}
    return tree


def events(found: Told) -> bytes:
    """Changes as server-sent events, each under its number; the last number is told even where
    the last change is not for this reader."""
    lines = [
        b"id: %s\nevent: change\ndata: %s\n\n" % (encode(one["seq"]), encode(one))
        for one in found.items
    ]
    if not found.items or found.items[-1]["seq"] != found.last:
        lines.append(b"id: %d\n\n" % found.last)
    return b"".join(lines)


def number_of(text: str, pointer: str = "/after") -> int:
    """The number of a change."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise wrong(pointer, "out_of_range", "this is the number of a change, 0 before the first")
    return int(text)
