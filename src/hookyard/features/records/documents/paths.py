"""The operations of one entity in the document, those that holders of some roles have. Pure."""

from hookyard.features.records.documents.codes import MANY, READ, WRITE
from hookyard.features.records.documents.examples import Tree, example, example_id
from hookyard.features.records.documents.parts import answer, as_json, body, problems, use
from hookyard.features.records.documents.schemas import (
    line_schema,
    new_schema,
    part_schema,
    patch_schema,
    record_schema,
    title_of,
    where_schema,
)
from hookyard.features.records.ids import in_path
from hookyard.features.records.query.builder import Lookup, target_of
from hookyard.features.records.schema.model import Operation, Policy
from hookyard.features.records.shape import Access, Shape
from hookyard.kit.json import Json, as_list, as_object


class Describer:
    """One entity for holders of some roles."""

    def __init__(self, shape: Shape, lookup: Lookup, roles: int) -> None:
        self.shape = shape
        self.access: Access = shape.access(roles)
        self.name = title_of(shape)
        self._ways = {
            relation.name: (target, relation.many)
            for relation in shape.entity.relations
            if (target := target_of(shape, relation, lookup, roles)) is not None
        }

    def may(self, *operations: Operation) -> bool:
        """Whether all of these are allowed."""
        return self.access.operations.issuperset(operations)

    def schemas(self) -> Tree:
        """The entity's schemas by name, those that operations refer to."""
        shape, access, found = self.shape, self.access, {}
        if access.operations:
            found[self.name] = record_schema(shape, access)
        if self.may(Operation.READ):
            found[f"{self.name}Part"] = part_schema(shape, access, self._ways)
            found[f"{self.name}Where"] = where_schema(shape, access, self._ways)
        if self.may(Operation.CREATE):
            found[f"{self.name}New"] = new_schema(shape, access, with_id=True)
            found[f"{self.name}Line"] = line_schema(shape, access)
        if self.may(Operation.CREATE, Operation.UPDATE):
            found[f"{self.name}Whole"] = new_schema(shape, access, with_id=False)
        if self.may(Operation.UPDATE):
            found[f"{self.name}Change"] = patch_schema(shape, access)
        return dict(found)

    def paths(self) -> Tree:
        """The entity's paths, those with something in them."""
        base = f"/v1/{self.shape.entity.name}"
        found = {base: self._collection(), f"{base}/{{id}}": self._one()}
        if self.may(Operation.RESTORE) and self.shape.entity.soft_delete:
            found[f"{base}/{{id}}/_restore"] = {
                "parameters": [self._id(), *use("tenant", "request")],
                "post": self.operation(
                    "restore", "Bring a deleted record back", WRITE,
                    self.write("match", "dry_run"),
                    {"200": self._answered("As it is again")}, 404, 408, 412, 413, 415,
                ),
            }  # fmt: skip
        return {path: item for path, item in found.items() if set(item) - {"parameters"}}

    def _collection(self) -> Tree:
        found: Tree = {"parameters": use("tenant", "request")}
        if self.may(Operation.READ):
            page: Tree = {
                "type": "object", "required": ["items", "next_cursor"],
                "properties": {
                    "items": {"type": "array", "items": self.read_schema()},
                    "next_cursor": {"type": ["string", "null"]},
                    "count": {"type": "integer"},
                },
                "additionalProperties": False,
            }  # fmt: skip
            sample: Tree = {"items": [example(self.shape, self.access)], "next_cursor": None}
            found["get"] = self.operation(
                "list", "A page of records", READ, self._listing(),
                {"200": answer("A page", page, example=sample)}, 404,
            )  # fmt: skip
        if self.may(Operation.CREATE):
            found["post"] = self.operation(
                "create", "Make a record", WRITE, self.write("absent", "dry_run"),
                {"201": self._answered("Made", "Location")}, 404, 412, sent="New",
            )  # fmt: skip
        if self.may(Operation.READ, Operation.UPDATE):
            found["patch"] = self._many("updateMany", "Change every record that fits", "Change")
        if self.may(Operation.READ, Operation.DELETE):
            found["delete"] = self._many("deleteMany", "Delete every record that fits", "")
        return found

    def _one(self) -> Tree:
        found: Tree = {"parameters": [self._id(), *use("tenant", "request")]}
        if self.may(Operation.READ):
            read = answer("The record", self.read_schema(), "ETag",
                          example=example(self.shape, self.access))  # fmt: skip
            found["get"] = self.operation(
                "get", "One record", READ, [*self._picking(), *use("fresh")],
                {"200": read, "304": answer("As the caller has it", None, "ETag")}, 404,
            )  # fmt: skip
        if self.may(Operation.UPDATE):
            found["patch"] = self.operation(
                "update", "Change a record by merge patch", WRITE, self.write("match", "dry_run"),
                {"200": self._answered("As it is now")}, 404, 412, sent="Change",
            )  # fmt: skip
        if self.may(Operation.CREATE, Operation.UPDATE):
            found["put"] = self.operation(
                "replace", "Replace a record, or make it", WRITE,
                self.write("match", "absent", "dry_run"),
                {"200": self._answered("As it is now"),
                 "201": self._answered("Made", "Location")}, 404, 412, sent="Whole",
            )  # fmt: skip
        if self.may(Operation.DELETE):
            gone = answer("Deleted", None, "Idempotency-Expires", "X-Idempotent-Replay")
            found["delete"] = self.operation(
                "delete", "Delete a record", WRITE, self.write("match", "dry_run"),
                {"204": gone}, 404, 412,
            )  # fmt: skip
        return found

    def _many(self, verb: str, about: str, sent: str) -> Tree:
        done: Tree = {
            "type": "object", "required": ["count", "ids"],
            "properties": {"count": {"type": "integer"},
                           "ids": {"type": "array", "items": {"type": "string"}}},
            "additionalProperties": False,
        }  # fmt: skip
        most: Tree = {"name": "max", "in": "query", "required": True,
                      "description": "How many it may be; where more fit nothing is written",
                      "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}  # fmt: skip
        given = [{**self.where(), "required": True}, most, *self.write("dry_run")]
        told: Tree = {"count": 1, "ids": [example_id(self.shape)]}
        said = answer("What was written", done, "Idempotency-Expires", "X-Idempotent-Replay",
                      example=told)  # fmt: skip
        return self.operation(verb, about, MANY, given, {"200": said}, 404, 412, sent=sent)

    def operation(
        self, verb: str, about: str, kind: str, given: list[Json], answers: Tree, *statuses: int,
        sent: str = "",
    ) -> Tree:  # fmt: skip
        """An operation on the entity; `sent` is the schema of its body, by the end of its name."""
        if sent:
            statuses = (*statuses, 408, 413, 415)
        if kind in (WRITE, MANY):
            statuses = (*statuses, 422)
        found: Tree = {
            "operationId": f"{verb}{self.name}",
            "summary": about,
            "tags": [self.shape.entity.name],
            "parameters": given,
            "responses": {**answers, **problems(kind, *statuses)},
        }
        if sent:
            name = f"{self.name}{sent}"
            found["requestBody"] = body(
                {"$ref": f"#/components/schemas/{name}"},
                as_list(as_object(self.schemas()[name])["examples"])[0],
            )
        return found

    def _answered(self, about: str, *more: str) -> Tree:
        kept = ("ETag", "Idempotency-Expires", "X-Idempotent-Replay")
        sample = example(self.shape, self.access)
        return answer(about, self.ref(""), *kept, *more, example=sample)

    def read_schema(self) -> Tree:
        """A record as a read gives it."""
        return {"anyOf": [self.ref(""), self.ref("Part")]}

    def ref(self, suffix: str) -> Json:
        """A reference to a schema of the entity, by the end of its name."""
        return {"$ref": f"#/components/schemas/{self.name}{suffix}"}

    def _id(self) -> Json:
        rule = self.shape.entity.id
        about = "The record's id"
        if self.shape.is_composite:
            about += f": {':'.join(rule.fields)}; in a part `%`, `:` and `/` are %25, %3A and %2F"
        sample = in_path(rule, example_id(self.shape))
        return {"name": "id", "in": "path", "required": True, "description": about,
                "schema": {"type": "string", "minLength": 1}, "example": sample}  # fmt: skip

    def write(self, *names: str) -> list[Json]:
        """Parameters of a write: these, and the key as the entity takes it."""
        policy = self.shape.entity.idempotency
        found = use(*names)
        if policy is Policy.OPTIONAL:
            found += use("key")
        elif policy is Policy.REQUIRED:
            found.append({"name": "Idempotency-Key", "in": "header", "required": True,
                          "schema": {"type": "string", "minLength": 1, "maxLength": 255,
                                     "pattern": "^[!-~]+$"}})  # fmt: skip
        return found

    def where(self) -> Tree:
        """The parameter that is a filter."""
        schema: Tree = {"$ref": f"#/components/schemas/{self.name}Where"}
        return as_json("where", "A filter", schema, {"id": {"equals": example_id(self.shape)}})

    def select(self) -> Tree:
        """What `select` holds."""
        names: list[Json] = [n for n in self.shape.names if n in self.access.readable]
        return {"type": "array", "items": {"enum": names}, "minItems": 1}

    def selecting(self) -> Json:
        """The parameter `select`."""
        return as_json("select", "Which names, vectors among them", self.select(), ["id"])

    def _picking(self) -> list[Json]:
        found: list[Json] = [self.selecting()]
        if self._ways:
            inner: Json = {"anyOf": [{"type": "boolean"}, {"type": "object"}]}
            schema: Tree = {"type": "object", "additionalProperties": False,
                            "properties": dict.fromkeys(self._ways, inner)}  # fmt: skip
            example: Tree = {next(iter(self._ways)): True}
            found.append(as_json("include", "Related records", schema, example))
        return found

    def _listing(self) -> list[Json]:
        way: Tree = {"enum": ["asc", "desc"]}
        how: Tree = {"type": "object", "properties": {"sort": way, "nulls": {"enum": [
            "first", "last"]}}, "additionalProperties": False}  # fmt: skip
        names = [n for n in self.shape.names if n in self.access.readable]
        key: Tree = {"type": "object", "additionalProperties": False, "minProperties": 1,
                     "properties": {name: {"anyOf": [way, how]} for name in names}}  # fmt: skip
        order: Tree = {"anyOf": [key, {"type": "array", "items": key, "maxItems": 6}]}
        found: list[Json] = [
            self.where(),
            as_json("orderBy", "The order; the id is last", order, {"createdAt": "desc"}),
            *self._picking(), *use("limit", "cursor", "count"),
        ]  # fmt: skip
        if self.may(Operation.RESTORE):
            found += use("withDeleted")
        return found
