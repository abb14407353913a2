"""Applying entities while others read and write.

On Postgres an index over a table with records is built outside of any transaction, which lets
others write meanwhile; then one transaction does the rest of the plan and finds it there. An index
over a field that comes with the same plan has to come after it. One process at a time applies.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hookyard.adapters.database.port import Aside, Clash, Database, Taken, Unit
from hookyard.features.records import store_changes
from hookyard.features.records.schema import store_schema as store
from hookyard.features.records.schema.ddl import aside, columns_of, index_name, statements
from hookyard.features.records.schema.mend import is_made, late, without
from hookyard.features.records.schema.model import Entity, Index
from hookyard.features.records.schema.plan import Step, StepKind
from hookyard.features.records.schema.service import Plan, Refused, Schemas, refuse_loss
from hookyard.features.records.schema.store_schema import Kept, NotUnique
from hookyard.features.records.trouble import shown
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, Unavailable

NAME = "records.schema.apply"
BUILT_IN_BY = "system:records"
TRIES = 60
AGAIN_S = 0.5
LOOK_S = 1.0
SEARCH_S = 30.0


class Busy(Refused):
    """Another process is applying entities."""


def silent(said: str) -> None:
    """Nobody wants to hear how it goes on."""


@dataclass(frozen=True, slots=True)
class Applying:
    """Carries plans out; `tell` hears a sentence for what takes long."""

    database: Database
    schemas: Schemas
    clock: Clock
    tell: Callable[[str], None] = silent

    async def apply(
        self,
        planned: Callable[[Unit], Plan],
        by: str,
        *,
        allow_destructive: bool = False,
        tries: int = TRIES,
    ) -> Plan:
        """Do what `planned` says; the plan. Refused for what is not allowed, or not possible with
        the records that are there: then nothing is changed, but where a field that is new was to
        be unique. Busy when another process applies for as long as it takes to try so often."""
        plan = await self.database.write(planned)
        refuse_loss(plan, allow_destructive=allow_destructive)
        if not plan.changes:
            return plan
        for left in reversed(range(tries)):
            way = self.database.aside(NAME)
            if way is None:
                return await self._finish(planned, by, allow_destructive)
            try:
                async with way as session:
                    return await self._beside(session, planned, by, allow_destructive)
            except Taken:
                if left == tries - 1:
                    self.tell("another process is applying entities")
                if left:
                    await self.clock.sleep(AGAIN_S)
        raise Busy("another process is applying entities; try again when it is done")

    async def apply_built_in(self, *, mend: bool = True) -> bool:
        """Apply the built-in entities, and `mend` indexes; whether anything changed.
        ConfigurationError when that would lose data, or when Postgres cannot keep tenants apart.
        Indexes are left to another process that is at it."""
        try:
            plan = await self.database.write(self.schemas.plan_built_in)
            if plan.declares or mend:
                tries = TRIES if plan.declares else 1
                await self.apply(self.schemas.plan_built_in, BUILT_IN_BY, tries=tries)
        except Busy as error:
            if plan.declares:
                raise Unavailable(str(error)) from None
            return False
        except Refused as error:
            raise ConfigurationError(
                f"the entities in the database do not fit this program: {error}; "
                "run `hookyard entities apply` with a file that declares them"
            ) from None
        await self.database.write(self.schemas.mend_wall)
        return plan.changes if mend else plan.declares

    async def _beside(
        self, session: Aside, planned: Callable[[Unit], Plan], by: str, allowed: bool
    ) -> Plan:
        plan = await self.database.write(planned)
        refuse_loss(plan, allow_destructive=allowed)
        await self._build_all(session, plan)
        if held_back(plan) is not plan:
            await self.database.write(
                lambda unit: self._take(unit, planned, by, allowed, hold=True)
            )
            await self._build_all(session, await self.database.write(planned))
        await self._finish(planned, by, allowed)
        return plan

    async def _finish(self, planned: Callable[[Unit], Plan], by: str, allowed: bool) -> Plan:
        try:
            return await self.database.write(lambda unit: self._take(unit, planned, by, allowed))
        except NotUnique as error:
            raise await self._refused(error.entity, error.index) from None

    def _take(
        self,
        unit: Unit,
        planned: Callable[[Unit], Plan],
        by: str,
        allowed: bool,
        *,
        hold: bool = False,
    ) -> Plan:
        plan = planned(unit)
        if hold:
            plan = held_back(plan)
        self.schemas.apply(unit, plan, by, self.clock.now_ms(), allow_destructive=allowed)
        return plan

    async def _build_all(self, session: Aside, plan: Plan) -> None:
        made: list[str] = []
        for step in plan.steps:
            index = step.subject
            if not isinstance(index, Index) or not _is_early(step, plan):
                continue
            try:
                await self._build(session, step, index, plan, made)
            except Clash:
                for name in made:
                    await session.run(aside(f"DROP INDEX IF EXISTS {name}"))
                raise await self._refused(step.entity, index) from None

    async def _build(
        self, session: Aside, step: Step, index: Index, plan: Plan, made: list[str]
    ) -> None:
        name = index_name(step.entity, index)
        if plan.there.valid(step.entity.table, name) is False:
            self.tell(f"removing what an earlier build left of {name}")
            await session.run(aside(f"DROP INDEX IF EXISTS {name}"))
        self.tell(f"building: {step}; others may write meanwhile")
        made.append(name)
        for statement in statements(step, "postgresql", pgvector=plan.state.pgvector):
            building = asyncio.ensure_future(session.run(aside(statement)))
            try:
                await self._watch(session, building)
            finally:
                building.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({building})
            building.result()

    async def _watch(self, session: Aside, building: "asyncio.Future[None]") -> None:
        """Tell how a build goes on, until it ends."""
        last = ""
        while True:
            await asyncio.wait({building}, timeout=LOOK_S)
            if building.done():
                return
            with suppress(Unavailable):
                said = await self.database.read(lambda unit: store.progress(unit, session.session))
                if said and said != last:
                    self.tell(f"  {said}")
                    last = said

    async def _refused(self, entity: Entity, index: Index) -> Refused:
        """Why an index cannot be unique, with two records that show it."""
        names = ", ".join(index.fields)
        columns = columns_of(entity, index)
        secret = any((field := entity.field(name)) and field.read for name in index.fields)

        def search(unit: Unit) -> str:
            unit.within(SEARCH_S)
            for tenant in store_changes.tenants(unit):
                unit.confine(tenant)
                found = store.twins(unit, tenant, entity, columns)
                unit.set_free()
                if found is not None:
                    one, other, *values = found
                    what = "" if secret else ": " + ", ".join(shown(value) for value in values)
                    return f", as {shown(one)} and {shown(other)} of tenant {tenant}{what}"
            return ""

        example = ""
        with suppress(Unavailable):
            example = await self.database.read(search)
        return Refused(
            f"{entity.name}: {names} cannot be unique, as records have the same{example}"
        )


def held_back(plan: Plan) -> Plan:
    """The plan without the indexes that can be built only after it; itself without any."""
    held = [
        step
        for step in plan.steps
        if step.kind is StepKind.ADD_INDEX
        and step.entity.table in plan.there.filled
        and late(step, plan.steps)
    ]
    if not held:
        return plan
    wanted = dict(plan.wanted)
    for step in held:
        kept = wanted[step.entity.name]
        assert isinstance(step.subject, Index)  # noqa: S101
        wanted[step.entity.name] = Kept(without(kept.entity, {step.subject}), kept.origin)
    return Plan(
        plan.state, wanted, tuple(step for step in plan.steps if step not in held), plan.there
    )


def _is_early(step: Step, plan: Plan) -> bool:
    """Whether an index is built before the plan is carried out: it holds up nobody who writes."""
    return (
        step.kind is StepKind.ADD_INDEX
        and isinstance(step.subject, Index)
        and is_made(step.subject, "postgresql", pgvector=plan.state.pgvector)
        and step.entity.table in plan.there.filled
        and not late(step, plan.steps)
        and not plan.there.valid(step.entity.table, index_name(step.entity, step.subject))
    )
