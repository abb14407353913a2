"""From what a client sent to a whole record: fields checked, merged, defaulted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hookyard.features.records.ids import canonical, in_path, is_sound, kept, split, unsound
from hookyard.features.records.schema.model import SYSTEM, FieldType, Make
from hookyard.features.records.shape import MAX_INDEXED, Access, Record, Shape
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.kit.errors import Forbidden, HookyardError, Invalid
from hookyard.kit.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Setting:
    """What a record is written for: whose it is, at which instant (RFC 3339), as which revision."""

    tenant: str
    at: str
    revision: str


def as_fields(body: Json, pointer: str) -> JsonObject:
    """The body as an object of fields."""
    if not isinstance(body, dict):
        raise wrong(pointer, "wrong_type", "must be an object of fields")
    return body


def new_record(
    shape: Shape,
    access: Access,
    body: JsonObject,
    setting: Setting,
    pointer: str = "",
    *,
    record_id: str | None = None,
    make_id: str = "",
    is_there: bool = False,
) -> Record:
    """A whole record of a body. Its id is `record_id` where the path says it, else the body's,
    else `make_id` where the server may make it; one that `is_there` has its id already."""
    values = _checked(shape, access, body, setting.tenant, pointer)
    found_id = _id_of(shape, values, record_id, make_id, pointer)
    rule = shape.entity.id
    made = not (rule.client or shape.is_composite or is_there)
    if made and found_id != make_id:
        name = rule.fields[0]
        raise wrong(under(pointer, name), "read_only", f"{name} is made by the server")
    for field in shape.own:
        if field.name not in values and field.default is not None:
            is_now = field.type is FieldType.TIMESTAMP and field.default == "now"
            values[field.name] = setting.at if is_now else field.default
    _require(shape, values, pointer)
    if shape.wide:
        _fit(shape, access, values, values, pointer)
    return _record(shape, found_id, values, setting, setting.at)


def patched(
    shape: Shape,
    access: Access,
    current: Mapping[str, Json],
    patch: JsonObject,
    setting: Setting,
    pointer: str = "",
) -> Record | None:
    """The record after a merge patch; None when it would stay as it is.

    # spec: RFC 7396: null takes a member away, objects are merged, all else is replaced.
    """
    merged: dict[str, Json] = {}
    for name, value in patch.items():
        field = shape.fields.get(name)
        before = current.get(name)
        if field is not None and field.type is FieldType.JSON and isinstance(value, dict):
            merged[name] = merge(before, value)
        else:
            merged[name] = value
    values = _checked(shape, access, merged, setting.tenant, pointer)
    _keep_id(shape, values, current, pointer)
    after = {field.name: current.get(field.name) for field in shape.own} | values
    if all(after[name] == current.get(name) for name in after):
        return None
    _require(shape, after, pointer)
    if shape.wide:
        _fit(shape, access, values, after, pointer)
    return _record(shape, str(current["id"]), after, setting, str(current["createdAt"]))


def replaced(
    shape: Shape,
    access: Access,
    current: Mapping[str, Json],
    body: JsonObject,
    setting: Setting,
    pointer: str = "",
) -> Record:
    """The record with every field the caller may write as the body says, or as by default.

    What the caller may not write stays as it is.
    """
    record_id = str(current["id"])
    fresh = new_record(shape, access, body, setting, pointer, record_id=record_id, is_there=True)
    for field in shape.own:
        if field.name not in access.checks:
            fresh[field.name] = current.get(field.name)
    if shape.wide:
        _fit(shape, access, body, fresh, pointer)
    fresh["createdAt"] = current["createdAt"]
    return fresh


def marked(current: Mapping[str, Json], setting: Setting, *, deleted: bool) -> Record:
    """The record as deleted, or as restored."""
    after: Record = {**current, "revision": setting.revision, "updatedAt": setting.at}
    after["deletedAt"] = setting.at if deleted else None
    return after


def merge(target: Json, patch: Json) -> Json:
    """A merge patch applied to a JSON value; `patch` is no deeper than a body may be."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge(found.get(name), value)
    return found


def location(shape: Shape, record_id: str) -> str:
    """Where a record is found."""
    return f"/v1/{shape.entity.name}/{in_path(shape.entity.id, record_id)}"


