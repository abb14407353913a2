"""Look-ups of single records, gathered: what is asked for together is read in one transaction.

# why: on Postgres a look-up behind the wall takes three round trips (begin and confine, select,
# end), whatever it selects; under load the callers of a moment share them. A lone caller waits for
# nobody: a transaction begins at once while fewer than TRANSACTIONS are under way. SQLite answers
# on the event loop, faster than anything could be gathered.
"""

import asyncio
from collections import deque

from hookyard.adapters.database.port import Database, Row, Unit
from hookyard.features.records.query import store_query
from hookyard.features.records.shape import Shape, View

TRANSACTIONS = 3
AT_ONCE = 64


class _Ask:
    """One look-up and who waits for it."""

    __slots__ = ("future", "record_id", "shape", "tenant", "view")

    def __init__(
        self,
        tenant: str,
        shape: Shape,
        view: View,
        record_id: str,
        future: "asyncio.Future[Row | None]",
    ) -> None:
        self.tenant = tenant
        self.shape = shape
        self.view = view
        self.record_id = record_id
        self.future = future


class Gets:
    """Reads rows by tenant and id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_sqlite = database.dialect == "sqlite"
        self._waiting: deque[_Ask] = deque()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, tenant: str, shape: Shape, view: View, record_id: str) -> Row | None:
        """The row of a record, None without one."""
        if self._is_sqlite:
            rows = await self._database.peek(
                lambda unit: store_query.one(unit, shape, view, tenant, record_id)
            )
            return rows[0] if rows else None
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Ask(tenant, shape, view, record_id, future))
        if self._under_way < TRANSACTIONS:
            self._under_way += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                asks = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                await self._answer(asks)
        finally:
            self._under_way -= 1

    async def _answer(self, asks: list[_Ask]) -> None:
        try:
            found = await self._database.read(lambda unit: _read(unit, asks))
        except Exception as error:
            for ask in asks:
                if not ask.future.done():
                    ask.future.set_exception(error)
            return
        for ask, row in zip(asks, found, strict=True):
            if not ask.future.done():
                ask.future.set_result(row)


def _read(unit: Unit, asks: list[_Ask]) -> list[Row | None]:
    """The rows of several look-ups, in their order; those of a tenant are read confined to it."""
    groups: dict[tuple[str, int, int], list[_Ask]] = {}
    for ask in asks:
        groups.setdefault((ask.tenant, id(ask.shape), id(ask.view)), []).append(ask)
    found: dict[int, Row | None] = {}
    confined = ""
    for (tenant, _, _), group in sorted(groups.items(), key=lambda pair: pair[0][0]):
        if tenant != confined:
            unit.confine(tenant)
            confined = tenant
        shape, view = group[0].shape, group[0].view
        if len(group) == 1:
            rows = store_query.one(unit, shape, view, tenant, group[0].record_id)
            found[id(group[0])] = rows[0] if rows else None
            continue
        named = shape.named(view)
        by_id = {
            row[-1]: row[:-1]
            for row in store_query.many(
                unit, shape, named, tenant, list({ask.record_id for ask in group})
            )
        }
        for ask in group:
            found[id(ask)] = by_id.get(ask.record_id)
    return [found[id(ask)] for ask in asks]
