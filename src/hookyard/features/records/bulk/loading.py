"""One batch of an import inside its unit: every line becomes a record, or a problem that names it.

Lines that are refused leave nothing behind, and the others go on. What the server sets (`id`,
`revision` and instants) may stand in a line, as an export has it, and is not looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.adapters.database.port import Clash, Unit
from hookyard.core.idempotency.model import KeptAnswer
from hookyard.features.records.bulk.lines import MAX_LINE, Batch, Line
from hookyard.features.records.ids import joined
from hookyard.features.records.query.params import decoded
from hookyard.features.records.schema.model import Make
from hookyard.features.records.schema.plan import indexes_of
from hookyard.features.records.shape import Access, Record, Shape, encode
from hookyard.features.records.trouble import wrong
from hookyard.features.records.writing import store_records
from hookyard.features.records.writing.draft import as_fields, new_record, patched
from hookyard.features.records.writing.model import Verb
from hookyard.features.records.writing.steps import Work, taken, what_is_taken
from hookyard.kit.errors import HookyardError
from hookyard.kit.json import Json, JsonObject

_NOT_LOOKED_AT = frozenset({"id", "revision", "createdAt", "updatedAt", "deletedAt"})


class Mode(StrEnum):
    """`create` takes new records only, `upsert` merges into those that are there."""

    CREATE = "create"
    UPSERT = "upsert"


@dataclass(frozen=True, slots=True)
class Loading:
    """What lines are loaded into, and how."""

    shape: Shape
    access: Access
    mode: Mode


@dataclass(slots=True)
class Tally:
    """What became of lines. A problem has the line, a code, a detail, and mostly a pointer."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[JsonObject] = field(default_factory=list)

    def refuse(self, line: Line, error: HookyardError) -> None:
        """Note a line that could not be taken."""
        said: dict[str, Json] = {
            "line": line.number,
            "code": error.problem_code,
            "detail": error.detail,
        }
        pointer = error.facts.get("pointer")
        if isinstance(pointer, str):
            said["pointer"] = pointer
        self.problems.append(said)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A line that was read: its fields, and the id it names, if it does."""

    line: Line
    body: JsonObject
    id: str | None


def load(unit: Unit, work: Work, loading: Loading, batch: Batch) -> KeptAnswer:
    """Write a batch; the answer is its tally."""
    tally = Tally()
    pending = _read(loading.shape, batch, tally)
    while pending:
        now, pending = _first_of_each(pending, loading.mode)
        _round(unit, work, loading, now, tally)
    tally.problems.sort(key=lambda one: str(one["line"]).zfill(12))
    body: JsonObject = {
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "problems": list(tally.problems),
    }
    return KeptAnswer(200, (), encode(body))


def _read(shape: Shape, batch: Batch, tally: Tally) -> list[_Ready]:
    found: list[_Ready] = []
    own = shape.entity.id.fields
    for line in batch.lines:
        try:
            if line.raw is None:
                raise wrong("", "too_long", f"a line has {MAX_LINE} bytes at most")
            body = as_fields(decoded(line.raw, ""), "")
        except HookyardError as error:
            tally.refuse(line, error)
            continue
        body = {n: v for n, v in body.items() if n not in _NOT_LOOKED_AT or n in own}
        found.append(_Ready(line, body, _id_in(shape, body)))
    return found


def _id_in(shape: Shape, body: JsonObject) -> str | None:
    """The id a line names, as it is kept; None for none, or for one that will be refused."""
    parts: list[str] = []
    for name in shape.entity.id.fields:
        part: Json = body.get(name)
        if not isinstance(part, str):
            return None
        parts.append(part)
    return joined(tuple(parts)) if shape.is_composite else parts[0]


def _first_of_each(pending: list[_Ready], mode: Mode) -> tuple[list[_Ready], list[_Ready]]:
    """Lines that name different records, and those that are to be merged into these."""
    if mode is Mode.CREATE:
        return pending, []
    seen: set[str] = set()
    now: list[_Ready] = []
    later: list[_Ready] = []
    for ready in pending:
        if ready.id is not None and ready.id in seen:
            later.append(ready)
            continue
        if ready.id is not None:
            seen.add(ready.id)
        now.append(ready)
    return now, later


def _round(unit: Unit, work: Work, loading: Loading, lines: Sequence[_Ready], tally: Tally) -> None:
    shape = loading.shape
    there: Mapping[str, JsonObject] = {}
    if loading.mode is Mode.UPSERT:
        named = sorted({ready.id for ready in lines if ready.id is not None})
        there = store_records.locked_many(unit, shape, work.tenant, named)
    fresh: list[tuple[Line, Record]] = []
    for ready in lines:
        current = there.get(ready.id or "")
        try:
            if current is not None and current.get("deletedAt") is None:
                _merge(unit, work, loading, ready, current, tally)
            else:
                fresh.append((ready.line, _drafted(work, loading, ready)))
        except HookyardError as error:
            tally.refuse(ready.line, error)
    _add(unit, work, loading, fresh, tally)


def _drafted(work: Work, loading: Loading, ready: _Ready) -> Record:
    is_uuid = loading.shape.entity.id.make is Make.UUID
    return new_record(
        loading.shape, loading.access, ready.body, work.setting(),
        make_id=work.new_uuid() if is_uuid else work.new_id(),
    )  # fmt: skip


def _merge(
    unit: Unit,
    work: Work,
    loading: Loading,
    ready: _Ready,
    current: JsonObject,
    tally: Tally,
) -> None:
    shape = loading.shape
    after = patched(shape, loading.access, current, ready.body, work.setting())
    if after is None:
        tally.unchanged += 1
        return
    may_clash = any(index.unique for index in indexes_of(shape.entity))
    if may_clash:
        store_records.set_mark(unit)
    try:
        store_records.update(unit, shape, after)
    except Clash:
        store_records.back_to_mark(unit)
        raise taken(shape, loading.access, "", of="unique") from None
    if may_clash:
        store_records.drop_mark(unit)
    work.note(shape, Verb.UPDATE, current, after)
    tally.updated += 1


def _add(
    unit: Unit, work: Work, loading: Loading, fresh: Sequence[tuple[Line, Record]], tally: Tally
) -> None:
    if not fresh:
        return
    shape, access = loading.shape, loading.access
    rows = [shape.row(record) for _, record in fresh]
    added = store_records.insert_many(unit, shape, rows)
    for (line, record), is_added in zip(fresh, added, strict=True):
        if is_added:
            work.note(shape, Verb.CREATE, None, record)
            tally.created += 1
        else:
            tally.refuse(line, taken(shape, access, "", of=what_is_taken(unit, shape, record)))
