"""Lists on Postgres read a page along an index, also where the planner knows nothing of a table."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from hookyard.adapters.database.port import RawSql, Row, SqlValue, Unit
from hookyard.features.records.gateway import Call
from hookyard.features.records.query import cursors, store_query
from hookyard.features.records.query.params import read_query
from hookyard.features.records.query.plan import KNOWN, Statement, plan_list
from hookyard.features.records.rules import roles_of

from .places import Place, an_actor

TICKETS = """
entities:
  tickets:
    id: {field: ticketId, make: client}
    fields:
      status: {type: enum, values: [open, done]}
      points: int
      code: {type: string, unique: true}
      title: string
      boxId: id
    relations:
      box: {one: boxes, by: boxId}
    indexes:
      - [createdAt]
      - [status]
      - [status, createdAt]
      - [points]
      - [boxId]
  boxes:
    id: {field: boxId, make: client}
    fields: {label: string}
"""
ROWS, LIMIT = 20_000, 50
NO_STATISTICS = "ALTER TABLE rec_tickets SET (autovacuum_enabled = false)"
FILL = (
    "INSERT INTO rec_tickets (_tenant, _id, _rev, _created, _updated, status, points, code, title)"
    " SELECT 'acme', 't' || lpad(n::text, 7, '0'), 'r', at, at,"
    " CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END,"
    " CASE WHEN n % 4 = 0 THEN NULL ELSE n / 10 END, 'c' || lpad(n::text, 7, '0'), 't'"
    " FROM (SELECT n, '2026-01-01T00:' || lpad((n / 6000)::text, 2, '0') || ':'"
    " || lpad((n / 100 % 60)::text, 2, '0') || '.000Z' AS at"
    " FROM generate_series(1, 20000) AS n) AS made"
)


ARTIFACTS = (
    "INSERT INTO rec_artifacts (_tenant, _id, _rev, _created, _updated, name, sha256)"
    " SELECT 'acme', 't' || lpad(n::text, 7, '0'), 'r', '2026', '2026', 'n', lpad(n::text, 64, '0')"
    " FROM generate_series(1, 20000) AS n"
)


@pytest.fixture
async def tickets(fort: Place) -> AsyncIterator[Place]:
    if fort.owner is None:
        pytest.skip("SQLite goes along an index by itself")
    await fort.apply(TICKETS)
    await fort.owner.write(lambda unit: unit.run_raw(RawSql.same(NO_STATISTICS)))

    def fill(unit: Unit) -> None:
        unit.confine("acme")
        unit.run_raw(RawSql.same(FILL))

    await fort.database.write(fill)
    await fort.call("GET", "/v1/tickets?limit=1")
    yield fort


def created(n: int) -> str:
    return f"2026-01-01T00:{n // 6000:02}:{n // 100 % 60:02}.000Z"


def named(n: int) -> str:
    return f"t{n:07}"


class Explained:
    """What the planner did for each statement of a list, as it was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.nodes: list[dict[str, object]] = []
        monkeypatch.setattr(store_query, "rows", self._rows)

    def _rows(self, unit: Unit, tenant: str, statement: Statement) -> list[Row]:
        text = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.sql.postgresql}"
        said = unit.fetch_raw(RawSql.same(text), tenant, *statement.params)[0][0]
        self._note(json.loads(str(said))[0]["Plan"])
        return unit.fetch_raw(statement.sql, tenant, *statement.params)

    def _note(self, node: dict[str, object]) -> None:
        self.nodes.append(node)
        for inner in node.get("Plans", ()):  # type: ignore[attr-defined]
            self._note(inner)

    @property
    def kinds(self) -> set[str]:
        return {str(node["Node Type"]) for node in self.nodes}

    @property
    def read(self) -> int:
        """How many rows of the table were looked at."""
        return sum(
            round(float(str(node["Actual Rows"]))) + int(str(node.get("Rows Removed by Filter", 0)))
            for node in self.nodes
            if "Scan" in str(node["Node Type"])
        )


def asked(where: object, order: object) -> str:
    query = f"limit={LIMIT}"
    if where is not None:
        query += f"&where={quote(json.dumps(where))}"
    if order is not None:
        query += f"&orderBy={quote(json.dumps(order))}"
    return query


async def page_from(place: Place, query: str, values: list[SqlValue] | None) -> list[str]:
    """The ids of the page after these values of the order's columns."""
    actor, catalog = an_actor(), place.records.catalog
    if values is not None:
        roles = roles_of(actor)
        shape = await catalog.shape("tickets")
        params = read_query(query.encode(), KNOWN)
        plan = plan_list(shape, params, "acme", roles, catalog.known, catalog.cursor_key)
        query += f"&cursor={cursors.write(catalog.cursor_key, plan.context, values)}"
    reply = await place.records.gateway.answer(Call("GET", ("tickets",), query.encode(), actor))
    return [one["id"] for one in json.loads(reply.body)["items"]]


