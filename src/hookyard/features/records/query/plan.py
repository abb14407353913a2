"""A list request → the statements that answer it, made once for those that are the same. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import RawParam, RawSql, Row, SqlValue
from hookyard.features.records.query import cursors
from hookyard.features.records.query.builder import TENANT, Builder, Lookup, each
from hookyard.features.records.query.order import Key, order_of, stretches, within
from hookyard.features.records.query.params import as_json, flag, where_of, whole
from hookyard.features.records.query.selection import Include, included, selected
from hookyard.features.records.query.walking import walks
from hookyard.features.records.query.where import condition
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import ASKED_ID, Shape, View, each_by_id
from hookyard.features.records.trouble import wrong
from hookyard.kit.json import Json
from hookyard.kit.pages import DEFAULT_LIMIT, MAX_LIMIT

KNOWN = frozenset(
    {"where", "orderBy", "select", "include", "limit", "cursor", "count", "withDeleted"}
)
BASE = "a"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and its parameters but the first, which is the tenant."""

    sql: RawSql
    params: tuple[RawParam, ...]


@dataclass(frozen=True, slots=True)
class ListPlan:
    """How a page is read: its rows hold the view's columns and then those of the order.

    `parts` follow each other: the next one is needed where those before it gave too few rows.
    `walks` says that an index has them in their order. `total` counts all that fits the filter,
    where that was asked for.
    """

    shape: Shape
    view: View
    parts: tuple[Statement, ...]
    walks: bool
    total: Statement | None
    order: tuple[Key, ...]
    limit: int
    context: str
    filtered: bool
    includes: tuple[Include, ...]

    @property
    def is_light(self) -> bool:
        """Whether it reads a page along the primary key and nothing else."""
        return len(self.order) == 1 and not self.filtered and not self.includes and not self.total


def plan_list(
    shape: Shape,
    params: Mapping[str, str],
    tenant: str,
    roles: int,
    lookup: Lookup,
    cursor_key: bytes,
) -> ListPlan:
    """The plan of a request for a page; Invalid names the place of what cannot be asked."""
    access = shape.access(roles)
    where = where_of(params["where"]) if "where" in params else None
    order = order_of(shape, _json(params, "orderBy"), access.readable, BASE)
    includes = included(shape, _json(params, "include"), lookup, roles)
    view = selected(shape, names_of(params), roles)
    with_deleted = flag("withDeleted", params.get("withDeleted"))
    if with_deleted and Operation.RESTORE not in access.operations:
        raise wrong("/withDeleted", "not_allowed", "who may not restore sees nothing deleted")
    limit = DEFAULT_LIMIT
    if "limit" in params:
        limit = whole("limit", params["limit"], 1, MAX_LIMIT)
    context = "\0".join(
        (tenant, shape.entity.name, params.get("where", ""), params.get("orderBy", ""),
         str(with_deleted))
    )  # fmt: skip
    builder = Builder(shape.dialect, lookup, roles)
    alive = "" if with_deleted else shape.alive
    base = f"_tenant = {TENANT}{alive}"
    if where is not None:
        base += f" AND ({condition(builder, shape, BASE, where, '/where')})"
    total = None
    if flag("count", params.get("count")):
        text = f"SELECT count(*) FROM {shape.entity.table} AS {BASE} WHERE {base}"  # noqa: S608
        total = Statement(RawSql.same(text), tuple(builder.params))
    head = (
        f"SELECT {view.columns}, {', '.join(key.column for key in order)}"  # noqa: S608
        f" FROM {shape.entity.table} AS {BASE} WHERE {base}"
    )
    place = None
    if "cursor" in params:
        place = cursors.read(cursor_key, context, params["cursor"], len(order))
    parts = _parts(builder, head, order, place, limit + 1)
    walked = walks(shape, where, order, BASE)
    return ListPlan(
        shape, view, parts, walked, total, order, limit, context, where is not None, includes
    )


