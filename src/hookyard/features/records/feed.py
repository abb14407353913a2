"""The feed of changes as it is read: `GET /v1/_changes?after=SEQ&limit=N`.

A reader sees the changes of entities it may read, without the fields kept from it. Where it has
read up to is its own to keep: `next_after` of the last page.
"""

from collections.abc import Mapping

import msgspec

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.records import store_changes
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.query.params import read_query, whole
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import Shape, encode
from hookyard.features.records.store_changes import FeedHead, Numbered
from hookyard.features.records.trouble import wrong
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Forbidden, Gone
from hookyard.kit.pages import DEFAULT_LIMIT

MAX_CHANGES = 500
_KNOWN = frozenset({"after", "limit"})
_decode = msgspec.json.Decoder().decode


class Feed:
    """Reads the feed of the caller's tenant."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    async def page(self, actor: Actor, roles: int, query: bytes) -> bytes:
        """Changes after a number, as they are answered; `head` is the last number there is."""
        params = read_query(query, _KNOWN)
        after = _number(params.get("after", "0"))
        limit = DEFAULT_LIMIT
        if "limit" in params:
            limit = whole("limit", params["limit"], 1, MAX_CHANGES)
        await self._catalog.look()
        readable = self.readable(roles)
        if not readable:
            raise Forbidden("none of the roles held may read any entity")

        def work(unit: Unit) -> tuple[FeedHead, list[Numbered]]:
            unit.confine(actor.tenant)
            head = store_changes.head(unit, actor.tenant)
            return head, store_changes.after(unit, actor.tenant, after, limit)

        head, found = await self._database.peek(work)
        if after < head.purged:
            raise Gone(f"changes up to {head.purged} are kept no longer; read the records again")
        last = found[-1].seq if found else after
        items = [told for one in found if (told := wire(one, readable, roles)) is not None]
        return encode({"items": items, "next_after": last, "head": head.seq})

    def readable(self, roles: int) -> Mapping[str, Shape]:
        """The entities whose changes holders of these roles may see."""
        return {
            name: shape
            for name, shape in self._catalog.shapes.items()
            if Operation.READ in shape.access(roles).operations
        }


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


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise wrong("/after", "out_of_range", "after is the number of a change, 0 for the first")
    return int(text)