def _checked(
    shape: Shape, access: Access, body: JsonObject, tenant: str, pointer: str
) -> dict[str, Json]:
    """The fields of a body, each checked; what may not be there is refused."""
    found: dict[str, Json] = {}
    checks = access.checks
    for name, value in body.items():
        check = checks.get(name)
        if check is None:
            if name == "tenantId" and value == tenant:
                continue
            raise _unwritable(shape, name, under(pointer, name), access)
        # why: a declared name holds nothing that a pointer would have to escape.
        found[name] = None if value is None else check(value, f"{pointer}/{name}")
    return found


def _unwritable(shape: Shape, name: str, pointer: str, access: Access) -> HookyardError:
    if name == "tenantId":
        error = Forbidden("tenantId is another tenant's than the caller's", code="tenant_mismatch")
        error.facts = {"pointer": pointer}
        return error
    if name in shape.fields and name in access.readable:
        refused = Forbidden(
            f"{name} may not be written with the roles held", code="field_forbidden"
        )
        refused.facts = {"pointer": pointer}
        return refused
    if name in SYSTEM:
        return wrong(pointer, "read_only", f"{name} is set by the server")
    if any(relation.name == name for relation in shape.entity.relations):
        return wrong(pointer, "read_only", f"{name} is a relation; write the records themselves")
    return unknown(name, pointer, shape)


def unknown(name: str, pointer: str, shape: Shape) -> Invalid:
    """The refusal of a field there is not."""
    return wrong(pointer, "unknown_field", f"{shape.entity.name} has no field {shown(name)}")


def _id_of(
    shape: Shape, values: dict[str, Json], record_id: str | None, make_id: str, pointer: str
) -> str:
    rule = shape.entity.id
    if shape.is_composite:
        return _composite_id(shape, values, record_id, pointer)
    name = rule.fields[0]
    place = under(pointer, name)
    given = values.pop(name, None)
    if record_id is not None:
        if given is not None and given != record_id:
            raise wrong(place, "immutable", "the id says otherwise")
        given = record_id
    if given is None and rule.make is Make.CLIENT:
        raise wrong(place, "required", f"give {name}: it is the record's id")
    if given is None:
        return make_id
    return canonical(rule, str(given), place)


def _composite_id(
    shape: Shape, values: dict[str, Json], record_id: str | None, pointer: str
) -> str:
    rule = shape.entity.id
    if record_id is not None:
        for name, part in zip(rule.fields, split(record_id, rule, pointer), strict=True):
            if values.setdefault(name, part) != part:
                raise wrong(under(pointer, name), "immutable", "the id says otherwise")
    for name in rule.fields:
        if values.get(name) is None:
            raise wrong(under(pointer, name), "required", f"{name} is a part of the id")
        if not is_sound(str(values[name])):
            raise unsound(under(pointer, name))
    return kept(tuple(str(values[name]) for name in rule.fields), under(pointer, "id"))


def _keep_id(
    shape: Shape, values: dict[str, Json], current: Mapping[str, Json], pointer: str
) -> None:
    for name in shape.entity.id.fields:
        if name in values and values[name] != current[name]:
            raise wrong(under(pointer, name), "immutable", "the id of a record stays as it is")
        if not shape.is_composite:
            values.pop(name, None)


def _require(shape: Shape, values: Mapping[str, Json], pointer: str) -> None:
    for name in shape.required:
        if values.get(name) is None:
            raise wrong(under(pointer, name), "required", f"{name} is missing")


def _fit(
    shape: Shape,
    access: Access,
    given: Mapping[str, Json],
    after: Mapping[str, object],
    pointer: str,
) -> None:
    """Refuse what no index could hold, where one of its fields is given."""
    for names in shape.wide:
        mine = [name for name in names if given.get(name) is not None and name in access.checks]
        sizes = {name: len(str(after[name]).encode()) for name in names if after.get(name)}
        if mine and sum(sizes.values()) > MAX_INDEXED:
            longest = max(mine, key=lambda name: sizes.get(name, 0))
            raise wrong(
                under(pointer, longest), "too_long",
                f"what one index holds has {MAX_INDEXED} bytes at most",
            )  # fmt: skip


def _record(
    shape: Shape, record_id: str, values: Mapping[str, Json], setting: Setting, created: str
) -> Record:
    record: Record = dict.fromkeys(shape.names)
    record.update(values)
    record["id"] = record_id
    if not shape.is_composite:
        record[shape.entity.id.fields[0]] = record_id
    record["tenantId"] = setting.tenant
    record["revision"] = setting.revision
    record["createdAt"] = created
    record["updatedAt"] = setting.at
    return record
