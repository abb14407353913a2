"""One write for all records that fit a filter, `max` of them at most:

    PATCH /v1/tasks?where={"state":"open"}&max=100      DELETE /v1/tasks?where=…&max=100

Where more records fit than that, nothing is written. The filter may not be empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency.model import KeptAnswer
from hookyard.features.records.query.builder import Lookup
from hookyard.features.records.query.params import flag, read_query, where_of, whole
from hookyard.features.records.query.plan import Statement, plan_ids
from hookyard.features.records.shape import Shape, encode
from hookyard.features.records.trouble import under, wrong
from hookyard.features.records.writing import store_records
from hookyard.features.records.writing.model import Write
from hookyard.features.records.writing.steps import Work, perform
from hookyard.kit.errors import Conflict

MAX_ROWS = 1_000
_KNOWN = frozenset({"where", "max", "dry_run"})


@dataclass(frozen=True, slots=True)
class Many:
    """Which records are to be written: the statement that finds them, and how many they may be."""

    found: Statement
    maximum: int
    dry_run: bool


def many_of(shape: Shape, query: bytes, roles: int, lookup: Lookup) -> Many:
    """What a query asks for; Invalid without a filter or a maximum."""
    params = read_query(query, _KNOWN)
    if "where" not in params:
        raise wrong("/where", "required", "say which records: `where`")
    if "max" not in params:
        raise wrong("/max", "required", f"say how many it may be: `max`, 1 to {MAX_ROWS}")
    where = where_of(params["where"])
    if isinstance(where, Mapping) and not where:
        raise wrong("/where", "required", "an empty filter would be every record")
    maximum = whole("max", params["max"], 1, MAX_ROWS)
    statement = plan_ids(shape, where, roles, lookup, maximum + 1)
    return Many(statement, maximum, flag("dry_run", params.get("dry_run")))


def write_many(unit: Unit, work: Work, write: Write, many: Many) -> KeptAnswer:
    """Write every record that fits; Conflict (`too_many_rows`) when they are too many."""
    ids = store_records.found(unit, work.tenant, many.found)
    if len(ids) > many.maximum:
        error = Conflict(f"more than {many.maximum} records fit; nothing is written")
        error.problem_code = "too_many_rows"
        error.facts = {"pointer": under("", "max")}
        raise error
    for record_id in ids:
        perform(unit, work, replace(write, id=record_id))
    return KeptAnswer(200, (), encode({"count": len(ids), "ids": ids}))
