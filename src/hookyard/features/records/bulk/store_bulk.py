"""Reading every record of an entity, in the order of ids; each statement names the tenant first."""

from hookyard.adapters.database.port import RawSql, Row, Unit
from hookyard.features.records.query.builder import TENANT, Builder, Lookup
from hookyard.features.records.query.plan import BASE, Statement
from hookyard.features.records.query.where import condition
from hookyard.features.records.shape import Shape, View
from hookyard.kit.json import Json

PAGE = 200
PAGE_BYTES = 1024 * 1024


def plan_export(shape: Shape, view: View, where: Json, roles: int, lookup: Lookup) -> Statement:
    """The statement for a page: rows hold the view's columns and then the id; its last parameters
    are the id to go on after, and how many."""
    builder = Builder(shape.dialect, lookup, roles)
    base = f"{BASE}._tenant = {TENANT}{shape.alive}"
    if where is not None:
        base += f" AND ({condition(builder, shape, BASE, where, '/where')})"
    params = tuple(builder.params)
    after, count = builder.bind(""), builder.bind(0)
    text = (
        f"SELECT {view.columns}, {BASE}._id FROM {shape.entity.table} AS {BASE}"
        f" WHERE {base} AND {BASE}._id > {after} ORDER BY {BASE}._id LIMIT {count}"
    )
    return Statement(RawSql.same(text), params)


def page(unit: Unit, tenant: str, statement: Statement, after: str, count: int) -> list[Row]:
    """So many rows after an id, "" for the first."""
    return unit.fetch_raw(statement.sql, tenant, *statement.params, after, count)


def next_count(rows: int, size: int) -> int:
    """How many rows to ask for next, after so many were of this size."""
    return max(1, min(PAGE, PAGE_BYTES * rows // max(1, size)))
