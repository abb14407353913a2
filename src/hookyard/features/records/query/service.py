"""Use cases of reading: one record, a page of them, and the records related to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import Database, Row, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.query import cursors, store_query
from hookyard.features.records.query.gathering import Gets
from hookyard.features.records.query.params import as_json, read_query
from hookyard.features.records.query.plan import (
    KNOWN,
    ListPlan,
    names_of,
    plan_list,
    related,
    split_row,
)
from hookyard.features.records.query.selection import Include, included, selected
from hookyard.features.records.shape import Record, Shape, View, encode
from hookyard.kit.errors import NotFound

MAX_PLANS = 512
_OF_ONE = frozenset({"select", "include"})


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it is answered, and its revision."""

    body: bytes
    revision: str


class Reads:
    """Reads records of one tenant at a time."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._gets = Gets(database)
        self._plans: dict[tuple[str, str, int, bytes], ListPlan] = {}
        self._planned_for = 0

    async def get(
        self, actor: Actor, shape: Shape, roles: int, record_id: str, query: bytes
    ) -> Found:
        """One record; NotFound for one of another tenant as for none."""
        view = shape.access(roles).view
        includes: tuple[Include, ...] = ()
        if query:
            params = read_query(query, _OF_ONE)
            if "select" in params:
                view = _with_revision(shape, selected(shape, names_of(params), roles))
            if "include" in params:
                tree = as_json("include", params["include"])
                includes = included(shape, tree, self._catalog.known, roles)
        if includes:
            return await self._get_with(actor, shape, roles, record_id, view, includes)
        row = await self._gets.get(actor.tenant, shape, view, record_id)
        if row is None:
            raise NotFound("there is no such record")
        record = view.record(row)
        return Found(encode(record), str(record["revision"]))

    async def page(self, actor: Actor, shape: Shape, roles: int, query: bytes) -> bytes:
        """A page of records, as it is answered."""
        plan = self._plan(actor.tenant, shape, roles, query)

        def work(unit: Unit) -> bytes:
            unit.confine(actor.tenant)
            return self._page(unit, actor.tenant, plan, roles)

        # why: what may have to look at many rows must not hold up the event loop.
        read = self._database.peek if plan.is_light else self._database.read
        return await read(work)

    def _plan(self, tenant: str, shape: Shape, roles: int, query: bytes) -> ListPlan:
        if self._planned_for != self._catalog.version or len(self._plans) >= MAX_PLANS:
            self._plans.clear()
            self._planned_for = self._catalog.version
        key = (tenant, shape.entity.name, roles, query)
        found = self._plans.get(key)
        if found is None or found.shape is not shape:
            params = read_query(query, KNOWN)
            found = self._plans[key] = plan_list(
                shape, params, tenant, roles, self._catalog.known, self._catalog.cursor_key
            )
        return found

    def _page(self, unit: Unit, tenant: str, plan: ListPlan, roles: int) -> bytes:
        rows = self._rows(unit, tenant, plan)
        more = len(rows) > plan.limit
        del rows[plan.limit :]
        record = plan.view.record
        items = [record(row) for row in rows]
        if plan.includes:
            ids = [str(split_row(plan, row)[1][-1]) for row in rows]
            self._attach(unit, tenant, roles, plan.shape, items, ids, plan.includes)
        said: dict[str, object] = {"items": items, "next_cursor": None}
        if more:
            place = split_row(plan, rows[-1])[1]
            said["next_cursor"] = cursors.write(self._catalog.cursor_key, plan.context, place)
        if plan.total is not None:
            said["count"] = store_query.rows(unit, tenant, plan.total)[0][0]
        return encode(said)

    def _rows(self, unit: Unit, tenant: str, plan: ListPlan) -> list[Row]:
        if plan.walks:
            unit.in_order()
        rows: list[Row] = []
        for part in plan.parts:
            rows += store_query.rows(unit, tenant, part)
            if len(rows) > plan.limit:
                break
        if plan.walks and (plan.includes or plan.total):
            unit.as_ever()
        return rows

    async def _get_with(
        self,
        actor: Actor,
        shape: Shape,
        roles: int,
        record_id: str,
        view: View,
        includes: Sequence[Include],
    ) -> Found:
        def work(unit: Unit) -> Found | None:
            unit.confine(actor.tenant)
            rows = store_query.one(unit, shape, view, actor.tenant, record_id)
            if not rows:
                return None
            record = view.record(rows[0])
            self._attach(unit, actor.tenant, roles, shape, [record], [record_id], includes)
            return Found(encode(record), str(record["revision"]))

        found = await self._database.read(work)
        if found is None:
            raise NotFound("there is no such record")
        return found

    def _attach(
        self,
        unit: Unit,
        tenant: str,
        roles: int,
        shape: Shape,
        items: Sequence[Record],
        ids: Sequence[str],
        includes: Sequence[Include],
    ) -> None:
        """Put related records into records; one statement for each relation and level."""
        for include in includes:
            ties = ids if include.relation.many else self._named(unit, tenant, shape, ids, include)
            wanted = sorted({tie for tie in ties if tie})
            statement = related(include, wanted, self._catalog.known, roles)
            rows = store_query.rows(unit, tenant, statement) if wanted else []
            width = len(include.view.names)
            inner = [include.view.record(row) for row in rows]
            if include.includes:
                own = [str(row[width + 1]) for row in rows]
                self._attach(unit, tenant, roles, include.target, inner, own, include.includes)
            _distribute(include, items, ties, rows, inner)

    def _named(
        self, unit: Unit, tenant: str, shape: Shape, ids: Sequence[str], include: Include
    ) -> list[str]:
        """The id each record names by the field of a relation, "" for none."""
        view = shape.view(("id", include.relation.by))
        found = {
            str(row[0]): str(row[1] or "")
            for row in store_query.many(unit, shape, view, tenant, ids)
        }
        return [found.get(one, "") for one in ids]


def _distribute(
    include: Include,
    items: Sequence[Record],
    ties: Sequence[str],
    rows: Sequence[Row],
    inner: Sequence[Record],
) -> None:
    width = len(include.view.names)
    by_tie: dict[str, list[Record]] = {}
    for row, record in zip(rows, inner, strict=True):
        by_tie.setdefault(str(row[width]), []).append(record)
    for item, tie in zip(items, ties, strict=True):
        found = by_tie.get(tie, [])
        name = include.relation.name
        item[name] = found if include.relation.many else (found[0] if found else None)


def _with_revision(shape: Shape, view: View) -> View:
    """The view with the revision in it: the answer's entity tag is made of it."""
    if "revision" in view.names:
        return view
    wanted = {*view.names, "revision"}
    return shape.view(tuple(name for name in shape.names if name in wanted))
