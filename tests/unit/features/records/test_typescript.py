"""Types for TypeScript out of the document."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hookyard.core.identity.model import Role
from hookyard.features.records.documents.typescript import type_of, types_of
from tests.support.openapi import PACKAGES, require_npm
from tests.unit.features.records.test_documents import of

COMPILER = PACKAGES / "typescript" / "bin" / "tsc"
USE = """
import type { Change, Consumer, ImportReport, Lines, Operations, Subscription, Users, UsersLine,
  UsersNew } from "./records";

const made: UsersNew = { displayName: "Ada", kind: "agent" };
// @ts-expect-error a kind there is not
const wrong: UsersNew = { kind: "robot" };
// @ts-expect-error a field there is not
const unknown: UsersNew = { nope: 1 };
type Body<O extends keyof Operations> = Operations[O]["body"];
const created: Operations["createUsers"]["answers"][201] = {} as Users;
const sent: Body<"importUsers"> = "{}" as Lines<UsersLine>;
const report: Operations["importUsers"]["answers"][200] = {} as ImportReport;
const query: Operations["listUsers"]["query"] = { limit: 5, where: { kind: { in: ["agent"] } } };
// @ts-expect-error the cap has to be said
const most: Operations["deleteManyUsers"]["query"] = { where: {} };
const asked: Body<"searchMemories"> = { vector: [0.5], k: 3, metric: "cosine" };
const exported: Operations["exportUsers"]["answers"][200] = "";
const page: Operations["changes"]["answers"][200] = { items: [], next_after: 0, head: 0 };
const seq: number = page.items.map((one: Change) => one.seq).length;
const to: Body<"subscriptionsCreate"> = { url: "https://a.example", entities: ["users"] };
const sink: Body<"subscriptionsCreate"> = { sink: "bus" };
// @ts-expect-error neither
const neither: Body<"subscriptionsCreate"> = { name: "x" };
const rotated: Body<"subscriptionsRotate"> = undefined;
const shown: Subscription | Consumer | undefined = undefined;
export { asked, created, exported, made, most, neither, query, report, rotated, sent, seq, shown,
  sink, to, unknown, wrong };
"""


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


@pytest.mark.npm
def test_the_types_compile_and_refuse_what_the_server_would(tmp_path: Path) -> None:
    require_npm(COMPILER)
    node = shutil.which("node")
    assert node is not None
    (tmp_path / "records.ts").write_text(types_of(of(Role.ADMIN)))
    (tmp_path / "low.ts").write_text(types_of(of(Role.WORKER)))
    (tmp_path / "use.ts").write_text(USE)
    said = subprocess.run(
        [node, str(COMPILER), "--noEmit", "--strict", "--target", "es2022", "--module", "esnext",
         "--moduleResolution", "bundler", "use.ts", "low.ts"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert said.stdout + said.stderr == ""
    assert said.returncode == 0
