"""Watching sources: what came lately, who has fallen silent, who is back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import structlog

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress import silence_store as store
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.silence_rules import back, gap_ms, heard, judge, waited
from hookyard.core.ingress.silence_store import PulseRow
from hookyard.kit.clock import Clock, to_rfc3339

# why: a longer pause between two looks means that we were not listening ourselves.
AWAY_MS = 600_000
# why: what is being committed while we look is seen by the next look.
SETTLED_MS = 2_000

log = structlog.get_logger("hookyard.sources")


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a source is doing. Instants in milliseconds; None: never, or not known."""

    source: str
    provider: str
    last_delivery_ms: int | None
    usual_gap_ms: float | None
    silent_since_ms: int | None


@dataclass(frozen=True, slots=True)
class Silent:
    """A source that fell silent just now. Instants in milliseconds."""

    source: str
    provider: str
    last_delivery_ms: int | None
    silent_since_ms: int


HeardNothing: TypeAlias = Callable[[Unit, Silent], None]
"""Told of every source that falls silent, inside the unit that finds it."""


class Pulses:
    """Looks at every source that is not excused by its option `silence: off`."""

    def __init__(
        self,
        sources: Mapping[str, SourceConfig],
        clock: Clock,
        factor: float,
        told: HeardNothing | None = None,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._factor = factor
        self._told = told

    def of_all(self, unit: Unit) -> Sequence[Pulse]:
        """Every configured source, by id."""
        now_ms = self._clock.now_ms()
        rows = store.rows(unit)
        found: list[Pulse] = []
        for source in sorted(self._sources.values(), key=lambda s: s.id):
            row = rows.get(source.id)
            found.append(
                Pulse(
                    source.id,
                    source.provider,
                    row.last_delivery_ms if row else None,
                    gap_ms(row.rhythm, now_ms) if row else None,
                    row.silent_since_ms if row else None,
                )
            )
        return found

    def look(self, unit: Unit) -> Sequence[str]:
        """Take in what came since the last look; the sources that are silent now."""
        to_ms = self._clock.now_ms() - SETTLED_MS
        rows = store.rows(unit)
        before = [row.seen_to_ms for row in rows.values() if row.source in self._sources]
        from_ms = min(before, default=to_ms)
        came = store.came(unit, max(from_ms, to_ms - AWAY_MS), to_ms)
        silent: list[str] = []
        for source in self._sources.values():
            row = rows.get(source.id)
            now = self._after(source, row, to_ms, came.get(source.id))
            if now != row:
                store.save(unit, now, is_new=row is None)
            if now.silent_since_ms is not None:
                silent.append(source.id)
                if row is not None and row.silent_since_ms is None:
                    unit.after_commit(partial(_warn, now, to_ms))
                    self._tell(unit, source, now, now.silent_since_ms)
            elif row is not None and row.silent_since_ms is not None:
                unit.after_commit(partial(_say_back, source.id))
        return silent

    def _tell(self, unit: Unit, source: SourceConfig, row: PulseRow, since_ms: int) -> None:
        if self._told is not None:
            found = Silent(source.id, source.provider, row.last_delivery_ms, since_ms)
            self._told(unit, found)

    def _after(
        self, source: SourceConfig, row: PulseRow | None, to_ms: int, came: tuple[int, int] | None
    ) -> PulseRow:
        if row is None:
            return PulseRow(source.id, to_ms, to_ms, came[1] if came else None)
        span_ms = to_ms - row.seen_to_ms
        if span_ms <= 0:
            return row
        if came is not None:
            return self._delivered(row, to_ms, span_ms, came)
        if span_ms > AWAY_MS:
            return replace(row, seen_to_ms=to_ms, quiet_from_ms=to_ms)
        if row.silent_since_ms is not None:
            still = waited(row.rhythm, to_ms, span_ms)
            return replace(row, seen_to_ms=to_ms, rhythm=still)
        rhythm = heard(row.rhythm, to_ms, span_ms, 0)
        quiet = replace(row, seen_to_ms=to_ms, rhythm=rhythm)
        if source.options.get("silence") == "off":
            return quiet
        verdict = judge(rhythm, to_ms - row.quiet_from_ms, self._factor)
        return replace(quiet, silent_since_ms=to_ms) if verdict.silent else quiet

    def _delivered(
        self, row: PulseRow, to_ms: int, span_ms: int, came: tuple[int, int]
    ) -> PulseRow:
        minutes, last_ms = came
        rhythm = replace(row.rhythm, quiet=0.0)
        if row.silent_since_ms is not None:
            rhythm = back(row.rhythm, self._factor)
        elif span_ms <= AWAY_MS:
            rhythm = heard(row.rhythm, to_ms, span_ms, minutes)
        return replace(
            row,
            seen_to_ms=to_ms,
            quiet_from_ms=last_ms,
            last_delivery_ms=max(last_ms, row.last_delivery_ms or 0),
            silent_since_ms=None,
            rhythm=rhythm,
        )


def _say_back(source: str) -> None:
    log.info("source_back", source=source)


def _warn(row: PulseRow, now_ms: int) -> None:
    usual_ms = gap_ms(row.rhythm, now_ms)
    last_ms = row.last_delivery_ms
    log.warning(
        "source_silent",
        source=row.source,
        last_delivery_at=None if last_ms is None else to_rfc3339(last_ms),
        usual_gap_s=None if usual_ms is None else round(usual_ms / 1000, 1),
        usual_gaps_missed=round(row.rhythm.quiet, 1),
        hint="check the webhook at the provider; see GET /api/sources",
    )
