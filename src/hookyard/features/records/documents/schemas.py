"""An entity as JSON Schema, for holders of some roles: records, bodies of writes, filters. Pure."""

from hookyard.features.records.documents.examples import Tree, example, sample_of
from hookyard.features.records.query.conditions import kind_of, operators
from hookyard.features.records.query.json_paths import KNOWN as JSON_OPERATORS
from hookyard.features.records.schema.model import Field, FieldType, Make
from hookyard.features.records.shape import Access, Shape
from hookyard.kit.json import Json, JsonObject, as_list, as_object

_INT64 = 2**63
SET_BY_SERVER = ("createdAt", "updatedAt", "deletedAt")
_ENDINGS = ("Change", "Line", "New", "Part", "Whole", "Where")
_SHARED = frozenset(
    {
        "Array", "Change", "Changes", "Consumer", "ImportReport", "Lines", "Operations", "Problem",
        "Record", "Subscription", "Undelivered",
    }
)  # fmt: skip
_SIMPLE: dict[FieldType, Tree] = {
    FieldType.ID: {"type": "string", "minLength": 1, "maxLength": 200},
    FieldType.INT: {"type": "integer", "minimum": -_INT64, "maximum": _INT64 - 1},
    FieldType.FLOAT: {"type": "number"},
    FieldType.BOOL: {"type": "boolean"},
    FieldType.TIMESTAMP: {"type": "string", "format": "date-time"},
}


def title_of(shape: Shape) -> str:
    """`agent-shared-states` as a type is called: AgentSharedStates. What would be called as
    another type is called Record, too."""
    parts = [part.capitalize() for part in shape.entity.name.split("-")]
    name = "".join(parts)
    return f"{name}Record" if name in _SHARED or parts[-1] in _ENDINGS else name


def value_schema(field: Field, *, nullable: bool) -> Tree:
    """What a field holds; `nullable` adds null."""
    found = _plain(field)
    if nullable and "type" in found:
        found["type"] = [found["type"], "null"]
        if field.type is FieldType.ENUM:
            found["enum"] = [*field.values, None]
    if field.description:
        found["description"] = field.description
    return found


def _plain(field: Field) -> Tree:
    kind = field.type
    if kind in (FieldType.STRING, FieldType.TEXT):
        return {"type": "string", "maxLength": field.maximum}
    if kind is FieldType.ENUM:
        return {"type": "string", "enum": list(field.values)}
    if kind is FieldType.VECTOR:
        numbers: Tree = {"type": "number"}
        size = field.dimension
        return {"type": "array", "items": numbers, "minItems": size, "maxItems": size}
    return dict(_SIMPLE.get(kind, {}))


def record_schema(shape: Shape, access: Access) -> Tree:
    """A record as it is answered by itself, with every name that is shown."""
    shown: list[Json] = list(access.view.names)
    return {
        "type": "object",
        "description": shape.entity.description or f"A record of {shape.entity.name}",
        "properties": {name: _shown(shape, name) for name in access.view.names},
        "required": shown,
        "additionalProperties": False,
        "examples": [example(shape, access)],
    }


def part_schema(shape: Shape, access: Access, ways: dict[str, tuple[Shape, bool]]) -> Tree:
    """A record with what `select` and `include` asked for; `ways` are relations that may be gone
    along, with where they lead and whether to many."""
    listed = [name for name in shape.names if name in access.readable]
    properties: Tree = {name: _shown(shape, name) for name in listed}
    for name, (target, many) in ways.items():
        inner: Tree = {"$ref": f"#/components/schemas/{title_of(target)}Part"}
        properties[name] = (
            {"type": "array", "items": inner} if many else {"anyOf": [inner, {"type": "null"}]}
        )
    return {
        "type": "object",
        "description": "What `select` names of a record, with the relations of `include`",
        "properties": properties,
        "additionalProperties": False,
    }


def new_schema(shape: Shape, access: Access, *, with_id: bool) -> Tree:
    """The body that makes a record; `with_id` where the path does not say the id."""
    rule = shape.entity.id
    required: list[Json] = []
    properties: Tree = {}
    for field in shape.entity.fields:
        is_id = field.name in rule.fields
        if field.name not in access.checks or (is_id and not _may_name(shape, with_id)):
            continue
        must = field.required and field.default is None
        properties[field.name] = value_schema(field, nullable=not field.required and not is_id)
        if (with_id and rule.make in (Make.CLIENT, Make.COMPOSITE)) if is_id else must:
            required.append(field.name)
    sample = {name: sample_of(shape, name) for name in properties if _is_small(shape, name)}
    return _body(properties, required, sample)


