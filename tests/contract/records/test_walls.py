"""What `hookyard doctor` says of the walls between tenants on Postgres, to logins of each kind; the
statements it names are run, and mend what they are for."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.port import RawSql, Unit
from hookyard.bootstrap.recording import apply_built_in
from hookyard.entrypoints.cli.doctor.command import examine
from hookyard.entrypoints.cli.doctor.model import Finding, Level
from hookyard.entrypoints.cli.doctor.walls import LOGIN, TABLES, TAKEN, walls
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.settings import load_settings
from tests.support.postgres import PostgresServer

OK, WARN, BAD = Level.OK, Level.WARN, Level.BAD


class Site:
    """A server of its own, as roles belong to the whole of it, with one database."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.name = server.create_database()

    def admin(self, *statements: str) -> None:
        """Run statements as the superuser, in the database."""

        async def run() -> None:
            connection = await asyncpg.connect(self.server.url(self.name))
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    def login(self, name: str, options: str = "") -> None:
        self.admin(f"CREATE ROLE {name} LOGIN PASSWORD '{name}' NOCREATEROLE {options}")

    def url(self, login: str) -> str:
        return self.server.url(self.name, login)

    def start(self, login: str) -> None:
        """Bring the schema up to date, as every start does."""

        async def run() -> None:
            database = PostgresDatabase(self.url(login))
            try:
                await migrate(database)
                await apply_built_in(database, IdMaker(), SystemClock())
            finally:
                await database.close()

        asyncio.run(run())

    def findings(self, login: str) -> list[Finding]:
        settings = load_settings({"DATABASE_URL": self.url(login)}, folder=Path("/nowhere"))
        return asyncio.run(walls(settings))

    def one(self, login: str, name: str) -> Finding:
        """The only finding of this name."""
        [found] = [finding for finding in self.findings(login) if finding.name == name]
        return found

    def close(self) -> None:
        self.server.drop_database(self.name)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer.start_own(Path(tempfile.mkdtemp(prefix="hookyard-pytest-")))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def first(server: PostgresServer) -> Iterator[Site]:
    """Before anybody made the role."""
    made = Site(server)
    yield made
    made.close()


def levels(found: Sequence[Finding]) -> dict[str, Level]:
    return {finding.name: finding.level for finding in found}


def test_a_role_that_is_made_after_the_tables_gets_its_rights(first: Site) -> None:
    first.login("yard")
    first.admin(f"ALTER DATABASE {first.name} OWNER TO yard", "GRANT ALL ON SCHEMA public TO yard")
    assert levels(first.findings("yard")) == {LOGIN: OK, TAKEN: WARN}
    with pytest.raises(ConfigurationError, match="CREATE ROLE hookyard_records"):
        first.start("yard")
    missing = first.one("yard", TAKEN)
    assert missing.level is BAD
    statements = missing.fix.removeprefix("as an administrator: ").split("; ")
    assert statements[-1] == "then `hookyard migrate`"
    first.admin(*statements[:-1])
    lacking = [finding for finding in first.findings("yard") if finding.name == TABLES]
    assert {finding.level for finding in lacking} == {BAD}
    assert {finding.detail.rpartition(" ")[2] for finding in lacking} == {
        "idempotency_keys", "records_changes", "records_consumers", "records_heads",
        "records_subscriptions", "records_undelivered",
    }  # fmt: skip
    assert all(finding.fix == "run `hookyard migrate` as yard" for finding in lacking)
    first.start("yard")
    assert levels(first.findings("yard")) == {LOGIN: OK, TAKEN: OK, TABLES: OK}

    async def write() -> None:
        def work(unit: Unit) -> None:
            unit.confine("acme")
            unit.run_raw(RawSql.same("INSERT INTO records_heads VALUES ('acme', 1, 0)"))

        database = PostgresDatabase(first.url("yard"))
        await database.write(work)
        await database.close()

    asyncio.run(write())


@pytest.fixture(scope="module")
def site(server: PostgresServer) -> Iterator[Site]:
    """A database that `yard` owns and has started on."""
    made = Site(server)
    made.admin(
        "DO $$ BEGIN CREATE ROLE hookyard_records NOLOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "DO $$ BEGIN CREATE ROLE yard LOGIN PASSWORD 'yard'; EXCEPTION WHEN OTHERS THEN NULL;"
        " END $$",
        "GRANT hookyard_records TO yard",
        f"ALTER DATABASE {made.name} OWNER TO yard",
        "GRANT ALL ON SCHEMA public TO yard",
    )
    made.start("yard")
    yield made
    made.close()


def all_is_well(site: Site) -> None:
    assert levels(site.findings("yard")) == {LOGIN: OK, TAKEN: OK, TABLES: OK}


def test_the_owner_is_told_that_all_is_well(site: Site) -> None:
    all_is_well(site)
    said = "yard owns the tables, and those of entities bind it too"
    assert site.one("yard", LOGIN).detail == said
    assert site.one("yard", TABLES).detail.endswith("behind row level security")


@pytest.mark.parametrize(
    ("given", "said"), [("SUPERUSER", "is a superuser"), ("BYPASSRLS", "has BYPASSRLS")]
)
def test_a_login_that_passes_by_the_policies_is_warned_of(
    site: Site, given: str, said: str
) -> None:
    site.admin(f"ALTER ROLE yard {given}")
    found = site.one("yard", LOGIN)
    assert found.level is WARN
    assert found.detail.startswith(f"yard {said}")
    site.admin(found.fix.partition(",")[0])
    all_is_well(site)


