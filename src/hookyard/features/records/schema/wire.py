"""A declared entity as the JSON text it is kept as, and back."""

import json
from types import MappingProxyType

from hookyard.core.identity.model import Role
from hookyard.features.records.schema.model import (
    Entity,
    Field,
    FieldType,
    IdRule,
    Index,
    Make,
    Metric,
    Operation,
    Policy,
    Relation,
)
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text


def to_json(entity: Entity) -> str:
    """The definition as text; equal entities give equal texts."""
    return json.dumps(_tree(entity), separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Entity:
    """The entity of a kept text."""
    raw: JsonObject = as_object(json.loads(text))
    rule = as_object(raw["id"])
    return Entity(
        name=as_text(raw["name"]),
        table=as_text(raw["table"]),
        id=IdRule(Make(as_text(rule["make"])), _texts(rule["fields"]), bool(rule["client"])),
        fields=tuple(_field(as_object(one)) for one in as_list(raw["fields"])),
        relations=tuple(_relation(as_object(one)) for one in as_list(raw["relations"])),
        indexes=tuple(_index(as_object(one)) for one in as_list(raw["indexes"])),
        roles=MappingProxyType(
            {Operation(name): _roles(value) for name, value in as_object(raw["roles"]).items()}
        ),
        idempotency=Policy(as_text(raw["idempotency"])),
        soft_delete=bool(raw["soft_delete"]),
        description=as_text(raw["description"]),
    )


def _tree(entity: Entity) -> JsonObject:
    return {
        "name": entity.name,
        "table": entity.table,
        "id": {
            "make": entity.id.make.value,
            "fields": list(entity.id.fields),
            "client": entity.id.client,
        },
        "fields": [_field_tree(field) for field in entity.fields],
        "relations": [
            {"name": r.name, "entity": r.entity, "by": r.by, "many": r.many}
            for r in entity.relations
        ],
        "indexes": [{"fields": list(i.fields), "unique": i.unique} for i in entity.indexes],
        "roles": {op.value: [role.value for role in roles] for op, roles in entity.roles.items()},
        "idempotency": entity.idempotency.value,
        "soft_delete": entity.soft_delete,
        "description": entity.description,
    }


def _field_tree(field: Field) -> JsonObject:
    return {
        "name": field.name,
        "type": field.type.value,
        "column": field.column,
        "required": field.required,
        "default": field.default,
        "maximum": field.maximum,
        "unique": field.unique,
        "values": list(field.values),
        "dimension": field.dimension,
        "metric": None if field.metric is None else field.metric.value,
        "read": [role.value for role in field.read],
        "write": [role.value for role in field.write],
        "description": field.description,
    }


def _field(raw: JsonObject) -> Field:
    return Field(
        name=as_text(raw["name"]),
        type=FieldType(as_text(raw["type"])),
        column=as_text(raw["column"]),
        required=bool(raw["required"]),
        default=raw["default"],
        maximum=as_int(raw["maximum"]),
        unique=bool(raw["unique"]),
        values=_texts(raw["values"]),
        dimension=as_int(raw["dimension"]),
        metric=Metric(as_text(raw["metric"])) if raw.get("metric") else None,
        read=_roles(raw["read"]),
        write=_roles(raw["write"]),
        description=as_text(raw["description"]),
    )


def _relation(raw: JsonObject) -> Relation:
    name, entity, by = (as_text(raw[key]) for key in ("name", "entity", "by"))
    return Relation(name, entity, by, bool(raw["many"]))


def _index(raw: JsonObject) -> Index:
    return Index(_texts(raw["fields"]), bool(raw["unique"]))


def _roles(value: Json) -> tuple[Role, ...]:
    return tuple(Role(name) for name in _texts(value))


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(as_text(one) for one in as_list(value))