def line_schema(shape: Shape, access: Access) -> Tree:
    """A line of an import. It makes a record or is merged into one, so that nothing has to be in
    every line; what the server sets may stand in it, as an export has it."""
    new = new_schema(shape, access, with_id=True)
    properties: Tree = {name: {} for name in ("id", "revision", *SET_BY_SERVER)}
    for field in shape.entity.fields:
        if field.name in access.checks:
            properties[field.name] = value_schema(field, nullable=not field.required)
    properties["tenantId"] = {"type": "string", "description": "One's own"}
    return _body(properties, [], as_object(as_list(new["examples"])[0]))


def patch_schema(shape: Shape, access: Access) -> Tree:
    """A merge patch: any fields, null to take a value away."""
    own = [f for f in shape.own if f.name in access.checks and f.name not in shape.entity.id.fields]
    properties: Tree = {f.name: value_schema(f, nullable=not f.required) for f in own}
    first = [name for name in properties if _is_small(shape, name)][:1]
    return _body(properties, [], {name: sample_of(shape, name) for name in first})


def where_schema(shape: Shape, access: Access, ways: dict[str, tuple[Shape, bool]]) -> Tree:
    """A filter. Inner filters are of the same form, which is said and not spelled out."""
    inner: Tree = {"type": "object"}
    properties: Tree = {
        "AND": {"anyOf": [inner, {"type": "array", "items": inner}]},
        "OR": {"type": "array", "items": inner},
        "NOT": {"anyOf": [inner, {"type": "array", "items": inner}]},
    }
    for name in shape.names:
        if name in access.readable:
            properties[name] = _condition(shape, name)
    for name, (_, many) in ways.items():
        words = ("some", "every", "none") if many else ("is", "isNot")
        one: Tree = inner if many else {"type": ["object", "null"]}
        properties[name] = {
            "type": "object",
            "properties": dict.fromkeys(words, one),
            "additionalProperties": False,
        }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _body(properties: Tree, required: list[Json], sample: JsonObject) -> Tree:
    found: Tree = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    return found | {"examples": [sample]}


def _may_name(shape: Shape, with_id: bool) -> bool:
    """Whether a body may hold the id: else the path says it, or the server makes it."""
    rule = shape.entity.id
    return not with_id or rule.client or rule.make in (Make.CLIENT, Make.COMPOSITE)


def _shown(shape: Shape, name: str) -> Json:
    field = shape.fields.get(name)
    if field is not None:
        is_id = name in shape.entity.id.fields
        return value_schema(field, nullable=not (field.required or is_id))
    if name == "id":
        return {"type": "string", "minLength": 1}
    if name == "deletedAt":
        return {"type": ["string", "null"], "format": "date-time"}
    if name.endswith("At"):
        return {"type": "string", "format": "date-time"}
    return {"type": "string"}


def _condition(shape: Shape, name: str) -> Json:
    kind = kind_of(shape, name)
    if kind is FieldType.JSON:
        words: Tree = {word: {} for word in JSON_OPERATORS}
        words["path"] = {"type": "array", "items": {"type": ["string", "integer"]}}
        asked: Tree = {"type": "object", "properties": words, "additionalProperties": False}
        return {"anyOf": [{"type": "null"}, asked]}
    field = shape.fields.get(name) or Field(name, kind, name)
    if kind is FieldType.VECTOR:
        value: Tree = {"type": "null"}
    else:
        value = value_schema(field, nullable=True)
        value.pop("maxLength", None)
    listed: Tree = {"type": "array", "items": value, "maxItems": 500}
    words = {
        word: listed if word in ("in", "notIn") else {} if word == "not" else value
        for word in operators(kind)
    }
    if kind in (FieldType.STRING, FieldType.TEXT, FieldType.ID):
        words["mode"] = {"enum": ["default", "insensitive"]}
    return {"anyOf": [value, {"type": "object", "properties": words,
                              "additionalProperties": False}]}  # fmt: skip


def _is_small(shape: Shape, name: str) -> bool:
    return shape.fields[name].type is not FieldType.VECTOR
