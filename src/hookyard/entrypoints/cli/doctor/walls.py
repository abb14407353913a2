"""Checks of what keeps the records of tenants apart on Postgres: our login, the role that confined
units take, the tables behind policies. Each finding names the statement that mends it."""

from collections.abc import Iterator

from hookyard.adapters.database.walls import POLICY, ROLE, SETTING
from hookyard.bootstrap import open_database
from hookyard.core.audit.service import Audit
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.features.records.schema.service import Schemas
from hookyard.features.records.schema.walls import Login, Walled, Walls
from hookyard.kit.errors import ConfigurationError, HookyardError
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings

LOGIN, TAKEN, TABLES = "records: login", "records: role", "records: tables"


async def walls(settings: Settings) -> list[Finding]:
    """The walls of the configured Postgres; nothing to say of SQLite, or of a database that
    another finding says cannot be reached."""
    if settings.database.url is None:
        return []
    try:
        database = await open_database(settings)
        try:
            found = await database.read(Schemas(Audit(IdMaker())).walls)
        finally:
            await database.close()
    except (HookyardError, ConfigurationError, OSError):
        return []
    return [] if found is None else list(judged(found))


def judged(found: Walls) -> Iterator[Finding]:
    """What is to be said of the walls."""
    yield from _login(found)
    yield from _role(found)
    if found.tables and found.role is not None:
        wrong = [finding for table in found.tables for finding in _table(table)]
        yield from wrong or [ok(TABLES, f"{len(found.tables)} behind row level security")]


def _login(found: Walls) -> Iterator[Finding]:
    login = found.login
    if login.is_superuser:
        yield warn(
            LOGIN,
            f"{login.name} is a superuser: outside of the records' own transactions nothing "
            "keeps it from any row",
            f"ALTER ROLE {quoted(login.name)} NOSUPERUSER, or give DATABASE_URL a login that is "
            "none and owns the database",
        )
    elif login.bypasses:
        yield warn(
            LOGIN,
            f"{login.name} has BYPASSRLS: outside of the records' own transactions nothing keeps "
            "it from any row",
            f"ALTER ROLE {quoted(login.name)} NOBYPASSRLS",
        )
    if found.closed:
        yield bad(
            LOGIN,
            f"{login.name} may not read and write {found.closed} tables",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "
            f"{quoted(login.name)}",
        )
    elif login.is_superuser or login.bypasses:
        return
    elif not found.tables:
        yield ok(LOGIN, f"{login.name}; the tables are made at the first start")
    elif all(table.is_ours for table in found.tables):
        yield ok(LOGIN, f"{login.name} owns the tables, and those of entities bind it too")
    else:
        owners = ", ".join(sorted({t.owner for t in found.tables if not t.is_ours}))
        yield ok(
            LOGIN,
            f"{login.name} does not own the tables; `hookyard migrate` and `hookyard entities "
            f"apply` are for {owners}",
        )


def _role(found: Walls) -> Iterator[Finding]:
    role, login = found.role, quoted(found.login.name)
    grant = f"GRANT {ROLE} TO {login}"
    if role is None:
        if found.tables:
            fix = (
                f"as an administrator: CREATE ROLE {ROLE} NOLOGIN; {grant}; then `hookyard migrate`"
            )
            yield bad(TAKEN, f"there is no role {ROLE}: records cannot be served", fix)
        else:
            fix = f"let an administrator run: CREATE ROLE {ROLE} NOLOGIN; {grant}"
            said = f"there is no role {ROLE} yet; it is made at the first start where we may"
            yield warn(TAKEN, said, fix)
        return
    wrong = list(_attributes(role, found))
    if not role.may_be_taken:
        said = f"{found.login.name} may not SET ROLE {ROLE}: records cannot be served"
        wrong.append(bad(TAKEN, said, f"{grant} (on Postgres 16 and later WITH SET TRUE)"))
    yield from wrong or [ok(TAKEN, f"{found.login.name} may SET ROLE {ROLE}, which owns nothing")]


def _attributes(role: Login, found: Walls) -> Iterator[Finding]:
    apart = "tenants are kept apart by our statements alone"
    if role.is_superuser:
        yield bad(TAKEN, f"{ROLE} is a superuser: {apart}", f"ALTER ROLE {ROLE} NOSUPERUSER")
    if role.bypasses:
        yield bad(TAKEN, f"{ROLE} has BYPASSRLS: {apart}", f"ALTER ROLE {ROLE} NOBYPASSRLS")
    owners = sorted({table.owner for table in found.tables if table.is_the_roles})
    if owners and not role.is_superuser:
        for owner in owners:
            fix = (
                f"REASSIGN OWNED BY {ROLE} TO {quoted(found.login.name)}; then `hookyard migrate`"
                if owner == ROLE
                else f"REVOKE {quoted(owner)} FROM {ROLE}"
            )
            yield bad(TAKEN, f"{ROLE} has the rights of the tables' owner {owner}: {apart}", fix)
    if role.logs_in:
        yield warn(
            TAKEN, f"{ROLE} may log in, and needs no password to lose", f"ALTER ROLE {ROLE} NOLOGIN"
        )


def _table(table: Walled) -> Iterator[Finding]:
    name = table.name
    if not table.is_enabled:
        said = f"{name} has no row level security: tenants are kept apart by our statements alone"
        yield bad(TABLES, said, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    if table.must_be_forced and not table.is_forced:
        yield warn(
            TABLES,
            f"{name} does not bind its owner {table.owner}",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        )
    if not table.has_policy:
        column = "_tenant" if table.must_be_forced else "tenant"
        mine = f"{column} = (SELECT current_setting('{SETTING}', true))"
        yield bad(
            TABLES,
            f"{name} lacks its policy",
            f"CREATE POLICY {POLICY} ON {name} USING ({mine}) WITH CHECK ({mine})",
        )
    if table.other_policy:
        said = f"{name} has a policy {table.other_policy}, which lets more rows through"
        yield bad(TABLES, said, f"DROP POLICY {quoted(table.other_policy)} ON {name}")
    if table.lacking:
        said = f"{ROLE} lacks {table.lacking} on {name}"
        yield bad(TABLES, said, f"run `hookyard migrate` as {table.owner}")


def quoted(name: str) -> str:
    """A name as Postgres reads it, whatever is in it."""
    plain = name.isidentifier() and name == name.lower() and name.isascii()
    return name if plain else '"' + name.replace('"', '""') + '"'
