"""Conditions on a value inside a JSON field → SQL of either engine. Pure.

    {"meta": {"path": ["author", "age"], "gte": 18}}

Without `path` a JSON field is compared with null only. Values are compared with those of their own
kind: a number with numbers, text with text.
"""

from collections.abc import Mapping

from hookyard.features.records.query.builder import Builder
from hookyard.features.records.trouble import under, wrong
from hookyard.features.records.values import number, text
from hookyard.kit.json import Json

MAX_STEPS = 8
MAX_KEY = 200
_COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_STRINGS = ("string_contains", "string_starts_with", "string_ends_with")
KNOWN = ("path", "equals", "not", *_COMPARED, *_STRINGS)


def json_condition(builder: Builder, column: str, value: Json, pointer: str) -> str:
    """The condition on a JSON field."""
    if value is None:
        return f"{column} IS NULL"
    if not isinstance(value, Mapping):
        raise wrong(pointer, "wrong_type", "must be null or an object with path and operators")
    for word in value:
        if word not in KNOWN:
            place = under(pointer, word)
            raise wrong(place, "unknown_operator", f"a JSON field has {', '.join(KNOWN)}")
    if "path" not in value:
        return _whole(column, value, pointer)
    path = _path(builder, value["path"], under(pointer, "path"))
    parts = [
        _one(builder, column, path, word, operand, under(pointer, word))
        for word, operand in value.items()
        if word != "path"
    ]
    return " AND ".join(parts) or f"{_kind(builder, column, path)} IS NOT NULL"


def _whole(column: str, value: Mapping[str, Json], pointer: str) -> str:
    parts: list[str] = []
    for word, operand in value.items():
        if word not in ("equals", "not") or operand is not None:
            raise wrong(
                under(pointer, word), "path_missing",
                "say `path` to compare a value inside; the whole is compared with null only",
            )  # fmt: skip
        parts.append(f"{column} IS {'NOT ' if word == 'not' else ''}NULL")
    return " AND ".join(parts) or "1 = 1"


def _path(builder: Builder, value: Json, pointer: str) -> str:
    """The bound path: `$."a"[0]` for SQLite, an array of text for Postgres."""
    listed = value if isinstance(value, list) else [value]
    if not 0 < len(listed) <= MAX_STEPS:
        raise wrong(pointer, "bad_path", f"a path has 1 to {MAX_STEPS} steps")
    steps: list[str | int] = []
    for number_of, step in enumerate(listed):
        place = under(pointer, number_of)
        if type(step) is int and 0 <= step < 10_000:
            steps.append(step)
            continue
        key = text(step, place)
        # why: SQLite has no way to write a quote or a backslash inside a key of a path.
        if not 0 < len(key) <= MAX_KEY or '"' in key or "\\" in key:
            raise wrong(place, "bad_path", "a key has 1 to 200 signs, no quote and no backslash")
        steps.append(key)
    if builder.dialect == "sqlite":
        return builder.bind(
            "$" + "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in steps)
        )
    return builder.bind([str(step) for step in steps]) + "::text[]"


def _one(builder: Builder, column: str, path: str, word: str, operand: Json, pointer: str) -> str:
    if word == "not":
        return f"NOT ({_equal(builder, column, path, operand, pointer)})"
    if word == "equals":
        return _equal(builder, column, path, operand, pointer)
    if word in _COMPARED:
        return _compared(builder, column, path, _COMPARED[word], operand, pointer)
    wanted = text(operand, pointer)
    kind, held = _kind(builder, column, path), _text(builder, column, path)
    if not wanted:
        return f"{kind} = '{_name(builder, 'text')}'"
    place = builder.bind(wanted)
    if builder.dialect == "sqlite":
        found = {
            "string_contains": f"instr({held}, {place}) > 0",
            "string_starts_with": f"substr({held}, 1, {len(wanted)}) = {place}",
            "string_ends_with": f"substr({held}, -{len(wanted)}) = {place}",
        }[word]
    else:
        found = {
            "string_contains": f"strpos({held}, {place}) > 0",
            "string_starts_with": f"starts_with({held}, {place})",
            "string_ends_with": f"right({held}, {len(wanted)}) = {place}",
        }[word]
    return f"coalesce({kind} = '{_name(builder, 'text')}' AND {found}, {_false(builder)})"


def _equal(builder: Builder, column: str, path: str, operand: Json, pointer: str) -> str:
    kind = _kind(builder, column, path)
    if operand is None:
        return f"coalesce({kind} = 'null', {_false(builder)})"
    if isinstance(operand, bool):
        word = "true" if operand else "false"
        if builder.dialect == "sqlite":
            return f"coalesce({kind} = '{word}', 0)"
        return f"coalesce(({column} #> {path}) = '{word}'::jsonb, FALSE)"
    if isinstance(operand, str | int | float):
        return _compared(builder, column, path, "=", operand, pointer)
    raise wrong(pointer, "wrong_type", "only plain values are compared inside JSON")


def _compared(
    builder: Builder, column: str, path: str, sign: str, operand: Json, pointer: str
) -> str:
    kind = _kind(builder, column, path)
    if isinstance(operand, str):
        held, place = _text(builder, column, path), builder.bind(text(operand, pointer))
        is_kind = f"{kind} = '{_name(builder, 'text')}'"
    else:
        value = number(operand, pointer)
        place = builder.bind(value)
        if builder.dialect == "sqlite":
            held, is_kind = f"json_extract({column}, {path})", f"{kind} IN ('integer', 'real')"
        else:
            # why: what is no number must not be cast, and CASE alone promises the order.
            held = f"(CASE WHEN {kind} = 'number' THEN ({column} #>> {path})::float8 END)"
            is_kind = f"{kind} = 'number'"
    return f"coalesce({is_kind} AND {held} {sign} {place}, {_false(builder)})"


def _kind(builder: Builder, column: str, path: str) -> str:
    if builder.dialect == "sqlite":
        return f"json_type({column}, {path})"
    return f"jsonb_typeof({column} #> {path})"


def _text(builder: Builder, column: str, path: str) -> str:
    if builder.dialect == "sqlite":
        return f"json_extract({column}, {path})"
    return f'({column} #>> {path}) COLLATE "C"'


def _name(builder: Builder, kind: str) -> str:
    return kind if builder.dialect == "sqlite" else "string"


def _false(builder: Builder) -> str:
    return "0" if builder.dialect == "sqlite" else "FALSE"
