"""The entities that are applied, as every process knows them: loaded once, looked at again often.

A process that applies entities announces it; others hear within milliseconds, and look by
themselves every few seconds, as announcements may be lost.
"""

from collections.abc import Mapping

from hookyard.adapters.database.port import Database, Dialect
from hookyard.features.records.schema import store_schema
from hookyard.features.records.schema.service import CHANGED
from hookyard.features.records.shape import Shape
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound, Unavailable

LOOK_EVERY_S = 5.0
LOOK_AGAIN_S = 0.5


class Catalog:
    """The shapes of all entities, by name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._shapes: Mapping[str, Shape] = {}
        self._looked_at = float("-inf")
        self._heard = False
        self.version = 0
        self.pgvector = False
        self.cursor_key = b""
        database.listen(CHANGED, self._hear)

    async def shape(self, name: str) -> Shape:
        """The entity of this name; NotFound (`unknown_entity`) when there is none."""
        if self._heard or self._clock.monotonic() - self._looked_at > LOOK_EVERY_S:
            await self.look()
        found = self._shapes.get(name)
        if found is None and self._clock.monotonic() - self._looked_at > LOOK_AGAIN_S:
            await self.look()
            found = self._shapes.get(name)
        if found is None:
            raise NotFound("there is no such entity", code="unknown_entity")
        return found

    def known(self, name: str) -> Shape | None:
        """The entity of this name, out of what was loaded last."""
        return self._shapes.get(name)

    @property
    def dialect(self) -> Dialect:
        """Which engine the records are in."""
        return self._database.dialect

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Every entity, as loaded last."""
        return self._shapes

    async def look(self) -> None:
        """Load what is applied, if it is not what was loaded last. Unavailable before anything
        was applied."""
        self._heard = False
        version = await self._database.peek(store_schema.version)
        if version != self.version:
            state = await self._database.read(store_schema.load)
            if state is None:
                raise Unavailable("no entities are applied yet; `hookyard migrate` does it")
            self._shapes = {
                name: Shape(kept.entity, self._database.dialect, pgvector=state.pgvector)
                for name, kept in state.kept.items()
            }
            self.version = state.version
            self.pgvector = state.pgvector
            self.cursor_key = bytes.fromhex(state.cursor_key)
        self._looked_at = self._clock.monotonic()

    def announce(self) -> None:
        """Tell every process that entities were applied."""
        self._database.announce(CHANGED)

    def _hear(self) -> None:
        self._heard = True
