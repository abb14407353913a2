"""What stands between tenants on Postgres, as its catalogue tells it: the login, the role, the
tables with policies. And the rights of the role, where it was made after the tables.

# spec: PostgreSQL, system catalogs: pg_roles, pg_class, pg_policy; access privilege functions.
# Before version 16 membership alone let one SET ROLE; since then it is a right of its own.
"""

from collections.abc import Mapping, Sequence

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.adapters.database.walls import POLICY, RIGHTS, ROLE
from hookyard.features.records.schema.ddl import ENTITY_RIGHTS
from hookyard.features.records.schema.model import TABLE_PREFIX
from hookyard.features.records.schema.walls import Login, Walled, Walls

_LOGIN = RawSql.same(
    "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
)
_HERE = "c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
_CLOSED = RawSql.same(
    f"SELECT count(*) FROM pg_class c WHERE {_HERE} AND NOT (has_table_privilege(c.oid, 'SELECT')"
    " AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')"
    " AND has_table_privilege(c.oid, 'DELETE'))"
)
# why: by their name, as who may not read the list of entities is to be told so, and not fail.
_ENTITIES = RawSql.same(
    f"SELECT c.relname FROM pg_class c WHERE {_HERE} AND starts_with(c.relname, '{TABLE_PREFIX}')"
)
_ROLE = RawSql.same(
    "SELECT rolsuper, rolbypassrls, rolcanlogin, pg_has_role(current_user, oid,"
    " CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    f" FROM pg_roles WHERE rolname = '{ROLE}'"
)
_TABLES = RawSql.same(
    "SELECT c.relname, pg_get_userbyid(c.relowner), pg_has_role(current_user, c.relowner, 'USAGE'),"
    " COALESCE((SELECT pg_has_role(r.oid, c.relowner, 'USAGE') FROM pg_roles r"
    f" WHERE r.rolname = '{ROLE}'), false), c.relrowsecurity, c.relforcerowsecurity,"
    f" EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{POLICY}'),"
    " (SELECT min(p.polname) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive"
    f" AND p.polname <> '{POLICY}')"
    " FROM pg_class c WHERE c.oid IN (SELECT to_regclass(n) FROM unnest($1::text[]) n)"
    " ORDER BY c.relname"
)
_LACKING = RawSql.same(
    "SELECT n.name, string_agg(a.act, ', ' ORDER BY a.act)"
    " FROM unnest($1::text[], $2::text[]) AS n (name, acts),"
    " unnest(string_to_array(n.acts, ', ')) AS a (act)"
    f" WHERE NOT has_table_privilege('{ROLE}', to_regclass(n.name), a.act)"
    " GROUP BY n.name ORDER BY n.name"
)


def look(unit: Unit) -> Walls:
    """The walls as they stand; only on Postgres."""
    name, is_superuser, bypasses = unit.fetch_raw(_LOGIN)[0]
    login = Login(str(name), bool(is_superuser), bool(bypasses))
    found = unit.fetch_raw(_ROLE)
    role = Login(ROLE, *map(bool, found[0])) if found else None
    entities = _entities(unit)
    wanted = {**_fixed(), **entities}
    lacking = _lacking(unit, wanted) if role is not None else {}
    rows = unit.fetch_raw(_TABLES, list(wanted))
    tables = tuple(
        Walled(
            str(table), str(owner), bool(is_ours), bool(is_the_roles), bool(is_enabled),
            bool(is_forced), str(table) in entities, bool(has_policy), str(other or ""),
            lacking.get(str(table), ""),
        )
        for table, owner, is_ours, is_the_roles, is_enabled, is_forced, has_policy, other in rows
    )  # fmt: skip
    return Walls(login, role, tables, int(str(unit.fetch_raw(_CLOSED)[0][0])))


def give_rights(unit: Unit) -> tuple[str, ...]:
    """Give the role what it lacks on tables of ours; the others that it lacks something on."""
    if unit.dialect != "postgresql":
        return ()
    wanted = {**_fixed(), **_entities(unit)}
    lacking = _lacking(unit, wanted)
    if not lacking:
        return ()
    ours = {str(row[0]) for row in unit.fetch_raw(_TABLES, list(lacking)) if row[2]}
    for table in lacking:
        if table in ours:
            unit.connection.exec_driver_sql(f"GRANT {wanted[table]} ON {table} TO {ROLE}")
    return tuple(table for table in lacking if table not in ours)


def _fixed() -> dict[str, str]:
    """The tables with a wall that every database has, with the rights of the role."""
    return {
        table.name: str(table.info[RIGHTS])
        for table in METADATA.sorted_tables
        if RIGHTS in table.info
    }


def _entities(unit: Unit) -> dict[str, str]:
    return {str(name): ENTITY_RIGHTS for (name,) in unit.fetch_raw(_ENTITIES)}


def _lacking(unit: Unit, wanted: Mapping[str, str]) -> dict[str, str]:
    names: Sequence[str] = list(wanted)
    there = {str(row[0]) for row in unit.fetch_raw(_TABLES, names)}
    asked = [name for name in names if name in there]
    rows = unit.fetch_raw(_LACKING, asked, [wanted[name] for name in asked])
    return {str(table): str(acts) for table, acts in rows}