MIDDLE = 10_000
WALKED: list[tuple[object, object, list[SqlValue], int]] = [
    (None, None, [named(MIDDLE)], MIDDLE + 1),
    (None, {"ticketId": "desc"}, [named(MIDDLE)], MIDDLE - 1),
    (None, {"createdAt": "desc"}, [created(MIDDLE), named(MIDDLE)], MIDDLE - 1),
    (None, {"createdAt": "asc"}, [created(MIDDLE), named(MIDDLE)], MIDDLE + 1),
    ({"status": "open"}, None, [named(MIDDLE)], MIDDLE + 100),
    ({"status": "done"}, {"createdAt": "desc"}, [created(MIDDLE), named(MIDDLE)], MIDDLE - 1),
    ({"AND": [{"status": "open"}]}, {"createdAt": "asc"}, [created(MIDDLE), named(MIDDLE)],
     MIDDLE + 100),
    (None, {"points": "asc"}, [MIDDLE // 10, named(MIDDLE + 1)], MIDDLE + 2),
    (None, {"points": "asc"}, [None, named(MIDDLE)], MIDDLE + 4),
    (None, {"points": "desc"}, [MIDDLE // 10, named(MIDDLE + 1)], MIDDLE - 1),
    (None, {"points": "desc"}, [None, named(MIDDLE)], MIDDLE - 4),
    ({"createdAt": {"gte": created(MIDDLE)}}, {"createdAt": "asc"},
     [created(MIDDLE), named(MIDDLE)], MIDDLE + 1),
    (None, {"code": "asc"}, [f"c{MIDDLE:07}", named(MIDDLE)], MIDDLE + 1),
]  # fmt: skip


async def test_a_page_is_read_along_an_index_wherever_it_begins(
    tickets: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where, order, values, first in WALKED:
        for place in (None, values):
            explained = Explained(monkeypatch)
            found = await page_from(tickets, asked(where, order), place)
            said = (where, order, place, explained.nodes)
            assert len(found) == LIMIT, said
            assert "Sort" not in explained.kinds, said
            assert explained.read <= 4 * LIMIT, said
        assert found[0] == named(first), (where, order)


async def test_a_filter_that_another_index_knows_is_left_to_the_planner(
    tickets: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tickets.owner is not None
    await tickets.owner.write(lambda unit: unit.run_raw(RawSql.same("ANALYZE rec_tickets")))
    for where in (
        {"createdAt": {"gte": created(ROWS)}},
        {"ticketId": {"in": [named(7), named(15_000)]}},
        {"code": {"in": ["c0000007", "c0015000"]}},
    ):
        explained = Explained(monkeypatch)
        assert await page_from(tickets, asked(where, None), None)
        assert explained.read <= 200, (where, explained.nodes)


async def test_a_unique_value_is_found_through_its_index(
    tickets: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = Explained(monkeypatch)
    found = await page_from(tickets, asked({"code": "c0000007"}, None), None)
    assert found == [named(7)]
    assert explained.read == 1, explained.nodes


async def test_related_records_and_counts_are_planned_as_ever(tickets: Place) -> None:
    await tickets.call("POST", "/v1/boxes", b'{"boxId":"b","label":"Box"}')
    await tickets.call("POST", "/v1/tickets", b'{"ticketId":"a","boxId":"b"}')
    said = await tickets.call("GET", "/v1/tickets?limit=1&count=true&include=%7B%22box%22:true%7D")
    body = json.loads(said.body)
    assert body["count"] == ROWS + 1
    assert body["items"][0]["box"]["label"] == "Box"


async def test_each_of_several_ids_is_found_by_the_primary_key(fort: Place) -> None:
    if fort.owner is None:
        pytest.skip("SQLite finds them so by itself")
    shape = await fort.records.catalog.shape("artifacts")

    def filled(unit: Unit) -> None:
        unit.run_raw(RawSql.same("ALTER TABLE rec_artifacts SET (autovacuum_enabled = false)"))
        unit.run_raw(RawSql.same(ARTIFACTS))

    await fort.owner.write(filled)

    asked = [named(n) for n in range(1, 20)]

    def planned(unit: Unit, statement: RawSql) -> str:
        unit.confine("acme")
        explained = RawSql.same(f"EXPLAIN {statement.postgresql}")
        return "\n".join(str(row[0]) for row in unit.fetch_raw(explained, "acme", asked))

    for statement in (shape.get_many(shape.whole), shape.lock_many):
        said = await fort.database.write(lambda unit, it=statement: planned(unit, it))  # type: ignore[misc]
        assert "Index Scan using rec_artifacts_pkey" in said
