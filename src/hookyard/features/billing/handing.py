"""Hands provider keys to attempts: whose project has the key, and who is listed as its holder.

An attempt's keys are on record and in the audit trail before their values leave; a process that is
killed in between has given nothing away, and the attempt is lost and made again.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import DEFAULT_TENANT, Actor
from hookyard.core.identity.scopes import FindRepository
from hookyard.core.jobs.model import Job
from hookyard.core.jobs.redact import NO_MASK, Mask
from hookyard.core.jobs.service import Ledger
from hookyard.core.sealing.service import Sealer
from hookyard.features.billing import rules, store, store_keys
from hookyard.features.billing.keys import place_of
from hookyard.features.billing.keys_model import LOCAL, Cells
from hookyard.kit.errors import Conflict
from hookyard.kit.json import JsonObject

REMEMBERED = 4_096
TRIES = 3
Due = Mapping[str, Sequence[Cells]]
"""The keys each job is to be given, by its id."""


class Handing:
    """Gives keys to attempts, and knows what to take out of what they report."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sealer: Sealer,
        audit: Audit,
        find: FindRepository,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._sealer = sealer
        self._audit = audit
        self._find = find
        self._masks: OrderedDict[tuple[str, int], Mask] = OrderedDict()

    async def to_actor(self, actor: Actor, jobs: Sequence[Job]) -> Mapping[str, Mapping[str, str]]:
        """What each job just leased by this actor is given, by job: values by name."""
        if actor.tenant != DEFAULT_TENANT or not jobs:
            return {}
        return await self._hand(actor.label, actor.label, jobs)

    async def to_local(self, job: Job) -> Mapping[str, str]:
        """What the agent command of this server is given for a job: values by name."""
        return (await self._hand(LOCAL, f"system:{LOCAL}", [job])).get(job.id, {})

    async def mask(self, job_id: str, lease: int) -> Mask:
        """Takes out of an attempt's reports what attempts of its job were given.

        # why: an attempt reports only after it was given its keys, so none known means none given.
        """
        known = self._masks.get((job_id, lease))
        if known is not None:
            return known
        given = await self._database.peek(lambda unit: store_keys.given_to(unit, job_id))
        values = [value for cells in given for value in await self._values(cells)]
        return self._remember(job_id, lease, values)

    # --- inside ---

    async def _hand(
        self, holder: str, who: str, jobs: Sequence[Job]
    ) -> Mapping[str, Mapping[str, str]]:
        for _ in range(TRIES):
            due = await self._database.read(lambda unit: self._due(unit, holder, jobs))
            if not due:
                return {}
            values = {
                cells.key_id: await self._open(cells, "cell", cells.cell)
                for wanted in due.values()
                for cells in wanted
            }
            if not await self._database.write(
                lambda unit, due=due: self._record(unit, holder, who, jobs, due)  # type: ignore[misc]
            ):
                continue
            for job in jobs:
                if job.id in due:
                    self._remember(job.id, job.lease, [values[c.key_id] for c in due[job.id]])
            return {
                job_id: {cells.name: values[cells.key_id] for cells in wanted}
                for job_id, wanted in due.items()
            }
        raise Conflict("provider keys were changed meanwhile")

    def _due(self, unit: Unit, holder: str, jobs: Sequence[Job]) -> Due:
        """Read anew, not from memory: who lost a key a moment ago is given it no more."""
        held = store_keys.held_by(unit, DEFAULT_TENANT, holder)
        if not held:
            return {}
        book = rules.book_of(store.all_bindings(unit), ())
        due: dict[str, list[Cells]] = {}
        for job in jobs:
            if job.repository is None:
                continue
            found = self._find(unit, job.repository)
            known, name = (None, job.repository.lower()) if found is None else found
            project = rules.project_of(book, name, known)
            for one in held:
                if project is not None and one.project_id == project:
                    due.setdefault(job.id, []).append(one.cells)
        return due

    def _record(self, unit: Unit, holder: str, who: str, jobs: Sequence[Job], due: Due) -> bool:
        """Note what is handed over; False when keys changed since they were read.

        StaleLease for an attempt that has lost its lease by now.
        """
        for job in sorted(jobs, key=lambda one: one.id):
            if job.id in due:
                self._ledger.require_lease(unit, job)
        if self._due(unit, holder, jobs) != due:
            return False
        now_ms = self._ledger.clock.now_ms()
        for job in jobs:
            wanted = due.get(job.id, ())
            if not wanted:
                continue
            store_keys.note_handover(unit, job.id, job.lease, [c.key_id for c in wanted], now_ms)
            for cells in wanted:
                detail: JsonObject = {
                    "job": job.id,
                    "lease": job.lease,
                    "name": cells.name,
                    "repository": job.repository,
                }
                target = f"provider_key:{cells.key_id}"
                entry = AuditEntry(
                    who, "provider_keys.hand", target, detail=detail, tenant=cells.tenant
                )
                self._audit.record(unit, entry, now_ms)
        return True

    async def _values(self, cells: Cells) -> list[str]:
        found = [await self._open(cells, "cell", cells.cell)]
        if cells.previous is not None:
            found.append(await self._open(cells, "previous", cells.previous))
        return found

    async def _open(self, cells: Cells, column: str, cell: bytes) -> str:
        place = place_of(cells.tenant, cells.key_id, column)
        return (await self._sealer.unseal(place, cell)).decode()

    def _remember(self, job_id: str, lease: int, values: Sequence[str]) -> Mask:
        mask = Mask(values) if values else NO_MASK
        self._masks[job_id, lease] = mask
        while len(self._masks) > REMEMBERED:
            self._masks.popitem(last=False)
        return mask
