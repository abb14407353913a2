"""The walls themselves, on Postgres: who the gateway logs in as, what policies do without the
predicate, and that the attacks get through where there is neither.

On SQLite there are no policies, so there the predicate cannot be taken away: it is the only wall.
"""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from hookyard.adapters.database.port import RawSql, Row, Unit
from hookyard.adapters.database.walls import SETTING
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Role
from hookyard.features.records.feeding import store_subscriptions
from hookyard.features.records.feeding.model import Subscription, SubscriptionState, Undelivered
from hookyard.features.records.schema.model import FieldType
from tests.contract.records.attacks import (
    ENTITIES,
    PLANTED,
    a_change,
    id_of,
    path_of,
    sample,
    unlike,
)
from tests.contract.records.places import Place
from tests.contract.records.sieges import (
    OWNED,
    BareUnit,
    BlindUnit,
    OpenUnit,
    Siege,
    a_siege,
    on_postgres,
    units_of,
)
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Not of records: nobody who is confined has any right on them.
FOREIGN = frozenset(name for name in OWNED if not name.startswith(("rec_", "records_", "idem")))
WALLED = sorted(OWNED.keys() - FOREIGN)
NO_DELETE = frozenset({"records_changes", "records_heads"})
USERS = ENTITIES["users"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(postgres_server: PostgresServer) -> AsyncIterator[Place]:
    async with on_postgres(postgres_server) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="module")
async def walled(door: Place) -> AsyncIterator[Siege]:
    """Both tenants have something in every table of records."""
    siege = a_siege(door)
    await siege.begin()
    for entity in ENTITIES.values():
        await siege.plant(entity)
        mine = sample(entity, "mine")
        assert (await siege.attacker.ask("POST", path_of(entity), mine)).status == 201
    for who in (siege.victim, siege.attacker):
        assert (await who.ask("POST", "/v1/_consumers", {"name": "c"})).status == 201
        made = await who.ask("POST", "/v1/users", {"userId": "k"}, key="k")
        assert made.status == 201
        await siege.eye.write(partial(subscribed, who.tenant))
    await siege.guard()
    yield siege
    await siege.end()


def subscribed(tenant: str, unit: Unit) -> None:
    """A subscription that gave something up."""
    new = Subscription(
        tenant, f"of-{tenant}", "", "webhook", "https://x.example", (), Role.VIEWER,
        SubscriptionState.PAUSED, "", 1, None, None, None, 0, b"", None, None, 1, "", 1, None, "",
    )  # fmt: skip
    store_subscriptions.add(unit, new)
    store_subscriptions.put_aside(unit, tenant, new.id, Undelivered(1, "", 1, 1))


async def rows(siege: Siege, text: str, *, confined: bool = True) -> list[Row]:
    """What a statement gives the gateway's login, confined to the attacker."""

    def work(unit: Unit) -> list[Row]:
        if confined:
            unit.confine(siege.attacker.tenant)
        return unit.fetch_raw(RawSql.same(text))

    return await siege.place.database.read(work)


async def test_the_login_is_no_owner_and_passes_no_policies_by(walled: Siege) -> None:
    who = "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname ="
    for name, confined in (("session_user", False), ("current_user", True)):
        assert await rows(walled, f"{who} {name}", confined=confined) == [(False, False, False)]
    owned = "SELECT relname FROM pg_class WHERE relowner = session_user::regrole"
    assert await rows(walled, owned, confined=False) == []


async def test_every_table_of_records_is_behind_policies(walled: Siege) -> None:
    found = await rows(
        walled,
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polcmd::text,"
        " p.polqual IS NOT NULL, p.polwithcheck IS NOT NULL"
        " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relkind = 'r'"
        " AND (c.relname LIKE 'rec\\_%' OR c.relname LIKE 'records\\_%'"
        " OR c.relname = 'idempotency_keys') ORDER BY 1",
    )
    behind = [str(row[0]) for row in found if row[1]]
    assert behind == WALLED
    # Of an entity the owner itself is kept out, too.
    assert all(row[2] for row in found if str(row[0]).startswith("rec_"))
    assert {row[3:] for row in found if row[1]} == {("*", True, True)}
    # What is not behind them says nothing of tenants.
    assert {str(row[0]) for row in found if not row[1]}.isdisjoint(OWNED)


