"""Use cases of the schema: plan what a file of declarations asks for, and apply it."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import DEFAULT_TENANT
from hookyard.features.records.schema import store_schema as store
from hookyard.features.records.schema import store_walls
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.declare import check_relations
from hookyard.features.records.schema.mend import There, mended
from hookyard.features.records.schema.model import Entity
from hookyard.features.records.schema.plan import Step, plan
from hookyard.features.records.schema.store_schema import FILE, Kept, State
from hookyard.features.records.schema.walls import Walls
from hookyard.kit.errors import ConfigurationError

LOCK = "records.schema"
CHANGED = "hookyard_entities"
_NO_WALL = (
    "Postgres has no role hookyard_records for this user, which keeps tenants apart; run as a user"
    " who may: CREATE ROLE hookyard_records NOLOGIN; GRANT hookyard_records TO the user of"
    " DATABASE_URL; then `hookyard migrate`"
)


class Refused(Exception):
    """The plan cannot be carried out as it stands; the message says why."""


def refuse_loss(asked: "Plan", *, allow_destructive: bool) -> None:
    """Refused for a plan with steps that are not allowed."""
    if asked.destructive and not allow_destructive:
        said = "; ".join(step.name for step in asked.destructive)
        raise Refused(f"not without --allow-destructive: {said}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is applied, what is wanted, the steps from one to the other, and the indexes there
    are."""

    state: State
    wanted: Mapping[str, Kept]
    steps: tuple[Step, ...]
    there: There

    @property
    def changes(self) -> bool:
        """Whether there is anything to do, be it only to note where an entity comes from."""
        return bool(self.steps) or self.declares

    @property
    def declares(self) -> bool:
        """Whether it changes what is declared, and not only the indexes that are there."""
        return dict(self.state.kept) != dict(self.wanted)

    @property
    def destructive(self) -> tuple[Step, ...]:
        """The steps that have to be allowed."""
        return tuple(step for step in self.steps if step.destructive)


class Schemas:
    """Plans and applies; `random_bytes` makes the key of cursors, once."""

    def __init__(
        self, audit: Audit, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._audit = audit
        self._random_bytes = random_bytes

    def plan_file(self, unit: Unit, declared: Iterable[Entity]) -> Plan:
        """What the entities of a file ask for. Those of an earlier file that it does not name are
        dropped, those built in stay unless it declares them itself. Refused when a relation leads
        nowhere."""
        state = self._state(unit)
        files = {entity.name: Kept(entity, FILE) for entity in declared}
        return self._planned(unit, state, _with_built_in(files))

    def plan_built_in(self, unit: Unit) -> Plan:
        """What the built-in entities of this program ask for."""
        state = self._state(unit)
        files = {name: kept for name, kept in state.kept.items() if kept.origin == FILE}
        return self._planned(unit, state, _with_built_in(files))

    def apply(
        self, unit: Unit, asked: Plan, by: str, now_ms: int, *, allow_destructive: bool = False
    ) -> None:
        """Carry a plan out, in the unit that made it. Refused for steps that are not allowed,
        NotUnique where records stand in the way of an index."""
        refuse_loss(asked, allow_destructive=allow_destructive)
        if not asked.changes:
            return
        self.check_wall(unit)
        store.take_steps(unit, asked.steps, asked.there, pgvector=asked.state.pgvector)
        store.keep(unit, asked.state, asked.wanted, by, now_ms)
        for step in asked.steps:
            target = f"{step.entity.name}: {step.kind.value}{step.what}"
            self._audit.record(
                unit, AuditEntry(by, "entities.apply", target, tenant=DEFAULT_TENANT), now_ms
            )

    def check_wall(self, unit: Unit) -> None:
        """ConfigurationError when Postgres cannot keep tenants apart."""
        if not store.may_confine(unit):
            raise ConfigurationError(_NO_WALL)

    def mend_wall(self, unit: Unit) -> None:
        """Give the role of records the rights it lacks. ConfigurationError when Postgres cannot
        keep tenants apart, or when this login may not give them."""
        self.check_wall(unit)
        foreign = store_walls.give_rights(unit)
        if foreign:
            raise ConfigurationError(
                f"the role hookyard_records lacks rights on {', '.join(foreign)}; "
                "run `hookyard migrate` as the owner of these tables"
            )

    def walls(self, unit: Unit) -> Walls | None:
        """What stands between tenants in the engine itself; None where it knows no such thing."""
        return store_walls.look(unit) if unit.dialect == "postgresql" else None

    def _state(self, unit: Unit) -> State:
        unit.lock(LOCK)
        return store.load(unit) or store.start(unit, self._random_bytes(32).hex())

    @staticmethod
    def _planned(unit: Unit, state: State, wanted: Mapping[str, Kept]) -> Plan:
        entities = {name: kept.entity for name, kept in wanted.items()}
        wrong = check_relations(entities)
        if wrong:
            raise Refused("; ".join(wrong))
        applied = {name: kept.entity for name, kept in state.kept.items()}
        there = store.look(unit)
        steps = mended(
            applied, entities, plan(applied, entities), there, unit.dialect,
            pgvector=state.pgvector,
        )  # fmt: skip
        return Plan(state, wanted, steps, there)


def _with_built_in(files: Mapping[str, Kept]) -> dict[str, Kept]:
    built_in = {entity.name: Kept(entity, store.BUILT_IN) for entity in BUILT_IN}
    return {**built_in, **files}
