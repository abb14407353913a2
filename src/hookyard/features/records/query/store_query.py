"""Reading rows of entities; every statement names the tenant first."""

from collections.abc import Sequence

from hookyard.adapters.database.port import Row, Unit
from hookyard.features.records.query.plan import Statement
from hookyard.features.records.shape import Shape, View


def rows(unit: Unit, tenant: str, statement: Statement) -> list[Row]:
    """The rows of a planned statement."""
    return unit.fetch_raw(statement.sql, tenant, *statement.params)


def one(unit: Unit, shape: Shape, view: View, tenant: str, record_id: str) -> list[Row]:
    """The row of one record, or none."""
    return unit.fetch_raw(shape.get(view), tenant, record_id)


def many(unit: Unit, shape: Shape, view: View, tenant: str, ids: Sequence[str]) -> list[Row]:
    """The rows of some records, in no order."""
    return unit.fetch_raw(shape.get_many(view), tenant, list(ids))