@pytest.mark.parametrize("table", WALLED)
async def test_without_a_predicate_policies_keep_others_out(walled: Siege, table: str) -> None:
    column, mine, theirs = OWNED[table], walled.attacker.tenant, walled.victim.tenant
    shown = await rows(walled, f"SELECT DISTINCT {column} FROM {table}")  # noqa: S608
    assert shown == [(mine,)]
    assert await rows(walled, f"SELECT 1 FROM {table}", confined=False) == []  # noqa: S608
    # A statement without WHERE reaches one's own rows only; the end looks at the victim's.
    forged = f"UPDATE {table} SET {column} = '{theirs}'"  # noqa: S608
    if table == "records_changes":
        one = f'jsonb_populate_record(c, \'{{"tenant": "{theirs}", "seq": 9999}}\')'
        forged = f"INSERT INTO {table} SELECT ({one}).* FROM {table} c LIMIT 1"  # noqa: S608
    with pytest.raises(Exception, match="row-level security"):
        await written(walled, forged)
    statement = f"DELETE FROM {table}"  # noqa: S608
    if table in NO_DELETE:
        with pytest.raises(Exception, match="permission denied"):
            await written(walled, statement)
    else:
        await written(walled, statement)


async def written(siege: Siege, text: str) -> None:
    def work(unit: Unit) -> None:
        unit.confine(siege.attacker.tenant)
        unit.run_raw(RawSql.same(text))

    await siege.place.database.write(work)


@pytest.mark.parametrize("table", sorted(FOREIGN))
async def test_who_is_confined_has_no_right_on_other_tables(walled: Siege, table: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await rows(walled, f"SELECT 1 FROM {table}")  # noqa: S608


async def test_a_confinement_ends_with_its_transaction(walled: Siege) -> None:
    """Sessions are used again, by other tenants and by what is not confined."""
    for _ in range(5):
        await walled.victim.ask("GET", "/v1/users")
        said = f"SELECT current_setting('{SETTING}', true), current_user = session_user"
        assert (await rows(walled, said, confined=False))[0] in ((None, True), ("", True))
    assert len((await walled.attacker.ask("GET", "/v1/users")).items) == 2


async def test_statements_of_confined_units_did_lose_their_predicate(
    postgres_server: PostgresServer,
) -> None:
    """Else the suite over `policies` would show nothing."""
    with units_of(OpenUnit):
        async with on_postgres(postgres_server) as place:
            siege, before = a_siege(place), OpenUnit.taken
            await siege.plant(USERS)
            assert OpenUnit.taken > before
            unlike(await siege.attacker.ask("GET", "/v1/users"))


def past_policies(place: Place) -> Siege:
    """Through a gateway whose login is a superuser."""
    assert place.owner is not None
    records = open_records(place.owner, Audit(place.ids), place.ids, place.clock)
    return a_siege(Place(place.owner, records, place.clock, place.ids))


async def test_without_policies_the_predicates_of_postgres_hold(
    postgres_server: PostgresServer,
) -> None:
    with units_of(BlindUnit):
        async with on_postgres(postgres_server) as place:
            siege = past_policies(place)
            await siege.begin()
            for entity in ENTITIES.values():
                await siege.plant(entity)
                attacker, path = siege.attacker, path_of(entity, id_of(entity, 0))
                listed = await attacker.ask("GET", path_of(entity), count="true")
                assert (listed.items, listed.body["count"]) == ([], 0)
                assert (await attacker.dump(entity)).text == ""
                change = a_change(entity, "mine")
                for method, body in (("GET", None), ("PATCH", change), ("DELETE", None)):
                    assert (await attacker.ask(method, path, body)).status == 404
                every = {"where": {"revision": {"gt": ""}}, "max": "9"}
                for method, body in (("PATCH", change), ("DELETE", None)):
                    many = await attacker.ask(method, path_of(entity), body, **every)  # type: ignore[arg-type]
                    assert many.body["count"] == 0
                for field in entity.fields:
                    if field.type is FieldType.VECTOR:
                        vector = {"field": field.name, "vector": [0.25] * (field.dimension or 0)}
                        assert (await attacker.search(entity, vector)).items == []
            assert (await siege.attacker.ask("GET", "/v1/_changes")).items == []
            await siege.end()


async def test_with_neither_wall_the_attacks_get_through(postgres_server: PostgresServer) -> None:
    """So what the suite tries would work if nothing were in its way."""
    with units_of(BareUnit):
        async with on_postgres(postgres_server) as place:
            siege = past_policies(place)
            await siege.plant(USERS)
            assert PLANTED in (await siege.attacker.ask("GET", "/v1/users")).text
            path = path_of(USERS, id_of(USERS, 0))
            stolen = await siege.attacker.ask("PATCH", path, {"displayName": "mine"})
            assert stolen.status == 200
            with pytest.raises(AssertionError):
                await siege.end()
