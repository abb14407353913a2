"""Records as they may look, for the examples of the document. Pure."""

from typing import TypeAlias

from hookyard.features.records.ids import joined
from hookyard.features.records.schema.model import Field, FieldType
from hookyard.features.records.shape import Access, Shape
from hookyard.kit.json import Json

Tree: TypeAlias = dict[str, Json]

AT = "2026-01-31T12:00:00.000Z"
_SYSTEM: Tree = {
    "tenantId": "acme", "revision": "01kg9n2v6c3t4w5x6y7z8a9b0c", "deletedAt": None,
}  # fmt: skip
_SIMPLE: dict[FieldType, Json] = {
    FieldType.INT: 3,
    FieldType.FLOAT: 0.5,
    FieldType.BOOL: True,
    FieldType.TIMESTAMP: AT,
    FieldType.JSON: {"note": "anything"},
}


def example(shape: Shape, access: Access) -> Tree:
    """A record as it may look."""
    return {name: sample_of(shape, name) for name in access.view.names}


def example_id(shape: Shape) -> str:
    """An id as it may look."""
    return joined(tuple(str(sample_of(shape, name)) for name in shape.entity.id.fields))


def sample_of(shape: Shape, name: str) -> Json:
    """A value of a name."""
    field = shape.fields.get(name)
    if field is not None:
        return _value(field)
    return example_id(shape) if name == "id" else _SYSTEM.get(name, AT)


def _value(field: Field) -> Json:
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return f"A {field.name}"[: field.maximum]
        case FieldType.ID:
            return f"{field.name.removesuffix('Id').lower()}-1"
        case FieldType.ENUM:
            return field.values[0]
        case FieldType.VECTOR:
            return [0.25] * (field.dimension or 0)
    return _SIMPLE[field.type]
