"""Types for TypeScript out of the document."""

import re

import pytest

from hookyard.core.identity.model import Role
from hookyard.features.records.documents.typescript import type_of, types_of
from tests.unit.features.records.test_documents import of


def test_each_schema_and_operation_has_a_type() -> None:
    found = of(Role.ADMIN)
    text = types_of(found)
    for name in found["components"]["schemas"]:
        assert re.search(rf"^export (interface|type) {name}\b", text, re.MULTILINE)
    for item in found["paths"].values():
        for verb, operation in item.items():
            if verb != "parameters":
                assert f"  {operation['operationId']}: {{" in text
    assert "  title: string;" in text
    assert '  kind: "person" | "agent" | "service" | null;' in text
    assert text.count("{") == text.count("}")
    for named in re.findall(r"\b([A-Z]\w+(?:New|Part|Where|Change|Whole))\b", text):
        assert named in found["components"]["schemas"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, "unknown"),
        ({"type": "string"}, "string"),
        ({"type": ["integer", "null"]}, "number | null"),
        ({"enum": ["a", None, 1]}, '"a" | null | 1'),
        ({"const": 'a"b'}, '"a\\"b"'),
        ({"type": "array", "items": {"type": "number"}}, "number[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, 'Array<"a" | "b">'),
        ({"anyOf": [{"$ref": "#/components/schemas/Users"}, {"type": "null"}]}, "Users | null"),
        ({"type": "object"}, "Record<string, unknown>"),
        (
            {"type": "object", "properties": {"a-b": {"type": "boolean"}}, "required": ["a-b"]},
            '{\n  "a-b": boolean;\n}',
        ),
    ],
)
def test_a_schema_is_a_type(schema: dict[str, object], said: str) -> None:
    assert type_of(schema) == said  # type: ignore[arg-type]


def test_a_description_cannot_end_its_remark() -> None:
    found = of(Role.VIEWER)
    found["components"]["schemas"]["Users"]["description"] = "x */ export const evil = 1; /*\n"
    assert "*/ export const evil" not in types_of(found)
