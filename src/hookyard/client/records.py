"""Records over HTTP, for programs that block.

    with Records("https://hookyard.example.com", token) as records:
        made = records.create("users", {"displayName": "Ada"})
        records.update("users", made.id, {"kind": "agent"}, How(if_match=made.revision))
        for user in records.iterate("users", Query(where={"kind": "agent"})):
            ...

Every write has an idempotency key, made here where none is given, and is asked again with the same
key when the server is busy, away, or has a twin under way: it is done once. Refusals are raised as
`Problem` with `code` and `pointer`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

import httpx2

from hookyard.client import bulk, calls
from hookyard.client.bulk import Batch, Batches, Report
from hookyard.client.calls import (
    EVERY,
    PLAIN,
    Call,
    Done,
    How,
    Many,
    Page,
    Query,
    Record,
    RecordId,
    new_key,
    path_of,
)
from hookyard.client.search import Found, Search, search
from hookyard.client.transport import (
    Asking,
    NoAnswer,
    Problem,
    Values,
    headers_of,
    opened,
    pause,
    send,
)

T = TypeVar("T")


class Records:
    """The records of one server, as one caller."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        tenant: str | None = None,
        attempts: int = 6,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], object] = pause,
    ) -> None:
        self._asking = Asking(headers_of(token, tenant), attempts)
        self._own = http is None
        self._http = http or httpx2.Client(timeout=30.0)
        self._url = url.rstrip("/")
        self._sleep = sleep

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        if self._own:
            self._http.close()

    def get(self, entity: str, record_id: RecordId, query: Query = EVERY) -> Record:
        """One record; Missing when there is none. Of the query `select` and `include` count."""
        return self.run(calls.get(entity, record_id, query))

    def page(self, entity: str, query: Query = EVERY, cursor: str | None = None) -> Page:
        """A page of records: the first, or the one that a cursor leads to."""
        return self.run(calls.page(entity, query, cursor))

    def iterate(self, entity: str, query: Query = EVERY) -> Iterator[Record]:
        """Every record of a list, page by page."""
        cursor: str | None = None
        while True:
            found = self.page(entity, query, cursor)
            yield from found.items
            cursor = found.next_cursor
            if cursor is None:
                return

    def create(self, entity: str, data: Values, how: How = PLAIN) -> Record:
        """A new record."""
        return self.run(calls.write("POST", path_of(entity), data, how, new_key))

    def update(self, entity: str, record_id: RecordId, change: Values, how: How = PLAIN) -> Record:
        """A record changed by a merge patch."""
        path = path_of(entity, record_id)
        return self.run(calls.write("PATCH", path, change, how, new_key))

    def replace(self, entity: str, record_id: RecordId, data: Values, how: How = PLAIN) -> Record:
        """A record replaced, or made where there is none."""
        path = path_of(entity, record_id)
        return self.run(calls.write("PUT", path, data, how, new_key))

    def upsert(self, entity: str, record_id: RecordId, data: Values, how: How = PLAIN) -> Record:
        """A record changed by a merge patch, or made where there is none."""
        return self.run(calls.upsert(entity, record_id, data, how, new_key))

    def delete(self, entity: str, record_id: RecordId, how: How = PLAIN) -> None:
        """A record taken away."""
        self.run(calls.delete(entity, record_id, how, new_key))

    def restore(self, entity: str, record_id: RecordId, how: How = PLAIN) -> Record:
        """A deleted record brought back."""
        return self.run(calls.restore(entity, record_id, how, new_key))

    def update_many(
        self, entity: str, where: Values, change: Values, most: int, how: How = PLAIN
    ) -> Many:
        """Every record that fits changed, `most` of them at most."""
        return self.run(calls.many("PATCH", entity, where, most, change, how, new_key))

    def delete_many(self, entity: str, where: Values, most: int, how: How = PLAIN) -> Many:
        """Every record that fits taken away, `most` of them at most."""
        return self.run(calls.many("DELETE", entity, where, most, None, how, new_key))

    def transact(self, operations: Sequence[Values], how: How = PLAIN) -> Sequence[Done]:
        """Several writes, all or none; each is made by `calls.operation`."""
        return self.run(calls.transact(operations, how, new_key))

    def search(self, entity: str, asked: Search) -> Found:
        """The records nearest to a vector, the nearest first."""
        return self.run(search(entity, asked))

    def load(
        self, entity: str, records: Iterable[Values], mode: str = "create", how: How = PLAIN
    ) -> Report:
        """Many records, `create`d or with mode `upsert` merged into those that are there.

        Those that are refused are told, and the others written. The same records under the same
        `How(key=…)` go on with what was cut off.
        """
        key = new_key() if how.key is None else how.key
        batches, report = Batches(), Report()
        for record in records:
            batch = batches.add(record)
            if batch is not None:
                report = report.and_then(self._load(entity, batch, mode, key, how))
        batch = batches.rest()
        if batch is not None:
            report = report.and_then(self._load(entity, batch, mode, key, how))
        return report

    def export(
        self, entity: str, where: Values | None = None, select: Sequence[str] | None = None
    ) -> Iterator[Values]:
        """Every record with all its fields, all of one moment, as they come; NoAnswer when they
        end too early."""
        request = bulk.export(entity, where, select)
        request = replace(request, path=self._url + request.path)
        with opened(self._http, self._asking, request, self._sleep) as answer:
            try:
                for line in answer.iter_lines():
                    yield json.loads(line)
            except httpx2.RequestError as error:
                raise NoAnswer(f"the export was cut off ({type(error).__name__})") from None

    def _load(self, entity: str, batch: Batch, mode: str, key: str, how: How) -> Report:
        try:
            return self.run(bulk.load(entity, batch, mode, key, how))
        except Problem as problem:
            raise bulk.moved(problem, batch) from None

    def run(self, call: Call[T]) -> T:
        """Any call, as those of `feeds`, sent until there is an answer."""
        request = replace(call.request, path=self._url + call.request.path)
        return call.read(send(self._http, self._asking, request, self._sleep))
