"""The JSON Schema of a manifest, published as docs/schemas/manifest-1.schema.json.

`hookyard.manifest/1` may gain keys; a key that is dropped or changes its meaning makes it `/2`.
"""

from hookyard.features.manifests.classes import FileClass
from hookyard.features.manifests.diffs import Status
from hookyard.features.manifests.encode import SCHEMA
from hookyard.features.manifests.model import Change, Precision
from hookyard.features.manifests.texts import BOUNDARIES
from hookyard.kit.json import Json, JsonObject

_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_FLAG: JsonObject = {"type": "boolean"}


def _or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


def _words(*words: str) -> JsonObject:
    return {"type": "string", "enum": list(words)}


def _object(**properties: Json) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": True,
    }


_RANGE: JsonObject = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
    "minItems": 2,
    "maxItems": 2,
    "description": "First and last line, counted from 1, both included.",
}
_BOUNDARIES = _list(_words(*BOUNDARIES))

_MEASURED = _object(
    files=_COUNT,
    measured=_COUNT,
    says={"type": "string", "pattern": "^[0-9]+ of [0-9]+ files measured$"},
    lines_added=_COUNT,
    lines_deleted=_COUNT,
    tests_known=_COUNT,
    tests_read=_COUNT,
)
_FILE = _object(
    path=_TEXT,
    old_path=_or_null(_TEXT),
    status=_words(*Status),
    language=_or_null(_TEXT),
    precision=_words("none", *Precision),
    added=_COUNT,
    deleted=_COUNT,
    note=_or_null(_TEXT),
    problem=_or_null(_TEXT),
    **{"class": _words(*FileClass)},
)
_EDGE = _object(
    file=_TEXT,
    case=_or_null(_TEXT),
    reason=_words("coverage", "reference", "import", "name", "mirror", "history"),
    strength={"type": "integer", "minimum": 1, "maximum": 5},
    detail=_TEXT,
)
_COVERAGE = _object(
    measurable=_COUNT, covered=_COUNT, uncovered=_list(_RANGE), partial=_list(_RANGE)
)
_SYMBOL = _object(
    file=_TEXT,
    name=_TEXT,
    kind=_TEXT,
    change=_words(*Change),
    precision=_words(*Precision),
    was=_or_null(_TEXT),
    lines=_or_null(_RANGE),
    old_lines=_or_null(_RANGE),
    added=_list(_RANGE),
    deleted=_list(_RANGE),
    signature_changed=_FLAG,
    public=_FLAG,
    boundaries=_BOUNDARIES,
    complexity={"type": "integer", "minimum": 1},
    tests=_list(_EDGE),
    coverage=_or_null(_COVERAGE),
)
_REASON = _object(
    code=_words(
        "deleted_but_named",
        "no_test",
        "signature_changed",
        "uncovered_lines",
        "untaken_branch",
        "weak_tests",
    ),
    detail=_TEXT,
)
_GAP = _object(
    rank=_COUNT,
    symbol={**_COUNT, "description": "Index into `symbols`."},
    file=_TEXT,
    name=_TEXT,
    score=_COUNT,
    reasons=_list(_REASON),
    boundaries=_BOUNDARIES,
)
_SUGGESTION = _object(
    criterion=_or_null(_TEXT),
    issue=_or_null(_COUNT),
    gap=_or_null({**_COUNT, "description": "Rank of a gap."}),
    why=_TEXT,
    framework=_or_null(_TEXT),
    framework_why=_TEXT,
    target=_or_null(_TEXT),
    name=_TEXT,
    skeleton=_or_null(_TEXT),
    boundaries=_BOUNDARIES,
)
_PROPOSALS = _object(
    provider=_TEXT,
    prompt_sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    status=_words("added", "failed", "refused", "timeout"),
    reason=_or_null(_TEXT),
    cost=_or_null(
        _object(
            input_tokens=_or_null(_COUNT),
            output_tokens=_or_null(_COUNT),
            micro_usd=_or_null(_COUNT),
        )
    ),
    refused=_COUNT,
    items=_list(_object(gap=_COUNT, text=_TEXT)),
)


def document_schema() -> dict[str, Json]:
    """The schema of a whole document, draft 2020-12."""
    body = _object(
        schema={"type": "string", "const": SCHEMA},
        repository=_or_null(_TEXT),
        pull_request=_or_null(_COUNT),
        base=_or_null(_TEXT),
        head=_or_null(_TEXT),
        measured=_MEASURED,
        files=_list(_FILE),
        unmeasured=_list(_object(path=_TEXT, reason=_TEXT)),
        symbols=_list(_SYMBOL),
        gaps=_list(_GAP),
        criteria=_list(_object(issue=_or_null(_COUNT), id=_TEXT, text=_TEXT)),
        suggestions=_list(_SUGGESTION),
        notes=_list(_TEXT),
        proposals=_or_null(_PROPOSALS),
    )
    return {"title": "Manifest of a pull request", **body}


def published() -> dict[str, Json]:
    """The same as a file that stands alone."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document_schema()}