def _parts(
    builder: Builder,
    head: str,
    order: tuple[Key, ...],
    place: Sequence[SqlValue] | None,
    count: int,
) -> tuple[Statement, ...]:
    """The statements for what comes after a place, from the beginning without one."""

    def statement(own: Builder, more: str, keys: tuple[Key, ...]) -> Statement:
        by = ", ".join(key.sql for key in keys)
        text = f"{head}{more} ORDER BY {by} LIMIT {count}"
        return Statement(RawSql.same(text), tuple(own.params))

    if place is None:
        return (statement(builder, "", order),)
    found: list[Statement] = []
    for stretch in stretches(order, place):
        own = replace(builder, params=list(builder.params))
        more = f" AND {within(own, stretch, order, place)}"
        found.append(statement(own, more, stretch.keys))
    return tuple(found)


def plan_ids(shape: Shape, where: Json, roles: int, lookup: Lookup, limit: int) -> Statement:
    """The statement for the ids of what fits a filter; on Postgres they are locked."""
    builder = Builder(shape.dialect, lookup, roles)
    fits = condition(builder, shape, BASE, where, "/where")
    text = (
        f"SELECT {BASE}._id FROM {shape.entity.table} AS {BASE}"  # noqa: S608
        f" WHERE {BASE}._tenant = {TENANT}{shape.alive} AND ({fits})"
        f" ORDER BY {BASE}._id LIMIT {limit}"
    )
    return Statement(RawSql(text, f"{text} FOR UPDATE OF {BASE}"), tuple(builder.params))


def related(include: Include, parents: Sequence[str], lookup: Lookup, roles: int) -> Statement:
    """The statement for the records that come along with these parents (or that they name). Its
    rows hold the view's columns, then the value that ties each to its parent, then its own id."""
    target, builder = include.target, Builder(include.target.dialect, lookup, roles)
    tie = target.column(include.relation.by) if include.relation.many else "_id"
    place = builder.bind(list(parents))
    is_sqlite = target.dialect == "sqlite"
    asked = f"= ANY({place})" if include.relation.many else f"= {ASKED_ID}"
    fits = f"IN ({each(place)})" if is_sqlite else asked
    base = f"_tenant = {TENANT}{target.alive} AND {BASE}.{tie} {fits}"
    if include.where is not None:
        base += f" AND ({condition(builder, target, BASE, include.where, '/include/where')})"
    columns = f"{include.view.columns}, {BASE}.{tie} AS _tie, {BASE}._id AS _own"
    if not include.relation.many:
        text = f"SELECT {columns} FROM {target.entity.table} AS {BASE} WHERE {base}"  # noqa: S608
        return Statement(RawSql(text, each_by_id(place, text)), tuple(builder.params))
    order = ", ".join(key.sql for key in include.order)
    ranked = f"row_number() OVER (PARTITION BY {BASE}.{tie} ORDER BY {order}) AS _rank"
    names = ", ".join(f"c{n}" for n in range(len(include.view.names)))
    listed = ", ".join(f"{column} AS c{n}" for n, column in enumerate(include.view.each))
    text = (
        f"SELECT {names}, _tie, _own FROM (SELECT {listed}, {BASE}.{tie} AS _tie,"  # noqa: S608
        f" {BASE}._id AS _own, {ranked} FROM {target.entity.table} AS {BASE} WHERE {base})"
        f" AS ranked WHERE _rank <= {include.take} ORDER BY _tie, _rank"
    )
    return Statement(RawSql.same(text), tuple(builder.params))


def split_row(plan: ListPlan, row: Row) -> tuple[Row, Row]:
    """A row of a page as what is shown, and where it stands in the order."""
    width = len(plan.view.names)
    return row[:width], row[width:]


def _json(params: Mapping[str, str], name: str) -> Json:
    return as_json(name, params[name]) if name in params else None


def names_of(params: Mapping[str, str]) -> Json:
    """`select` as JSON, or as names with commas between."""
    text = params.get("select")
    if text is None:
        return None
    if text[:1] in ("{", "["):
        return as_json("select", text)
    return [name.strip() for name in text.split(",") if name.strip()]
