"""Reads the declaration of one field."""

import re
from dataclasses import replace

from hookyard.features.records.schema.cursor import Cursor
from hookyard.features.records.schema.model import SYSTEM, Field, FieldType, Metric
from hookyard.kit.clock import from_rfc3339

NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,47}")
STRING_MAX = 10_000
TEXT_MAX = 1_000_000
ID_MAX = 200
MAX_VALUES = 100
# why: pgvector keeps at most so many numbers in a column of type vector, and indexes 2,000.
MAX_DIMENSION = 2_000
_COMMON = {"type", "required", "default", "read", "write", "description"}
_EXTRA = {
    FieldType.STRING: {"max", "unique"},
    FieldType.TEXT: {"max"},
    FieldType.INT: {"unique"},
    FieldType.ID: {"unique"},
    FieldType.ENUM: {"values"},
    FieldType.VECTOR: {"dimension", "metric"},
}
_RESERVED = frozenset({*SYSTEM, "AND", "OR", "NOT"})


def read_field(name: str, at: Cursor) -> Field:
    """A field from its declaration: a word for its type alone, or keys."""
    if NAME.fullmatch(name) is None or name in _RESERVED:
        raise at.wrong(
            "a field is named by letters, digits and _, a small letter first, 48 at most; "
            f"taken are {', '.join(sorted(_RESERVED))}"
        )
    types = [kind.value for kind in FieldType]
    if isinstance(at.node.value, str):
        if at.node.value not in types:
            raise at.wrong(f"must be one of {', '.join(types)}")
        kind = FieldType(at.node.value)
        if kind in (FieldType.ENUM, FieldType.VECTOR):
            more = "values: [a, b]" if kind is FieldType.ENUM else "dimension: 1536"
            raise at.wrong(f"write `{{type: {kind.value}, {more}}}`")
        return Field(name, kind, name, maximum=_maximum(kind, None))
    if not isinstance(at.node.value, dict) or not at.has("type"):
        raise at.wrong(f"say the field's type: {', '.join(types)}")
    kind = FieldType(at.one_of("type", types, ""))
    at.only(frozenset(_COMMON | _EXTRA.get(kind, set())))
    most = TEXT_MAX if kind is FieldType.TEXT else STRING_MAX
    field = Field(
        name=name,
        type=kind,
        column=name,
        required=at.flag("required"),
        maximum=_maximum(kind, at.whole("max", 1, most)),
        unique=at.flag("unique"),
        values=_values(at) if kind is FieldType.ENUM else (),
        dimension=at.whole("dimension", 1, MAX_DIMENSION),
        read=at.roles("read"),
        write=at.roles("write"),
        description=at.text("description"),
    )
    if kind is FieldType.VECTOR:
        if field.dimension is None:
            raise at.wrong("a vector has a dimension: `dimension: 1536`")
        metrics = [metric.value for metric in Metric]
        return replace(field, metric=Metric(at.one_of("metric", metrics, Metric.COSINE.value)))
    return _with_default(field, at)


def _maximum(kind: FieldType, given: int | None) -> int | None:
    if kind is FieldType.STRING:
        return given or 1_000
    if kind is FieldType.TEXT:
        return given or 100_000
    return ID_MAX if kind is FieldType.ID else None


def _values(at: Cursor) -> tuple[str, ...]:
    found = at.texts("values")
    if not 0 < len(set(found)) == len(found) <= MAX_VALUES or not all(
        0 < len(value) <= 100 and value.isprintable() for value in found
    ):
        raise at.wrong(f"`values` lists 1 to {MAX_VALUES} different words")
    return found


def _with_default(field: Field, at: Cursor) -> Field:
    if not at.has("default"):
        return field
    value = at.scalar("default")
    kind = field.type
    sound = {
        FieldType.STRING: isinstance(value, str) and len(value) <= (field.maximum or 0),
        FieldType.TEXT: isinstance(value, str) and len(value) <= (field.maximum or 0),
        FieldType.INT: isinstance(value, int) and not isinstance(value, bool),
        FieldType.FLOAT: isinstance(value, int | float) and not isinstance(value, bool),
        FieldType.BOOL: isinstance(value, bool),
        FieldType.TIMESTAMP: value == "now" or _is_instant(value),
        FieldType.ENUM: value in field.values,
    }.get(kind, False)
    if not sound:
        raise at.wrong(f"`default` is no value of type {kind.value}")
    return replace(
        field, default=float(value) if kind is FieldType.FLOAT and value is not None else value
    )


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and from_rfc3339(value) >= 0
    except ValueError:
        return False
