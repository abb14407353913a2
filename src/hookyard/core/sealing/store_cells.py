"""Sealed cells of any room's table, as its `SealedColumn` describes it: read in pages, replaced
where they still stand as they were read.

The one place that touches other rooms' tables: it moves a value from one key to another and knows
nothing else of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import LargeBinary, Text, column, select, table, tuple_, update

from hookyard.adapters.database.port import Unit
from hookyard.core.sealing.model import Place, SealedColumn
from hookyard.core.sealing.rules import row_key

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A sealed value, where it stands."""

    key: Key
    place: Place
    cell: bytes = field(repr=False)


def page(unit: Unit, sealed: SealedColumn, after: Key | None, limit: int) -> Sequence[Cell]:
    """Cells in the order of their rows' keys, from the one after `after`."""
    keys = [column(name, Text) for name in sealed.key]
    cell = column(sealed.column, LargeBinary)
    is_apart = sealed.tenant is not None and sealed.tenant not in sealed.key
    owner = [column(sealed.tenant or "", Text)] if is_apart else []
    rows = table(sealed.table, *keys, cell, *owner)
    query = select(*keys, cell, *owner).select_from(rows).where(cell.is_not(None))
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    found = unit.fetch(query.order_by(*keys).limit(limit))
    return [
        Cell(
            key := tuple(row[name] for name in sealed.key),
            Place(
                sealed.only_tenant if sealed.tenant is None else row[sealed.tenant],
                sealed.table,
                sealed.column,
                row_key(key),
            ),
            bytes(row[sealed.column]),
        )
        for row in found
    ]


def replace(unit: Unit, sealed: SealedColumn, cell: Cell, fresh: bytes) -> bool:
    """Put another cell in the place of one that still stands there; whether it did."""
    keys = [column(name, Text) for name in sealed.key]
    stored = column(sealed.column, LargeBinary)
    matches = [name == value for name, value in zip(keys, cell.key, strict=True)]
    rows = table(sealed.table, *keys, stored)
    statement = update(rows).where(*matches, stored == cell.cell).values({sealed.column: fresh})
    return unit.run(statement) == 1
