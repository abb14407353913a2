"""Writing rows of entities: whole rows, by tenant and id. The statements are the shape's."""

from collections.abc import Mapping, Sequence

from hookyard.adapters.database.port import RawSql, Row, Unit
from hookyard.features.records.query.plan import Statement
from hookyard.features.records.shape import Record, Shape
from hookyard.kit.json import Json

_SET_MARK = RawSql.same("SAVEPOINT records_line")
_BACK_TO_MARK = RawSql.same("ROLLBACK TO SAVEPOINT records_line")
_DROP_MARK = RawSql.same("RELEASE SAVEPOINT records_line")


def insert(unit: Unit, shape: Shape, record: Record) -> bool:
    """Add a record; False when its id, or a unique value of it, is taken."""
    return unit.run_raw(shape.insert, *shape.row(record)) == 1


def insert_many(unit: Unit, shape: Shape, rows: Sequence[Row]) -> list[bool]:
    """Add rows in one go where the engine can; for each, whether it could be added."""
    if unit.dialect == "sqlite":
        return [unit.run_raw(shape.insert, *row) == 1 for row in rows]
    columns = [list(column) for column in zip(*rows, strict=True)]
    added = [str(row[0]) for row in unit.fetch_raw(shape.insert_many, *columns)]
    found: list[bool] = []
    for row in rows:
        is_there = row[1] in added
        if is_there:
            added.remove(str(row[1]))
        found.append(is_there)
    return found


def locked(unit: Unit, shape: Shape, tenant: str, record_id: str) -> Mapping[str, Json] | None:
    """A record as it is, deleted or not, and as it stays until the unit ends."""
    rows = unit.fetch_raw(shape.lock, tenant, record_id)
    return shape.plain(shape.whole.record(rows[0])) if rows else None


def locked_many(
    unit: Unit, shape: Shape, tenant: str, ids: Sequence[str]
) -> dict[str, dict[str, Json]]:
    """The same for several, by their ids."""
    if not ids:
        return {}
    rows = unit.fetch_raw(shape.lock_many, tenant, list(ids))
    records = (shape.plain(shape.whole.record(row)) for row in rows)
    return {str(record["id"]): record for record in records}


def set_mark(unit: Unit) -> None:
    """Begin what may be taken back while the unit goes on."""
    unit.run_raw(_SET_MARK)


def back_to_mark(unit: Unit) -> None:
    """Take back what was done since, a failure too."""
    unit.run_raw(_BACK_TO_MARK)
    unit.run_raw(_DROP_MARK)


def drop_mark(unit: Unit) -> None:
    """Nothing since has to be taken back."""
    unit.run_raw(_DROP_MARK)


def found(unit: Unit, tenant: str, statement: Statement) -> list[str]:
    """The ids a planned statement finds."""
    return [str(row[0]) for row in unit.fetch_raw(statement.sql, tenant, *statement.params)]


def update(unit: Unit, shape: Shape, record: Record) -> None:
    """Write a whole record over the one of its id; Clash when a unique value of it is taken."""
    unit.run_unique(shape.update, *shape.row(record))


def delete(unit: Unit, shape: Shape, tenant: str, record_id: str) -> None:
    """Remove a record."""
    unit.run_raw(shape.delete, tenant, record_id)
