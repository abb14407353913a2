"""The gateway: a request for records, whoever carried it, and its answer.

    GET POST PATCH DELETE /v1/{entity}      GET PATCH PUT DELETE /v1/{entity}/{id}
    POST /v1/{entity}/_search               POST /v1/{entity}/_import
    GET /v1/{entity}/_export
    POST /v1/{entity}/{id}/_restore         POST /v1/_transact   GET /v1/_changes
    GET /v1/openapi.json
    /v1/_consumers…                         /v1/_subscriptions…

It knows neither sockets nor tokens: the caller is known, and so is its tenant.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency.model import Claim, KeptAnswer, digest_of, fingerprint_of, is_key
from hookyard.core.identity.model import Actor
from hookyard.features.records.access import allow
from hookyard.features.records.bulk.exporting import Exports
from hookyard.features.records.bulk.importing import Imports, Tell, asked_of
from hookyard.features.records.bulk.loading import Loading
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.documents.service import Documents
from hookyard.features.records.feed import Again, Feed
from hookyard.features.records.ids import from_path
from hookyard.features.records.query.params import decoded, flag, read_query
from hookyard.features.records.query.service import Reads
from hookyard.features.records.rules import roles_of
from hookyard.features.records.schema.model import Operation, Policy
from hookyard.features.records.search.service import Searches
from hookyard.features.records.shape import Shape
from hookyard.features.records.trouble import wrong
from hookyard.features.records.writing.conditions import MAX_ETAGS, condition_of
from hookyard.features.records.writing.many import many_of, write_many
from hookyard.features.records.writing.model import NEEDS, Answered, Caller, Verb, Write
from hookyard.features.records.writing.service import Writes
from hookyard.features.records.writing.steps import Work
from hookyard.features.records.writing.transact import Transact
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import MethodNotAllowed, NotFound
from hookyard.kit.json import Json

# why: a dot is in no entity's name.
DOCUMENT = "openapi.json"
_WRITE_QUERY = frozenset({"dry_run"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `segments` are those of the path after /v1/, not decoded yet; `chunks` is the
    body of an import, as it arrives; `again` tells, in the middle of a long one, who the caller
    is by then; `tell` hears what was refused in a call that goes on."""

    method: str
    segments: tuple[str, ...]
    query: bytes
    actor: Actor
    key: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    body: bytes = b""
    chunks: AsyncIterator[bytes] | None = None
    again: Again | None = None
    tell: Tell | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or nothing, or `lines` of JSON as they come, which have to be closed.
    `label` says for metrics what was done."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    label: str = ""
    lines: AsyncGenerator[bytes, None] | None = None


class Desk(Protocol):
    """Answers calls whose path begins with a name of its own, such as `_consumers`."""

    @property
    def routes(self) -> Mapping[str, Mapping[str, object]]:
        """Methods by the path after its name: "", "*", "*/word"; `*` is any one segment."""
        ...

    async def answer(self, call: Call) -> Reply:
        """The answer of a call, or a refusal raised."""
        ...


