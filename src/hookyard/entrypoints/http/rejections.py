"""What was refused, counted in memory and written now and then: strangers cannot fill the disk."""

import structlog

from hookyard.adapters.database.port import Database
from hookyard.core.ingress.model import Refusal
from hookyard.core.ingress.service import add_rejections
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

HOUR_MS = 3_600_000
MAX_KEYS = 512
FLUSH_S = 5.0

log = structlog.get_logger("hookyard.webhooks")


class Rejections:
    """Counts by (source, code, hour); sources and codes are ours, so the keys are few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, str, int], tuple[int, int, str]] = {}

    def add(self, source: str, refusal: Refusal) -> None:
        """Count one; the first of its kind since the last flush is logged."""
        now_ms = self._clock.now_ms()
        key = (source, refusal.code, now_ms - now_ms % HOUR_MS)
        count, _, _ = self._counts.get(key, (0, 0, ""))
        if count == 0:
            if len(self._counts) >= MAX_KEYS:
                return
            log.warning("delivery_refused", source=source, code=refusal.code, detail=refusal.detail)
        self._counts[key] = (count + 1, now_ms, refusal.detail)

    async def flush(self, database: Database) -> None:
        """Write the counts; they are kept for the next time when that fails."""
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await database.write(lambda unit: add_rejections(unit, counts))
        except HookyardError as error:
            log.warning("rejections_not_written", reason=error.detail)
            for key, (count, at_ms, detail) in counts.items():
                newer, newer_at, newer_detail = self._counts.get(key, (0, at_ms, detail))
                self._counts[key] = (count + newer, newer_at, newer_detail)

    async def run(self, database: Database) -> None:
        """Flush every few seconds until cancelled."""
        while True:
            await self._clock.sleep(FLUSH_S)
            await self.flush(database)
