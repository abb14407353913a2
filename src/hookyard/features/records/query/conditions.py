"""Conditions on one field → SQL of either engine. Pure.

Text is compared by its bytes, the same on both engines; `mode: insensitive` takes A–Z for a–z, and
other letters as they are. As in SQL, and in Prisma, `not` and `notIn` leave out what is null.
"""

from collections.abc import Callable, Mapping

from hookyard.adapters.database.port import RawParam
from hookyard.features.records.ids import canonical
from hookyard.features.records.query.builder import Builder, each
from hookyard.features.records.query.json_paths import json_condition
from hookyard.features.records.schema.model import FieldType
from hookyard.features.records.shape import Shape
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.features.records.values import instant, number, text, whole
from hookyard.kit.json import Json

MAX_IN = 500
_COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_PARTS = ("contains", "startsWith", "endsWith")
_EQUAL = ("equals", "not", "in", "notIn")
_TEXTUAL = (FieldType.STRING, FieldType.TEXT, FieldType.ID)
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def column_condition(
    builder: Builder, shape: Shape, alias: str, name: str, value: Json, pointer: str, depth: int
) -> str:
    """The condition of one name: a plain value, null, or an object of operators."""
    kind = kind_of(shape, name)
    column = f"{alias}.{shape.column(name)}"
    if kind is FieldType.JSON:
        return json_condition(builder, column, value, pointer)
    if not isinstance(value, Mapping):
        value = {"equals": value}
    mode = value.get("mode", "default")
    if mode not in ("default", "insensitive") or ("mode" in value and kind not in _TEXTUAL):
        raise wrong(under(pointer, "mode"), "unknown_operator", "mode is default or insensitive")
    check = checker(shape, name)
    known = operators(kind)
    parts: list[str] = []
    for word, operand in value.items():
        if word == "mode":
            continue
        place = under(pointer, word)
        if word not in known:
            raise wrong(
                place, "unknown_operator",
                f"{shown(name)} has no operator {shown(word)}; there is {', '.join(known)}",
            )  # fmt: skip
        builder.spend(place, depth)
        fold = mode == "insensitive"
        if word == "not" and isinstance(operand, Mapping):
            inner = {**operand, **({"mode": mode} if fold else {})}
            nested = column_condition(builder, shape, alias, name, inner, place, depth + 1)
            parts.append(f"NOT ({nested})")
        else:
            parts.append(_one(builder, column, word, operand, place, check, fold=fold))
    return " AND ".join(parts) or "1 = 1"


def kind_of(shape: Shape, name: str) -> FieldType:
    """What a name holds, those that every record has among them."""
    field = shape.fields.get(name)
    if field is not None:
        return field.type
    return FieldType.TIMESTAMP if name.endswith("At") else FieldType.ID


def operators(kind: FieldType) -> tuple[str, ...]:
    """The operators of a kind of field."""
    match kind:
        case FieldType.BOOL | FieldType.VECTOR:
            return ("equals", "not")
        case FieldType.ENUM:
            return _EQUAL
        case FieldType.INT | FieldType.FLOAT | FieldType.TIMESTAMP:
            return (*_EQUAL, *_COMPARED)
    return (*_EQUAL, *_COMPARED, *_PARTS)


def checker(shape: Shape, name: str) -> Callable[[Json, str], RawParam]:
    """What makes an operand of a name into a parameter."""
    kind = kind_of(shape, name)
    is_sqlite = shape.dialect == "sqlite"

    def check(value: Json, pointer: str) -> RawParam:
        match kind:
            case FieldType.INT:
                return whole(value, pointer)
            case FieldType.FLOAT:
                return number(value, pointer)
            case FieldType.TIMESTAMP:
                return instant(value, pointer)
            case FieldType.BOOL:
                if not isinstance(value, bool):
                    raise wrong(pointer, "wrong_type", "must be true or false")
                return int(value) if is_sqlite else value
            case FieldType.ENUM:
                found = shape.checks[name](value, pointer)
                assert isinstance(found, str)  # noqa: S101
                return found
            case FieldType.VECTOR:
                raise wrong(pointer, "wrong_type", "a vector is compared with null only")
        found = text(value, pointer)
        return canonical(shape.entity.id, found, pointer) if name == "id" else found

    return check


def _one(
    builder: Builder,
    column: str,
    word: str,
    operand: Json,
    pointer: str,
    check: Callable[[Json, str], RawParam],
    *,
    fold: bool,
) -> str:
    if operand is None:
        if word not in ("equals", "not"):
            raise wrong(pointer, "wrong_type", f"{word} does not take null")
        return f"{column} IS NULL" if word == "equals" else f"{column} IS NOT NULL"
    held = f"lower({column})" if fold else column
    if word in ("in", "notIn"):
        return _listed(builder, held, word, operand, pointer, check, fold=fold)
    value = check(operand, pointer)
    if fold and isinstance(value, str):
        value = value.translate(_LOWER)
    if word in _PARTS:
        return _part(builder, held, word, str(value))
    sign = {"equals": "=", "not": "<>"}.get(word) or _COMPARED[word]
    return f"{held} {sign} {builder.bind(value)}"


def _listed(
    builder: Builder,
    column: str,
    word: str,
    operand: Json,
    pointer: str,
    check: Callable[[Json, str], RawParam],
    *,
    fold: bool,
) -> str:
    if not isinstance(operand, list) or len(operand) > MAX_IN:
        raise wrong(pointer, "wrong_type", f"must be a list of {MAX_IN} values at most")
    values = [check(one, under(pointer, n)) for n, one in enumerate(operand)]
    if fold:
        values = [one.translate(_LOWER) if isinstance(one, str) else one for one in values]
    place = builder.bind(values)  # type: ignore[arg-type]
    if builder.dialect == "sqlite":
        sign = "IN" if word == "in" else "NOT IN"
        return f"{column} {sign} ({each(place)})"
    return f"{column} = ANY({place})" if word == "in" else f"{column} <> ALL({place})"


def _part(builder: Builder, column: str, word: str, value: str) -> str:
    """A part of a text; of the empty text every text has one."""
    if not value:
        return f"{column} IS NOT NULL"
    place = builder.bind(value)
    is_sqlite = builder.dialect == "sqlite"
    if word == "contains":
        return f"instr({column}, {place}) > 0" if is_sqlite else f"strpos({column}, {place}) > 0"
    if word == "startsWith":
        if is_sqlite:
            return f"substr({column}, 1, {len(value)}) = {place}"
        return f"starts_with({column}, {place})"
    if is_sqlite:
        return f"substr({column}, -{len(value)}) = {place}"
    return f"right({column}, {len(value)}) = {place}"