@dataclass(slots=True)
class Gateway:
    """Answers calls. `desks` answer what is no entity, by the first segment."""

    catalog: Catalog
    reads: Reads
    writes: Writes
    transact: Transact
    feed: Feed
    documents: Documents
    searches: Searches
    imports: Imports
    exports: Exports
    desks: dict[str, Desk] = field(default_factory=dict)

    async def answer(self, call: Call) -> Reply:
        """The answer of a call, or a refusal raised."""
        desk = self.desks.get(call.segments[0])
        if desk is not None:
            return await desk.answer(call)
        template = _template(call.segments)
        by_method = ROUTES.get(template)
        if by_method is None:
            raise NotFound
        method = call.method
        if method == "HEAD" and template != _EXPORT:
            method = "GET"
        handler = by_method.get(method)
        if handler is None:
            raise MethodNotAllowed(allowed=", ".join(by_method))
        return await handler(self, call)

    def routes(self) -> frozenset[tuple[str, str]]:
        """Method and path of everything there is, with `{entity}`, `{id}`, and `*` for the names
        of what desks keep."""
        found = {(method, f"/v1/{path}") for path, by in ROUTES.items() for method in by}
        for name, desk in self.desks.items():
            for path, by_name in desk.routes.items():
                found |= {(method, f"/v1/{name}/{path}".rstrip("/")) for method in by_name}
        return frozenset(found)

    async def _transact(self, call: Call) -> Reply:
        params = read_query(call.query, _WRITE_QUERY)
        body = decoded(call.body, "")
        caller = self._caller(call, "/v1/_transact", flag("dry_run", params.get("dry_run")))
        return _said(await self.transact.run(caller, body, roles_of(call.actor)), "transact")

    async def _changes(self, call: Call) -> Reply:
        body = await self.feed.page(call.actor, call.query, call.again)
        return Reply(200, body, label="changes")

    async def _document(self, call: Call) -> Reply:
        found = await self.documents.of(roles_of(call.actor))
        headers = (("etag", f'"{found.etag}"'),)
        if call.if_none_match and _fits(call.if_none_match, found.etag):
            return Reply(304, b"", headers, "document")
        return Reply(200, found.body, headers, "document")

    async def _search(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        roles = roles_of(call.actor)
        allow(call.actor, shape, Operation.READ, roles)
        read_query(call.query, frozenset())
        body = await self.searches.find(call.actor, shape, roles, decoded(call.body, ""))
        return Reply(200, body, label="search")

    async def _import(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        roles = roles_of(call.actor)
        asked = asked_of(call.query)
        for operation in NEEDS[asked.verb]:
            allow(call.actor, shape, operation, roles)
        key = None if self._caller(call, "", asked.dry_run, shape).claim is None else call.key
        body = await self.imports.run(
            Caller(call.actor, None, asked.dry_run),
            Loading(shape, shape.access(roles), asked.mode),
            key,
            call.chunks or _nothing(),
            call.tell or _untold,
        )
        return Reply(200, body, label="import")

    async def _export(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        roles = roles_of(call.actor)
        allow(call.actor, shape, Operation.READ, roles)
        lines = await self.exports.start(call.actor, shape, roles, call.query)
        headers = (("content-type", "application/x-ndjson"),)
        return Reply(200, b"", headers, "export", lines)

    async def _list(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        roles = roles_of(call.actor)
        allow(call.actor, shape, Operation.READ, roles)
        body = await self.reads.page(call.actor, shape, roles, call.query)
        return Reply(200, body, label="list")

    async def _create(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        return await self._write(call, shape, Verb.CREATE, None)

    async def _update_many(self, call: Call) -> Reply:
        return await self._write_many(call, Verb.UPDATE)

    async def _delete_many(self, call: Call) -> Reply:
        return await self._write_many(call, Verb.DELETE)

    async def _write_many(self, call: Call, verb: Verb) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        roles = roles_of(call.actor)
        # why: a filter tells about records, so who may not read may not choose by it.
        allow(call.actor, shape, Operation.READ, roles)
        for operation in NEEDS[verb]:
            allow(call.actor, shape, operation, roles)
        many = many_of(shape, call.query, roles, self.catalog.known)
        caller = self._caller(call, f"/v1/{shape.entity.name}", many.dry_run, shape)
        body = None if verb is Verb.DELETE else decoded(call.body, "")
        write = Write(verb, shape, shape.access(roles), None, body)

        def answer(unit: Unit, work: Work) -> KeptAnswer:
            return write_many(unit, work, write, many)

        found = await self.writes.together(caller, f"records.{verb.value}", answer)
        return _said(found, f"{verb.value}_many")

    async def _get(self, call: Call) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        record_id = from_path(shape.entity.id, call.segments[1])
        roles = roles_of(call.actor)
        allow(call.actor, shape, Operation.READ, roles)
        found = await self.reads.get(call.actor, shape, roles, record_id, call.query)
        headers = (("etag", f'"{found.revision}"'),)
        if call.if_none_match and _fits(call.if_none_match, found.revision):
            return Reply(304, b"", headers, "get")
        return Reply(200, found.body, headers, "get")

    async def _update(self, call: Call) -> Reply:
        return await self._write_one(call, Verb.UPDATE)

    async def _replace(self, call: Call) -> Reply:
        return await self._write_one(call, Verb.REPLACE)

    async def _delete(self, call: Call) -> Reply:
        return await self._write_one(call, Verb.DELETE)

    async def _restore(self, call: Call) -> Reply:
        return await self._write_one(call, Verb.RESTORE)

    async def _write_one(self, call: Call, verb: Verb) -> Reply:
        shape = await self.catalog.shape(call.segments[0])
        return await self._write(call, shape, verb, from_path(shape.entity.id, call.segments[1]))

    async def _write(self, call: Call, shape: Shape, verb: Verb, record_id: str | None) -> Reply:
        roles = roles_of(call.actor)
        for operation in NEEDS[verb]:
            allow(call.actor, shape, operation, roles)
        access = shape.access(roles)
        dry_run = False
        if call.query:
            dry_run = flag("dry_run", read_query(call.query, _WRITE_QUERY).get("dry_run"))
        template = f"/v1/{shape.entity.name}" + ("" if record_id is None else "/{id}")
        caller = self._caller(call, template, dry_run, shape)
        body: Json = None
        if verb not in (Verb.DELETE, Verb.RESTORE):
            body = decoded(call.body, "")
        write = Write(
            verb, shape, access, record_id, body, condition_of(call.if_match, call.if_none_match)
        )
        return _said(await self.writes.write(caller, write), verb.value)

    def _caller(
        self, call: Call, template: str, dry_run: bool, shape: Shape | None = None
    ) -> Caller:
        policy = Policy.OPTIONAL if shape is None else shape.entity.idempotency
        claim = _claim(call, template, policy)
        return Caller(call.actor, claim, dry_run)


_EXPORT = "{entity}/_export"
ROUTES: Mapping[str, Mapping[str, Callable[[Gateway, Call], Awaitable[Reply]]]] = {
    DOCUMENT: {"GET": Gateway._document},
    "_transact": {"POST": Gateway._transact},
    "_changes": {"GET": Gateway._changes},
    "{entity}": {
        "GET": Gateway._list, "POST": Gateway._create, "PATCH": Gateway._update_many,
        "DELETE": Gateway._delete_many,
    },
    "{entity}/{id}": {
        "GET": Gateway._get, "PATCH": Gateway._update, "PUT": Gateway._replace,
        "DELETE": Gateway._delete,
    },
    "{entity}/{id}/_restore": {"POST": Gateway._restore},
    "{entity}/_search": {"POST": Gateway._search},
    "{entity}/_import": {"POST": Gateway._import},
    _EXPORT: {"GET": Gateway._export},
}  # fmt: skip
"""What is answered, beside what desks answer, by the path after /v1/ and the method."""


def _template(segments: tuple[str, ...]) -> str:
    """The path of `ROUTES` that these segments may be one of."""
    if segments[0][:1] == "_" or segments[0] == DOCUMENT:
        return "/".join(segments)
    match segments:
        case (_,):
            return "{entity}"
        case (_, "_search" | "_import" | "_export" as word):
            return f"{{entity}}/{word}"
        case (_, _):
            return "{entity}/{id}"
        case (_, _, "_restore"):
            return "{entity}/{id}/_restore"
    return ""


async def _untold(_: str) -> None:
    """Where there is no trail to write to."""


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


def _claim(call: Call, template: str, policy: Policy) -> Claim | None:
    if call.key is None:
        if policy is Policy.REQUIRED:
            raise wrong(
                "/header/idempotency-key", "idempotency_key_required",
                "send an Idempotency-Key header: a fresh one for each request, the same to repeat",
            )  # fmt: skip
        return None
    if policy is Policy.NONE:
        raise wrong("/header/idempotency-key", "idempotency_key_not_taken", "no key is taken here")
    if not is_key(call.key):
        raise wrong(
            "/header/idempotency-key", "bad_idempotency_key",
            "a key is 1 to 255 printable ASCII characters",
        )  # fmt: skip
    # why: a kept answer shows what its caller's roles could read; with other roles it is refused.
    target = f"{roles_of(call.actor)} {'/'.join(call.segments)}?{call.query.decode('latin-1')}"
    if call.if_match or call.if_none_match:
        target += f" {call.if_match} {call.if_none_match}"
    return Claim(
        digest_of(call.actor.label, f"{call.method} {template}", call.key),
        fingerprint_of(target, call.body),
    )


def _fits(header: str, revision: str) -> bool:
    """Whether one of the entity tags is this revision's.

    # spec: RFC 9110, 13.1.2: If-None-Match compares weakly.
    """
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")[:MAX_ETAGS]]
    return "*" in tags or f'"{revision}"' in tags


def _said(found: Answered, label: str) -> Reply:
    headers = found.answer.headers
    if found.until_ms is not None:
        headers = (*headers, ("idempotency-expires", to_rfc3339(found.until_ms)))
    if found.replayed:
        headers = (*headers, ("x-idempotent-replay", "true"))
    return Reply(found.answer.status, found.answer.body, headers, label)
