"""Searches, imports and exports of one entity in the document. Pure."""

from hookyard.features.records.bulk.importing import PROBLEMS_TOLD
from hookyard.features.records.bulk.loading import Mode
from hookyard.features.records.documents.codes import EXPORT, IMPORT, OF_LINES, SEARCH
from hookyard.features.records.documents.examples import Tree, example, sample_of
from hookyard.features.records.documents.parts import (
    answer,
    as_lines,
    body,
    lines_answer,
    ref,
    use,
    whole,
)
from hookyard.features.records.documents.paths import Describer
from hookyard.features.records.schema.model import Field, FieldType, Metric, Operation
from hookyard.features.records.search.request import DEFAULT_K, MAX_K
from hookyard.kit.json import Json, as_list, as_object

_COUNT: Tree = {"type": "integer", "minimum": 0}
_COUNTS = ("lines", "created", "updated", "unchanged", "failed", "replayed")
REPORT = "ImportReport"


def bulk_schemas() -> Tree:
    """What all imports share."""
    problem: Tree = {
        "type": "object", "required": ["line", "code", "detail"],
        "properties": {"line": {"type": "integer", "minimum": 1}, "code": {"enum": list(OF_LINES)},
                       "detail": {"type": "string"}, "pointer": {"type": "string"}},
        "additionalProperties": False,
    }  # fmt: skip
    told: Tree = {"type": "array", "items": problem, "maxItems": PROBLEMS_TOLD}
    counts: Tree = dict.fromkeys(_COUNTS, _COUNT)
    report = whole(**counts, dryRun={"type": "boolean"}, problems=told)
    report["description"] = "What became of the lines; `replayed` were written by an earlier try"
    return {REPORT: report}


def bulk_paths(one: Describer) -> Tree:
    """Paths of searches, imports and exports, those with something in them."""
    base = f"/v1/{one.shape.entity.name}"
    found: Tree = {}
    vectors = [
        field for field in one.shape.own
        if field.type is FieldType.VECTOR and field.name in one.access.readable
    ]  # fmt: skip
    if one.may(Operation.READ):
        if vectors:
            found[f"{base}/_search"] = {"post": _search(one, vectors)}
        found[f"{base}/_export"] = {"get": _export(one)}
    if one.may(Operation.CREATE):
        found[f"{base}/_import"] = {"post": _import(one)}
    shared = use("tenant", "request")
    return {path: {"parameters": shared, **as_object(item)} for path, item in found.items()}


def _search(one: Describer, vectors: list[Field]) -> Tree:
    sizes = {field.dimension for field in vectors}
    vector: Tree = {"type": "array", "items": {"type": "number"}}
    if len(sizes) == 1:
        vector |= {"minItems": vectors[0].dimension, "maxItems": vectors[0].dimension}
    names: list[Json] = [field.name for field in vectors]
    metrics: list[Json] = [metric.value for metric in Metric]
    asked: Tree = {
        "type": "object", "additionalProperties": False,
        "required": ["vector"] if len(vectors) == 1 else ["vector", "field"],
        "properties": {
            "vector": vector,
            "field": {"enum": names, "description": "Which field of vectors"},
            "k": {"type": "integer", "minimum": 1, "maximum": MAX_K, "default": DEFAULT_K},
            "metric": {"enum": metrics, "description": "Else that of the field"},
            "threshold": {"type": "number",
                          "description": "The least score; of `l2` the greatest distance"},
            "where": one.ref("Where"), "select": one.select(),
        },
    }  # fmt: skip
    first = vectors[0]
    sample: Tree = {"field": first.name, "vector": sample_of(one.shape, first.name), "k": 3}
    near = whole(score={"type": "number"}, record=one.read_schema())
    items: Tree = {"type": "array", "items": near, "maxItems": MAX_K}
    exact: Tree = {"type": "boolean", "description": "Whether none can have been missed"}
    page = whole(items=items, field={"enum": names}, metric={"enum": metrics}, exact=exact)
    told: Tree = {
        "items": [{"score": 0.93, "record": example(one.shape, one.access)}],
        "field": first.name, "metric": (first.metric or Metric.COSINE).value, "exact": True,
    }  # fmt: skip
    found = one.operation(
        "search", "The records nearest to a vector", SEARCH, [],
        {"200": answer("The nearest first", page, example=told)}, 404, 408, 413, 415,
    )  # fmt: skip
    return found | {"requestBody": body(asked, sample)}


def _import(one: Describer) -> Tree:
    modes: list[Json] = [Mode.CREATE.value]
    if one.may(Operation.UPDATE):
        modes.append(Mode.UPSERT.value)
    mode: Tree = {
        "name": "mode", "in": "query", "schema": {"enum": modes, "default": Mode.CREATE.value},
        "description": "New records only, or merged into those that are there",
    }  # fmt: skip
    told: Tree = {"lines": 1, "created": 1, "updated": 0, "unchanged": 0, "failed": 0,
                  "replayed": 0, "dryRun": False, "problems": []}  # fmt: skip
    found = one.operation(
        "import", "Many records, a line of JSON for each", IMPORT, [mode, *one.write("dry_run")],
        {"200": answer("What became of the lines", ref(REPORT), example=told)},
        404, 408, 415, 422,
    )  # fmt: skip
    line = as_list(as_object(one.schemas()[f"{one.name}Line"])["examples"])[0]
    return found | {"requestBody": {"required": True,
                                    "content": as_lines(one.ref("Line"), line)}}  # fmt: skip


def _export(one: Describer) -> Tree:
    found = lines_answer(
        "Every record, in the order of ids", one.ref("Part"), example(one.shape, one.access)
    )
    return one.operation(
        "export", "Every record, a line of JSON for each", EXPORT,
        [one.where(), one.selecting()], {"200": found}, 404,
    )  # fmt: skip
