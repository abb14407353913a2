"""Many new records in one unit: keys claimed, rows added, changes numbered, entries recorded.

# why: a commit costs a wait for the disk whoever shares it, and a statement on Postgres a round
# trip whatever it carries; so what arrives together is written together, by statement, not by
# record. A record that is refused leaves nothing behind, and the others of its batch go on.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from hookyard.adapters.database.port import Row, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.idempotency.model import BUSY, MISMATCH, Claim, Fresh, Replay, Verdict
from hookyard.core.idempotency.service import Idempotency
from hookyard.features.records import store_changes
from hookyard.features.records.shape import Shape
from hookyard.features.records.store_changes import Change
from hookyard.features.records.writing import store_records

SHORT = 16_384


class Came(Enum):
    """What became of a new record beside a verdict on its key."""

    STORED = "stored"
    ID_TAKEN = "its id is taken"
    NOT_UNIQUE = "a unique value of it is taken"


Outcome: TypeAlias = Came | Verdict


@dataclass(slots=True)
class Newcomer:
    """A record that is ready to be stored, with everything that goes along."""

    tenant: str
    shape: Shape
    row: Row
    change: Change
    claim: Claim | None
    now_ms: int
    size: int


class Creation:
    """The work of the batcher for new records. `told` is called after a commit that stored some."""

    def __init__(self, idempotency: Idempotency, audit: Audit, told: Callable[[], None]) -> None:
        self._idempotency = idempotency
        self._audit = audit
        self._told = told

    def __call__(self, unit: Unit, items: Sequence[Newcomer]) -> Sequence[Outcome]:
        """Store new records; what became of each, in order."""
        outcomes: dict[int, Outcome] = {}
        by_tenant: dict[str, list[Newcomer]] = defaultdict(list)
        for item in items:
            by_tenant[item.tenant].append(item)
        # why: everybody takes the heads of several feeds in the same order.
        for tenant in sorted(by_tenant):
            unit.confine(tenant)
            self._of_tenant(unit, tenant, by_tenant[tenant], outcomes)
        unit.set_free()
        for item in items:
            if outcomes[id(item)] is Came.STORED:
                self._record(unit, item)
        return [outcomes[id(item)] for item in items]

    def _of_tenant(
        self, unit: Unit, tenant: str, items: list[Newcomer], outcomes: dict[int, Outcome]
    ) -> None:
        fresh = self._claimed(unit, tenant, items, outcomes)
        by_shape: dict[int, list[Newcomer]] = defaultdict(list)
        for item in fresh:
            by_shape[id(item.shape)].append(item)
        for group in by_shape.values():
            added = store_records.insert_many(unit, group[0].shape, [item.row for item in group])
            for item, is_added in zip(group, added, strict=True):
                outcomes[id(item)] = Came.STORED if is_added else self._refused(unit, item)
        self._share(items, outcomes)
        stored = [item.change for item in fresh if outcomes[id(item)] is Came.STORED]
        store_changes.append(unit, tenant, stored, self._told)

    def _claimed(
        self, unit: Unit, tenant: str, items: list[Newcomer], outcomes: dict[int, Outcome]
    ) -> list[Newcomer]:
        """The items whose work is to be done. Of twins in one batch the first one's is."""
        claims = [item.claim for item in items if item.claim is not None]
        verdicts = self._idempotency.claim(unit, tenant, claims, items[0].now_ms) if claims else {}
        fresh: list[Newcomer] = []
        used: set[str] = set()
        for item in items:
            if item.claim is None:
                fresh.append(item)
                continue
            verdict = verdicts[item.claim.digest]
            if not isinstance(verdict, Fresh):
                outcomes[id(item)] = verdict
            elif item.claim.digest in used:
                outcomes[id(item)] = BUSY  # until `_share` knows what came of the first
            else:
                used.add(item.claim.digest)
                fresh.append(item)
        return fresh

    def _share(self, items: list[Newcomer], outcomes: dict[int, Outcome]) -> None:
        """Give twins in one batch what came of the first of them."""
        firsts: dict[str, Newcomer] = {}
        for item in items:
            claim = item.claim
            if claim is None:
                continue
            first = firsts.setdefault(claim.digest, item)
            if first is item or outcomes[id(item)] is not BUSY or first.claim is None:
                continue
            came = outcomes[id(first)]
            if first.claim.fingerprint != claim.fingerprint:
                outcomes[id(item)] = MISMATCH
            elif came is Came.STORED and first.claim.answer is not None:
                until_ms = first.now_ms + self._idempotency.keep_ms
                outcomes[id(item)] = Replay(first.claim.answer, until_ms)
            else:
                outcomes[id(item)] = came

    def _refused(self, unit: Unit, item: Newcomer) -> Came:
        if item.claim is not None:
            self._idempotency.drop(unit, item.tenant, item.claim.digest)
        there = store_records.locked(unit, item.shape, item.tenant, str(item.row[1]))
        return Came.NOT_UNIQUE if there is None else Came.ID_TAKEN

    def _record(self, unit: Unit, item: Newcomer) -> None:
        change = item.change
        target = f"{change.aggregatetype}/{change.aggregateid}"
        entry = AuditEntry(change.actor, "records.create", target, tenant=item.tenant)
        self._audit.record(unit, entry, item.now_ms)