def test_a_login_that_owns_nothing_may_serve_and_is_told_who_migrates(
    site: Site, tmp_path: Path
) -> None:
    site.login("door")
    found = site.one("door", TAKEN)
    assert (found.level, found.fix.partition(" (")[0]) == (BAD, "GRANT hookyard_records TO door")
    site.admin(found.fix.partition(" (")[0])
    closed = site.one("door", LOGIN)
    assert (closed.level, "may not read and write" in closed.detail) == (BAD, True)
    _, shown = examine(tmp_path, {"DATABASE_URL": site.url("door")})
    assert levels(shown)["database"] is BAD
    site.admin(closed.fix)
    assert levels(site.findings("door")) == {LOGIN: OK, TAKEN: OK, TABLES: OK}
    assert site.one("door", LOGIN).detail.endswith("are for yard")
    site.start("door")
    site.admin("DROP OWNED BY door", "DROP ROLE door")


def test_membership_without_the_right_to_set_the_role_is_found(site: Site) -> None:
    site.admin("GRANT hookyard_records TO yard WITH SET FALSE")
    found = site.one("yard", TAKEN)
    assert (found.level, found.detail) == (
        BAD, "yard may not SET ROLE hookyard_records: records cannot be served",
    )  # fmt: skip
    site.admin("GRANT hookyard_records TO yard WITH SET TRUE")
    all_is_well(site)


@pytest.mark.parametrize(
    ("break_it", "level", "said"),
    [
        ("ALTER ROLE hookyard_records SUPERUSER", BAD, "is a superuser"),
        ("ALTER ROLE hookyard_records BYPASSRLS", BAD, "has BYPASSRLS"),
        ("ALTER ROLE hookyard_records LOGIN", WARN, "may log in"),
        ("ALTER TABLE rec_users OWNER TO hookyard_records", BAD, "of the tables' owner"),
    ],
)
def test_a_role_that_could_pass_by_the_walls_is_found(
    site: Site, break_it: str, level: Level, said: str
) -> None:
    site.admin(break_it)
    found = site.one("yard", TAKEN)
    assert found.level is level
    assert said in found.detail
    site.admin(found.fix.partition("; then `hookyard migrate`")[0])
    site.start("yard")
    all_is_well(site)


@pytest.mark.parametrize(
    ("break_it", "level", "said"),
    [
        ("ALTER TABLE rec_users DISABLE ROW LEVEL SECURITY", BAD, "has no row level security"),
        ("ALTER TABLE rec_users NO FORCE ROW LEVEL SECURITY", WARN, "does not bind its owner"),
        ("DROP POLICY tenant ON rec_users", BAD, "lacks its policy"),
        ("DROP POLICY tenant ON records_changes", BAD, "lacks its policy"),
        ('CREATE POLICY "All of it" ON rec_users USING (true)', BAD, "lets more rows through"),
        ("REVOKE INSERT ON rec_users FROM hookyard_records", BAD, "lacks INSERT on rec_users"),
        ("REVOKE ALL ON records_heads FROM hookyard_records", BAD, "lacks INSERT, SELECT, UPDATE"),
    ],
)
def test_a_table_whose_wall_has_a_hole_is_found(
    site: Site, break_it: str, level: Level, said: str
) -> None:
    site.admin(break_it)
    found = site.one("yard", TABLES)
    assert found.level is level
    assert said in found.detail
    if "migrate" in found.fix:
        site.start("yard")
    else:
        site.admin(found.fix)
    all_is_well(site)


def test_who_may_not_give_the_rights_is_told_who_does(site: Site) -> None:
    site.login("door", "IN ROLE hookyard_records")
    site.admin(
        "REVOKE INSERT ON rec_users FROM hookyard_records",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO door",
    )
    with pytest.raises(ConfigurationError, match="rec_users; run `hookyard migrate` as the owner"):
        site.start("door")
    site.start("yard")
    site.admin("DROP OWNED BY door", "DROP ROLE door")
    all_is_well(site)


def test_a_strange_name_is_quoted_in_what_mends_it(site: Site) -> None:
    site.admin('CREATE ROLE "my ""door" LOGIN PASSWORD \'d\' SUPERUSER')
    settings = load_settings(
        {"DATABASE_URL": site.url("yard").replace("yard:yard", "my%20%22door:d")},
        folder=Path("/nowhere"),
    )
    found = asyncio.run(walls(settings))[0]
    assert found.level is WARN
    site.admin(found.fix.partition(",")[0], 'ALTER ROLE "my ""door" NOLOGIN')
    site.admin('DROP ROLE "my ""door"')


def test_the_command_shows_them(site: Site, tmp_path: Path) -> None:
    _, found = examine(tmp_path, {"DATABASE_URL": site.url("yard")})
    told = levels(found)
    assert (told[LOGIN], told[TAKEN], told[TABLES]) == (OK, OK, OK)
    _, found = examine(tmp_path, {})
    assert not {LOGIN, TAKEN, TABLES} & set(levels(found))
    unreached = {"DATABASE_URL": "postgresql://u:planted@127.0.0.1:1/x"}
    _, found = examine(tmp_path, unreached)
    assert levels(found)["database"] is BAD
    assert not {LOGIN, TAKEN, TABLES} & set(levels(found))
