"""Use cases of writing: one record, new ones in batches, several in one transaction.

Record, idempotency key, change and audit entry are one transaction. A twin of a request that is
under way waits for it a while; then it is told to come back.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.idempotency.model import Busy as TwinBusy
from hookyard.core.idempotency.model import Claim, Fresh, KeptAnswer, Mismatch, Replay
from hookyard.core.idempotency.service import Idempotency
from hookyard.features.records import store_changes
from hookyard.features.records.feeding.bell import CHANNEL
from hookyard.features.records.schema.model import Make
from hookyard.features.records.shape import encode
from hookyard.features.records.store_changes import Change
from hookyard.features.records.writing.create import SHORT, Came, Creation, Newcomer, Outcome
from hookyard.features.records.writing.draft import Setting, as_fields, location, new_record
from hookyard.features.records.writing.model import ALWAYS, Answered, Caller, Verb, Write, Written
from hookyard.features.records.writing.steps import Work, payload, perform, taken
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import Busy, Unprocessable
from hookyard.kit.ids import IdMaker, uuid7

TWIN_WAIT_S = 2.0
TWIN_LOOK_S = 0.02


class Rehearsed(Exception):
    """A dry run is over: the unit that did it is rolled back, its answer was this."""

    def __init__(self, answer: KeptAnswer) -> None:
        self.answer = answer


class Writes:
    """Writes records."""

    def __init__(
        self,
        database: Database,
        idempotency: Idempotency,
        audit: Audit,
        ids: IdMaker,
        clock: Clock,
    ) -> None:
        self._database = database
        self._idempotency = idempotency
        self._audit = audit
        self._ids = ids
        self._clock = clock
        self._told = partial(database.announce, CHANNEL)
        self._creation = database.batcher(
            Creation(idempotency, audit, self._told),
            short=lambda item: item.size <= SHORT,
            alone=True,
        )

    async def write(self, caller: Caller, write: Write) -> Answered:
        """One write and its answer."""
        if (
            write.verb is Verb.CREATE
            and write.id is None
            and write.condition is ALWAYS
            and not caller.dry_run
        ):
            return await self._create(caller, write)

        def answer(unit: Unit, work: Work) -> KeptAnswer:
            return single_answer(perform(unit, work, write))

        return await self.together(caller, f"records.{write.verb.value}", answer)

    async def together(
        self, caller: Caller, action: str, answer: Callable[[Unit, Work], KeptAnswer]
    ) -> Answered:
        """One unit: key claimed, work done, key kept, changes numbered, entries recorded."""

        def whole(unit: Unit) -> Answered | TwinBusy:
            return self._in_unit(unit, caller, action, answer)

        async def attempt() -> Answered | TwinBusy:
            try:
                return await self._database.write(whole)
            except Rehearsed as over:
                return Answered(over.answer)

        return await self._patiently(attempt)

    def _in_unit(
        self,
        unit: Unit,
        caller: Caller,
        action: str,
        answer: Callable[[Unit, Work], KeptAnswer],
    ) -> Answered | TwinBusy:
        now_ms, tenant, claim = self._clock.now_ms(), caller.tenant, caller.claim
        unit.confine(tenant)
        if claim is not None and not caller.dry_run:
            verdict = self._idempotency.claim(unit, tenant, [claim], now_ms)[claim.digest]
            if isinstance(verdict, TwinBusy):
                return verdict
            if not isinstance(verdict, Fresh):
                return replayed(verdict)
        work = Work(
            tenant, caller.actor.label, now_ms,
            lambda: self._ids.new(now_ms), lambda: uuid7(now_ms),
        )  # fmt: skip
        found = answer(unit, work)
        if caller.dry_run:
            raise Rehearsed(found)
        if claim is not None:
            self._idempotency.complete(unit, tenant, claim.digest, found)
        store_changes.append(unit, tenant, work.changes, self._told)
        unit.set_free()
        self._record(unit, work, action)
        return Answered(found, until_ms=self._until(caller, now_ms))

    def _record(self, unit: Unit, work: Work, action: str) -> None:
        """One entry for each change, under the name of what was asked for."""
        for change in work.changes:
            target = f"{change.aggregatetype}/{change.aggregateid}"
            entry = AuditEntry(work.actor, action, target, tenant=work.tenant)
            if change.type not in action:
                entry = replace(entry, detail={"change": change.type})
            self._audit.record(unit, entry, work.now_ms)

    async def _create(self, caller: Caller, write: Write) -> Answered:
        newcomer, answer = self._newcomer(caller, write)

        async def attempt() -> Answered | TwinBusy:
            came: Outcome = await self._creation.submit(newcomer)
            if came is Came.STORED:
                return Answered(answer, until_ms=self._until(caller, newcomer.now_ms))
            if isinstance(came, Came):
                of = "id" if came is Came.ID_TAKEN else "unique"
                raise taken(write.shape, write.access, write.pointer, of=of)
            if isinstance(came, Replay | Mismatch):
                return replayed(came)
            return TwinBusy()

        return await self._patiently(attempt)

    def _newcomer(self, caller: Caller, write: Write) -> tuple[Newcomer, KeptAnswer]:
        """A new record with all that is stored along with it, and the answer it will get."""
        now_ms, shape = self._clock.now_ms(), write.shape
        made = uuid7(now_ms) if shape.entity.id.make is Make.UUID else self._ids.new(now_ms)
        setting = Setting(caller.tenant, to_rfc3339(now_ms), self._ids.new(now_ms))
        body = as_fields(write.data, write.pointer)
        record = new_record(shape, write.access, body, setting, write.pointer, make_id=made)
        record_id = str(record["id"])
        names = write.access.view.names
        shown = encode(record if names == shape.names else {name: record[name] for name in names})
        told = (
            f'{{"op":"c","before":null,"after":{shown.decode()}}}'
            if names == shape.told
            else payload(shape, Verb.CREATE, None, record)
        )
        actor = caller.actor.label
        change = Change(
            setting.revision, shape.entity.name, record_id, "created", told, now_ms, actor
        )
        headers = (("etag", f'"{setting.revision}"'), ("location", location(shape, record_id)))
        answer = KeptAnswer(201, headers, shown)
        claim = caller.claim
        if claim is not None:
            claim = Claim(claim.digest, claim.fingerprint, answer)
        row = shape.row(record)
        newcomer = Newcomer(caller.tenant, shape, row, change, claim, now_ms, 3 * len(shown))
        return newcomer, answer

    def _until(self, caller: Caller, now_ms: int) -> int | None:
        return None if caller.claim is None else now_ms + self._idempotency.keep_ms

    async def _patiently(self, attempt: Callable[[], Awaitable[Answered | TwinBusy]]) -> Answered:
        """Try until the twin under way is done; Busy when that takes too long."""
        deadline = self._clock.monotonic() + TWIN_WAIT_S
        while True:
            found = await attempt()
            if not isinstance(found, TwinBusy):
                return found
            if self._clock.monotonic() >= deadline:
                raise Busy
            await self._clock.sleep(TWIN_LOOK_S)


def replayed(verdict: Replay | Mismatch) -> Answered:
    """What a used key gives; Unprocessable for a request that is another one."""
    if isinstance(verdict, Mismatch):
        raise Unprocessable(
            "the idempotency key was used for another request", code="idempotency_mismatch"
        )
    return Answered(verdict.answer, replayed=True, until_ms=verdict.until_ms)


def single_answer(done: Written) -> KeptAnswer:
    """The answer of one write."""
    if done.record is None:
        return KeptAnswer(done.status)
    headers: tuple[tuple[str, str], ...] = (("etag", f'"{done.revision}"'),)
    if done.status == 201:
        headers = (*headers, ("location", location(done.shape, done.id)))
    return KeptAnswer(done.status, headers, encode(done.record))


def many_answer(results: Sequence[Written]) -> KeptAnswer:
    """The answer of several writes: for each its status, id, revision, and the record."""
    return KeptAnswer(200, (), encode({"results": [_result(done) for done in results]}))


def _result(done: Written) -> dict[str, object]:
    found: dict[str, object] = {"status": done.status, "id": done.id}
    if done.record is not None:
        found |= {"revision": done.revision, "record": done.record}
    return found
