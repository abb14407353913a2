"""Requests for records, and what is read out of their answers. Pure; both clients send them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import quote
from uuid import uuid4

from hookyard.client.transport import KEY, Answer, Request, Values, as_json

T = TypeVar("T")
RecordId: TypeAlias = str | Sequence[str]
"""An id; one of several parts is given as its parts."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its fields by name, its revision for conditions. `replayed` says that the answer
    was given before, for the same key."""

    id: str
    revision: str
    fields: Values
    replayed: bool = False

    def __getitem__(self, name: str) -> object:
        return self.fields[name]


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a list; `next_cursor` leads on, `count` is there when it was asked for."""

    items: Sequence[Record]
    next_cursor: str | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Query:
    """Which records of a list, in which order, with what of them."""

    where: Values | None = None
    order_by: Values | Sequence[Values] | None = None
    select: Sequence[str] | None = None
    include: Values | None = None
    limit: int | None = None
    count: bool = False
    with_deleted: bool = False

    def params(self, cursor: str | None = None) -> dict[str, str]:
        """As parameters of a request."""
        found: dict[str, str] = {}
        for name, value in (
            ("where", self.where), ("orderBy", self.order_by), ("include", self.include),
        ):  # fmt: skip
            if value is not None:
                found[name] = as_json(value).decode()
        if self.select is not None:
            found["select"] = as_json(list(self.select)).decode()
        if self.limit is not None:
            found["limit"] = str(self.limit)
        if self.count:
            found["count"] = "true"
        if self.with_deleted:
            found["withDeleted"] = "true"
        if cursor is not None:
            found["cursor"] = cursor
        return found


@dataclass(frozen=True, slots=True)
class Done:
    """What one write of a transaction did: 200, 201 or 204, and the record where there is one."""

    status: int
    id: str
    record: Record | None


