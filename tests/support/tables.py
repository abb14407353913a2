"""What tables hold, looked at past every wall by a login that may."""

from collections.abc import Mapping, Sequence

from hookyard.adapters.database.port import Database, RawSql, Unit

Rows = Mapping[str, Sequence[str]]


async def rows_of(database: Database, columns: Mapping[str, str], tenant: str) -> Rows:
    """Every row of a tenant as text, by table; `columns` says for each table which one names the
    tenant. Tables without any are left out."""
    what = "*" if database.dialect == "sqlite" else "t::text"

    def work(unit: Unit) -> Rows:
        found = {}
        for table, column in columns.items():
            text = f"SELECT {what} FROM {table} AS t WHERE t.{column} = $1"  # noqa: S608
            rows = unit.fetch_raw(RawSql.same(text), tenant)
            if rows:
                found[table] = sorted(map(repr, rows))
        return found

    return await database.read(work)


async def rows_beside(
    database: Database, columns: Mapping[str, str], tenants: tuple[str, str]
) -> int:
    """How many rows are of neither tenant."""

    def work(unit: Unit) -> int:
        total = 0
        for table, column in columns.items():
            text = f"SELECT count(*) FROM {table} WHERE {column} NOT IN ($1, $2)"  # noqa: S608
            total += int(str(unit.fetch_raw(RawSql.same(text), *tenants)[0][0]))
        return total

    return await database.read(work)
