"""How sources are doing, on disk: one row each, and a look at what came lately."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text, insert, select, update

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.ingress.recovery_model import RECOVERED
from hookyard.core.ingress.silence_rules import Rhythm
from hookyard.kit.ids import encode as id_of

PULSES = Table(
    "source_pulses",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("seen_to_ms", BigInteger, nullable=False),
    Column("quiet_from_ms", BigInteger, nullable=False),
    Column("last_delivery_ms", BigInteger),
    Column("silent_since_ms", BigInteger),
    Column("rhythm", Text, nullable=False),
)
_RHYTHM = msgspec.json.Decoder(Rhythm)
# why: ids sort by time, so this reads only the newest rows; what was fetched by ourselves says
# nothing of whether the provider delivers.
_CAME = RawSql.same(
    f"""SELECT source, count(DISTINCT received_at_ms / 60000), max(received_at_ms)
        FROM deliveries
        WHERE id >= $1 AND received_at_ms >= $2 AND received_at_ms < $3
          AND headers NOT LIKE '%"{RECOVERED}"%'
        GROUP BY source"""  # noqa: S608
)
# why: an id may be a little older than the instant beside it, where another machine made it.
SLACK_MS = 60_000


@dataclass(frozen=True, slots=True)
class PulseRow:
    """A source as it was when last looked at. `quiet_from_ms` is when the present silence began,
    or when we began to listen."""

    source: str
    seen_to_ms: int
    quiet_from_ms: int
    last_delivery_ms: int | None = None
    silent_since_ms: int | None = None
    rhythm: Rhythm = field(default_factory=Rhythm)


def rows(unit: Unit) -> Mapping[str, PulseRow]:
    """Every source that was ever looked at."""
    return {
        row["source"]: PulseRow(
            row["source"],
            row["seen_to_ms"],
            row["quiet_from_ms"],
            row["last_delivery_ms"],
            row["silent_since_ms"],
            _RHYTHM.decode(row["rhythm"]),
        )
        for row in unit.fetch(select(PULSES))
    }


def save(unit: Unit, row: PulseRow, *, is_new: bool) -> None:
    """Remember how a source is doing."""
    values = {
        "seen_to_ms": row.seen_to_ms,
        "quiet_from_ms": row.quiet_from_ms,
        "last_delivery_ms": row.last_delivery_ms,
        "silent_since_ms": row.silent_since_ms,
        "rhythm": msgspec.json.encode(row.rhythm).decode(),
    }
    if is_new:
        unit.run(insert(PULSES).values(source=row.source, **values))
        return
    unit.run(update(PULSES).where(PULSES.c.source == row.source).values(**values))


def came(unit: Unit, from_ms: int, to_ms: int) -> Mapping[str, tuple[int, int]]:
    """By source: in how many minutes of a span something came, and the last instant of it."""
    found = unit.fetch_raw(_CAME, id_of(max(0, from_ms - SLACK_MS) << 80), from_ms, to_ms)
    return {str(source): (int(str(n)), int(str(last))) for source, n, last in found}
