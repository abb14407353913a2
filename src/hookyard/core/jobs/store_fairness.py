"""The turns of parties in rows, and the SQL that reads and moves them.

One row for each (lane, party): the turn of the party's newest job. The row of the party "" is the
lane itself: the turn it is at, which is the highest that was claimed.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.core.jobs.rules import LANES

JOB_PARTIES = Table(
    "job_parties",
    METADATA,
    Column("lane", Text, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("turn", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_AT = "SELECT turn FROM job_parties WHERE lane = {} AND party = ''"
_LANES_AT = RawSql.same("SELECT lane, turn FROM job_parties WHERE party = '' AND lane = $1")
_TAKE_TURNS = RawSql(
    "INSERT INTO job_parties (lane, party, turn)"
    f" VALUES ($1, $2, coalesce(({_AT.format('$1')}), 0) + $3 - 1)"
    " ON CONFLICT (lane, party) DO UPDATE SET turn ="
    " max(job_parties.turn + 1, excluded.turn - $3 + 1) + $3 - 1 RETURNING turn",
    # why: it waits for nobody, so that two requests for one party cannot stand in each other's
    # way until both commit; at worst they are given the same turns.
    "WITH seen AS (SELECT greatest(coalesce(max(turn) FILTER (WHERE party = ''), 0),"
    " coalesce(max(turn) FILTER (WHERE party = $2) + 1, 0)) + $3::bigint - 1 AS last,"
    " count(*) FILTER (WHERE party = $2) AS known"
    " FROM job_parties WHERE lane = $1 AND party IN ('', $2)),"
    " free AS (SELECT lane, party FROM job_parties WHERE lane = $1 AND party = $2"
    " FOR UPDATE SKIP LOCKED),"
    " moved AS (UPDATE job_parties AS p SET turn = greatest(p.turn, seen.last) FROM seen, free"
    " WHERE p.lane = free.lane AND p.party = free.party),"
    " made AS (INSERT INTO job_parties (lane, party, turn) SELECT $1, $2, last FROM seen"
    " WHERE known = 0 ON CONFLICT DO NOTHING)"
    " SELECT last FROM seen",
)
_ADVANCE = (
    "UPDATE job_parties SET turn = $2 WHERE lane IN (SELECT lane FROM job_parties"
    " WHERE lane = $1 AND party = '' AND turn < $2"
)
_ADVANCE_LANE = RawSql(
    f"{_ADVANCE}) AND party = ''", f"{_ADVANCE} FOR UPDATE SKIP LOCKED) AND party = ''"
)
_OPEN_LANE = RawSql.same(
    "INSERT INTO job_parties (lane, party, turn) VALUES ($1, '', $2)"
    " ON CONFLICT (lane, party) DO NOTHING"
)
_READY_OF_KEYS = RawSql(
    "SELECT id, lane, party, turn FROM jobs INDEXED BY uq_jobs_key_turn"
    " WHERE key IN (SELECT value FROM json_each($1)) AND key IS NOT NULL"
    " AND state IN ('queued', 'running') AND state = 'queued' AND party IS NOT NULL",
    "SELECT id, lane, party, turn FROM jobs WHERE key = ANY ($1::text[])"
    " AND state IN ('queued', 'running') AND state = 'queued' AND party IS NOT NULL",
)
_READY_OF_IDS = RawSql(
    "SELECT id, lane, party, turn FROM jobs WHERE id IN (SELECT value FROM json_each($1))"
    " AND state = 'queued' AND party IS NOT NULL",
    "SELECT id, lane, party, turn FROM jobs WHERE id = ANY ($1::text[])"
    " AND state = 'queued' AND party IS NOT NULL",
)
_RETURN = RawSql.same("UPDATE jobs SET turn = $2 WHERE id = $1")
_TIDY = RawSql.same(
    "DELETE FROM job_parties WHERE party <> '' AND turn < (SELECT turn FROM job_parties AS l"
    " WHERE l.lane = job_parties.lane AND l.party = '')"
)


def turn_of(given: str | None, lane: str) -> str:
    """SQL of a turn: the parameter `given` if it is not NULL, else the one its lane is at."""
    at = f"({_AT.format(lane)})"
    if given is None:
        return f"coalesce({at}, 0)"
    return f"coalesce(CAST({given} AS BIGINT), {at}, 0)"


# why: a subquery for each lane is worked out once for a statement; one over `l` once for a row.
_CASES = " ".join(f"WHEN '{lane.value}' THEN ({_AT.format(repr(lane.value))})" for lane in LANES)
TURN_OF_LANES = f"CASE WHEN w >= 0 THEN w ELSE coalesce(CASE l {_CASES} END, 0) END"


def lanes_at(unit: Unit, lanes: Sequence[str]) -> Mapping[str, int]:
    """The turn each of these lanes is at."""
    found = dict.fromkeys(lanes, 0)
    for lane in lanes:
        for name, turn in unit.fetch_raw(_LANES_AT, lane):
            found[str(name)] = _whole(turn)
    return found


def take_turns(unit: Unit, lane: str, party: str, count: int) -> int:
    """Give a party its next `count` turns in a lane; the first of them."""
    return _whole(unit.fetch_raw(_TAKE_TURNS, lane, party, count)[0][0]) - count + 1


def advance(unit: Unit, lane: str, turn: int, *, known: bool) -> None:
    """Move a lane on to a turn; one that another claim moves just now is left to it."""
    if unit.run_raw(_ADVANCE_LANE, lane, turn) == 0 and not known:
        unit.run_raw(_OPEN_LANE, lane, turn)


def ready_of_keys(unit: Unit, keys: Sequence[str]) -> list[Row]:
    """(id, lane, party, turn) of the ready jobs of these keys that belong to a party."""
    return unit.fetch_raw(_READY_OF_KEYS, list(keys))


def ready_of_ids(unit: Unit, job_ids: Sequence[str]) -> list[Row]:
    """(id, lane, party, turn) of those of these jobs that are ready and belong to a party."""
    return unit.fetch_raw(_READY_OF_IDS, list(job_ids))


def give_turns(unit: Unit, turns: Sequence[tuple[str, int]]) -> None:
    """Set the turn of each (job id, turn)."""
    unit.run_raw_many(_RETURN, turns)


def tidy(unit: Unit) -> int:
    """Forget parties that have nothing ahead of their lane; how many."""
    return unit.run_raw(_TIDY)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an integer column, got {type(value).__name__}")
    return value