@dataclass(frozen=True, slots=True)
class Many:
    """Which records a write over a filter reached."""

    count: int
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and how its answer is read."""

    request: Request
    read: Callable[[Answer], T]


@dataclass(frozen=True, slots=True)
class How:
    """How a write is to be done. `key` None makes one, "" sends none; `if_match` is a revision, or
    * for any."""

    key: str | None = None
    if_match: str | None = None
    if_absent: bool = False
    dry_run: bool = False


PLAIN = How()
EVERY = Query()


def new_key() -> str:
    """A fresh idempotency key."""
    return str(uuid4())


def id_text(record_id: RecordId) -> str:
    """An id as it stands in bodies."""
    if isinstance(record_id, str):
        return record_id
    return ":".join(quote(part, safe=" !$&'()*+,;=@~") for part in record_id)


def path_of(entity: str, record_id: RecordId | None = None) -> str:
    """The path of a record, or of its collection."""
    base = f"/v1/{quote(entity, safe='')}"
    if record_id is None:
        return base
    if isinstance(record_id, str):
        return f"{base}/{quote(record_id, safe=':')}"
    return f"{base}/{':'.join(quote(part, safe='') for part in record_id)}"


def get(entity: str, record_id: RecordId, query: Query) -> Call[Record]:
    """One record."""
    params = {n: v for n, v in query.params().items() if n in ("select", "include")}
    return Call(Request("GET", path_of(entity, record_id), params), record_of)


def page(entity: str, query: Query, cursor: str | None) -> Call[Page]:
    """A page of records."""
    return Call(Request("GET", path_of(entity), query.params(cursor)), _page)


def write(
    method: str, path: str, body: object, how: How, new_key: Callable[[], str]
) -> Call[Record]:
    """A write of one record."""
    return Call(_write(method, path, body, how, new_key), record_of)


def upsert(
    entity: str, record_id: RecordId, data: Values, how: How, new_key: Callable[[], str]
) -> Call[Record]:
    """A change of one record, or a new one: a transaction of one write."""
    step = operation("upsert", entity, record_id, data, how.if_match)
    kept = How(key=how.key, dry_run=how.dry_run)
    return Call(transact([step], kept, new_key).request, _only_record)


def restore(entity: str, record_id: RecordId, how: How, new_key: Callable[[], str]) -> Call[Record]:
    """A deleted record brought back."""
    return write("POST", f"{path_of(entity, record_id)}/_restore", None, how, new_key)


def delete(entity: str, record_id: RecordId, how: How, new_key: Callable[[], str]) -> Call[None]:
    """The end of one record."""
    path = path_of(entity, record_id)
    return Call(_write("DELETE", path, None, how, new_key), lambda _: None)


def many(
    method: str, entity: str, where: Values, most: int, body: object, how: How,
    new_key: Callable[[], str],
) -> Call[Many]:  # fmt: skip
    """A write of every record that fits."""
    params = {"where": as_json(where).decode(), "max": str(most)}
    return Call(_write(method, path_of(entity), body, how, new_key, params), _many)


def transact(
    operations: Sequence[Values], how: How, new_key: Callable[[], str]
) -> Call[Sequence[Done]]:
    """Several writes, all or none."""
    body = {"operations": list(operations)}
    return Call(_write("POST", "/v1/_transact", body, how, new_key), _results)


def operation(
    op: str, entity: str, record_id: RecordId | Mapping[str, str] | None = None,
    data: Values | None = None, if_match: str | None = None,
) -> Values:  # fmt: skip
    """One operation of a transaction; an id may be a reference, `ref(0, "userId")`."""
    found: dict[str, object] = {"op": op, "entity": entity}
    if record_id is not None:
        found["id"] = record_id if isinstance(record_id, Mapping) else id_text(record_id)
    if data is not None:
        found["data"] = data
    if if_match is not None:
        found["ifMatch"] = if_match
    return found


def ref(number: int, name: str) -> Mapping[str, str]:
    """What an operation before this one wrote: its number, a field of its record."""
    return {"$ref": f"{number}/{name}"}


def _write(
    method: str, path: str, body: object, how: How, new_key: Callable[[], str],
    params: Mapping[str, str] | None = None,
) -> Request:  # fmt: skip
    headers: dict[str, str] = {}
    key = new_key() if how.key is None else how.key
    if key:
        headers[KEY] = key
    if how.if_absent:
        headers["if-none-match"] = "*"
    if how.if_match is not None:
        bare = how.if_match == "*" or '"' in how.if_match
        headers["if-match"] = how.if_match if bare else f'"{how.if_match}"'
    asked = dict(params or {})
    if how.dry_run:
        asked["dry_run"] = "true"
    return Request(method, path, asked, headers, None if body is None else as_json(body))


def record_of(answer: Answer) -> Record:
    """The record of an answer."""
    replayed = answer.headers.get("x-idempotent-replay") == "true"
    fields = answer.values()
    revision = answer.headers.get("etag", "").strip('"') or str(fields.get("revision", ""))
    return Record(str(fields.get("id", "")), revision, fields, replayed)


def record_in(fields: object) -> Record:
    """A record among others in an answer."""
    assert isinstance(fields, dict)  # noqa: S101
    return Record(str(fields.get("id", "")), str(fields.get("revision", "")), fields)


def _page(answer: Answer) -> Page:
    found = answer.values()
    items, cursor, count = found["items"], found["next_cursor"], found.get("count")
    assert isinstance(items, list)  # noqa: S101
    return Page(
        [record_in(item) for item in items],
        None if cursor is None else str(cursor),
        count if isinstance(count, int) else None,
    )


def _only_record(answer: Answer) -> Record:
    (done,) = _results(answer)
    assert done.record is not None  # noqa: S101
    return done.record


def _many(answer: Answer) -> Many:
    found = answer.values()
    ids = found["ids"]
    assert isinstance(ids, list)  # noqa: S101
    return Many(len(ids), [str(one) for one in ids])


def _results(answer: Answer) -> Sequence[Done]:
    results = answer.values()["results"]
    assert isinstance(results, list)  # noqa: S101
    return [
        Done(one["status"], one["id"], record_in(one["record"]) if "record" in one else None)
        for one in results
    ]
