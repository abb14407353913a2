"""TypeScript types out of the document: one for each schema, and what paths take and give. Pure."""

import json
import re
from collections.abc import Mapping

from hookyard.features.records.documents.parts import ITEM, JSON_TYPE, LINES_TYPE
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_REF = "#/components/schemas/"
_LINES = (
    "/** Text with a value of this type, as JSON, on each line. */",
    "export type Lines<T> = string & { readonly lineOf?: T };",
    "",
)
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean",
          "null": "null", "object": "Record<string, unknown>", "array": "unknown[]"}  # fmt: skip
_VERBS = ("get", "post", "put", "patch", "delete")


def types_of(document: JsonObject) -> str:
    """The module: an exported type for each schema, and `Operations` by operation id."""
    info = as_object(document["info"])
    lines = [f"// Types of records, version {as_text(info['version'])} of their schema.", ""]
    schemas = as_object(as_object(document["components"])["schemas"])
    for name in sorted(schemas):
        lines += _exported(name, as_object(schemas[name]))
    lines += [*_LINES, "export interface Operations {"]
    parameters = as_object(as_object(document["components"])["parameters"])
    for path, item in as_object(document["paths"]).items():
        for verb in _VERBS:
            if verb in as_object(item):
                operation = as_object(as_object(item)[verb])
                lines += _operation(verb, path, operation, _query(operation, parameters))
    return "\n".join([*lines, "}", ""])


def type_of(schema: JsonObject, indent: str = "") -> str:
    """The type of a schema as it stands in a line."""
    if "$ref" in schema:
        return as_text(schema["$ref"]).removeprefix(_REF)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [type_of(as_object(one), indent) for one in as_list(schema[word])]
            return " | ".join(dict.fromkeys(found))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in as_list(schema["enum"]))
    kinds = schema.get("type")
    if kinds is None:
        return "unknown"
    listed = [kinds] if isinstance(kinds, str) else [as_text(one) for one in as_list(kinds)]
    return " | ".join(_one(kind, schema, indent) for kind in listed)


def _one(kind: str, schema: JsonObject, indent: str) -> str:
    if kind == "array" and "items" in schema:
        inner = type_of(as_object(schema["items"]), indent)
        return f"{inner}[]" if _NAME.fullmatch(inner) else f"Array<{inner}>"
    if kind == "object" and "properties" in schema:
        return "{\n" + "\n".join(_members(schema, indent + "  ")) + f"\n{indent}}}"
    return _PLAIN[kind]


def _members(schema: JsonObject, indent: str) -> list[str]:
    required = as_list(schema.get("required"))
    lines = []
    for name, inner in as_object(schema["properties"]).items():
        about = as_text(as_object(inner).get("description"))
        if about:
            lines.append(f"{indent}/** {_remark(about)} */")
        mark = "" if name in required else "?"
        lines.append(f"{indent}{_key(name)}{mark}: {type_of(as_object(inner), indent)};")
    return lines


def _exported(name: str, schema: JsonObject) -> list[str]:
    about = as_text(schema.get("description"))
    head = [f"/** {_remark(about)} */"] if about else []
    if schema.get("type") == "object" and "properties" in schema:
        return [*head, f"export interface {name} {{", *_members(schema, "  "), "}", ""]
    return [*head, f"export type {name} = {type_of(schema)};", ""]


def _query(operation: JsonObject, shared: JsonObject) -> list[str]:
    """The parameters of the query, as members; those that are JSON are told as their values."""
    lines = []
    for one in as_list(operation["parameters"]):
        reference = as_text(as_object(one).get("$ref"))
        given = as_object(shared[reference.rpartition("/")[2]] if reference else one)
        if given["in"] == "query":
            media = as_object(as_object(given.get("content")).get(JSON_TYPE)) or given
            mark = "" if given.get("required") else "?"
            kind = type_of(as_object(media["schema"]), "      ")
            lines.append(f"      {_key(as_text(given['name']))}{mark}: {kind};")
    return lines


def _operation(verb: str, path: str, operation: JsonObject, query: list[str]) -> list[str]:
    name = as_text(operation["operationId"])
    sent = as_object(operation.get("requestBody"))
    given = _body_of(sent)
    if given and not sent["required"]:
        given += " | undefined"
    answers = {
        status: _body_of(as_object(answer))
        for status, answer in as_object(operation["responses"]).items()
        if status < "400"
    }
    said = "; ".join(f"{status}: {kind or 'undefined'}" for status, kind in answers.items())
    return [
        f"  /** {_remark(as_text(operation['summary']))} */",
        f"  {_key(name)}: {{",
        f"    method: {json.dumps(verb.upper())};",
        f"    path: {json.dumps(path)};",
        *(["    query: {", *query, "    };"] if query else ["    query: undefined;"]),
        f"    body: {given or 'undefined'};",
        f"    answers: {{ {said} }};",
        "  };",
    ]


def _body_of(holder: JsonObject) -> str:
    content = as_object(holder.get("content"))
    media = content.get(JSON_TYPE)
    if isinstance(media, Mapping):
        schema: Json = media["schema"]
        return type_of(as_object(schema), "    ")
    lines = as_object(content.get(LINES_TYPE))
    return f"Lines<{type_of(as_object(lines[ITEM]))}>" if lines else ""


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name)


def _remark(text: str) -> str:
    """A text of a stranger inside a remark: it cannot end it."""
    return " ".join(text.split()).replace("*/", "* /")
