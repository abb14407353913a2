"""Use case of exporting: `GET /v1/{entity}/_export`, every record as a line of JSON.

All lines are of one snapshot, in the order of ids. Memory holds a page of them.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.records.bulk import store_bulk
from hookyard.features.records.bulk.spool import Abandoned, Spool
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.query.params import read_query, where_of
from hookyard.features.records.query.plan import Statement, names_of
from hookyard.features.records.query.selection import selected
from hookyard.features.records.shape import Shape, View, encode
from hookyard.kit.errors import Unavailable

AT_ONCE = 8
READ_AT_ONCE = 1
TIME_S = 900.0
FIRST = 20
_KNOWN = frozenset({"where", "select"})


class Exports:
    """Streams records out."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._open = 0
        # why: an export reads for as long as it takes, and lists need readers meanwhile.
        self._turns = asyncio.Semaphore(READ_AT_ONCE)

    async def start(
        self, actor: Actor, shape: Shape, roles: int, query: bytes
    ) -> AsyncGenerator[bytes, None]:
        """The lines, once the first of them are there. The iterator has to be closed."""
        params = read_query(query, _KNOWN)
        where = where_of(params["where"]) if "where" in params else None
        view = _whole(shape, roles)
        if "select" in params:
            view = selected(shape, names_of(params), roles)
        statement = store_bulk.plan_export(shape, view, where, roles, self._catalog.known)
        if self._open >= AT_ONCE:
            raise Unavailable("enough exports are running already", retry_after_s=10)
        self._open += 1
        spool = Spool()
        filling = asyncio.create_task(self._fill(spool, actor.tenant, statement, view))
        try:
            await spool.begun()
        except BaseException:
            await self._finish(spool, filling)
            raise
        return self._lines(spool, filling)

    async def _lines(
        self, spool: Spool, filling: "asyncio.Task[None]"
    ) -> AsyncGenerator[bytes, None]:
        try:
            async for page in spool.pages():
                yield page
        finally:
            await self._finish(spool, filling)

    async def _finish(self, spool: Spool, filling: "asyncio.Task[None]") -> None:
        spool.abandon()
        self._open -= 1
        with suppress(asyncio.CancelledError):
            await asyncio.shield(filling)
        if filling.done():
            spool.close()
        else:
            filling.add_done_callback(lambda _: spool.close())

    async def _fill(self, spool: Spool, tenant: str, statement: Statement, view: View) -> None:
        def work(unit: Unit) -> None:
            unit.confine(tenant)
            unit.within(TIME_S)
            unit.in_order()
            if spool.has_pages:
                # why: a unit may be run again, and what is out already is of another snapshot.
                raise Unavailable("the database was lost in the middle of an export")
            after, count = "", FIRST
            while rows := store_bulk.page(unit, tenant, statement, after, count):
                page = b"".join(encode(view.record(row[:-1])) + b"\n" for row in rows)
                spool.add(page)
                if len(rows) < count:
                    break
                after, count = str(rows[-1][-1]), store_bulk.next_count(len(rows), len(page))

        try:
            async with self._turns:
                await self._database.read(work)
        except Abandoned:
            spool.end()
        except Exception as error:
            spool.end(error)
        else:
            spool.end()


def _whole(shape: Shape, roles: int) -> View:
    """Everything the caller may read, vectors too: what was taken out can be put in again."""
    readable = shape.access(roles).readable
    return shape.view(tuple(name for name in shape.names if name in readable))
