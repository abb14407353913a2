"""A search as it was asked for: checked, with its filter made ready. Pure.

{"vector": [0.1, …], "field": "embedding", "k": 10, "metric": "cosine", "threshold": 0.7,
 "where": {"agentId": "a-1"}, "select": ["content"]}
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hookyard.adapters.database.port import RawParam
from hookyard.features.records.query.builder import Builder, Lookup
from hookyard.features.records.query.plan import BASE
from hookyard.features.records.query.selection import selected
from hookyard.features.records.query.where import condition, no_field
from hookyard.features.records.schema.model import Field, FieldType, Metric
from hookyard.features.records.shape import Shape, View
from hookyard.features.records.trouble import under, wrong
from hookyard.features.records.values import number, packed
from hookyard.kit.json import Json

MAX_K = 1_000
DEFAULT_K = 10
_KNOWN = ("vector", "field", "k", "metric", "threshold", "where", "select")


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. `fits` is the filter as SQL ("" for none), `params` what it binds;
    `threshold` is the least score, of L2 the greatest distance."""

    shape: Shape
    view: View
    field: Field
    vector: tuple[float, ...]
    metric: Metric
    k: int
    threshold: float | None
    fits: str
    params: tuple[RawParam, ...]

    @property
    def raw(self) -> bytes:
        """The vector as SQLite keeps vectors."""
        return packed(list(self.vector))

    @property
    def text(self) -> str:
        """The vector as text: `[1.0,2.0]`, which is JSON as well."""
        return "[" + ",".join(map(repr, self.vector)) + "]"


def search_of(shape: Shape, body: Json, roles: int, lookup: Lookup) -> Search:
    """The search a body asks for; Invalid names the place of what cannot be asked."""
    if not isinstance(body, Mapping):
        raise wrong("", "wrong_type", 'must be an object as {"vector": [0.1, 0.2], "k": 10}')
    for name in body:
        if name not in _KNOWN:
            raise wrong(under("", name), "unknown_field", f"there is {', '.join(_KNOWN)}")
    readable = shape.access(roles).readable
    field = _field(shape, body.get("field"), readable)
    metric = _metric(body.get("metric"), field)
    builder = Builder(shape.dialect, lookup, roles)
    where, fits = body.get("where"), ""
    if where is not None:
        fits = condition(builder, shape, BASE, where, "/where")
    return Search(
        shape,
        selected(shape, body.get("select"), roles),
        field,
        _vector(shape, field, body.get("vector"), metric),
        metric,
        _k(body.get("k")),
        None if body.get("threshold") is None else number(body["threshold"], "/threshold"),
        fits,
        tuple(builder.params),
    )


def _field(shape: Shape, name: Json, readable: frozenset[str]) -> Field:
    vectors = {
        field.name: field
        for field in shape.own
        if field.type is FieldType.VECTOR and field.name in readable
    }
    if name is None:
        if len(vectors) != 1:
            known = ", ".join(vectors) or "none"
            raise wrong("/field", "required", f"say which field of vectors: there is {known}")
        return next(iter(vectors.values()))
    if not isinstance(name, str) or name not in readable:
        raise no_field(shape, str(name), "/field")
    found = vectors.get(name)
    if found is None:
        raise wrong("/field", "not_a_vector", f"{name} holds no vectors")
    return found


def _metric(value: Json, field: Field) -> Metric:
    if value is None:
        return field.metric or Metric.COSINE
    known = [metric.value for metric in Metric]
    if not isinstance(value, str) or value not in known:
        raise wrong("/metric", "not_in_enum", f"must be one of {', '.join(known)}")
    return Metric(value)


def _vector(shape: Shape, field: Field, value: Json, metric: Metric) -> tuple[float, ...]:
    if value is None:
        raise wrong("/vector", "required", "give the vector to look for")
    checked = shape.checks[field.name](value, "/vector")
    assert isinstance(checked, list)  # noqa: S101
    found = tuple(number(one, "/vector") for one in checked)
    # why: kept vectors are multiplied in 32 bits, where a longer one would overflow.
    if not math.isfinite(math.hypot(*found)) or math.hypot(*found) > MAX_LENGTH:
        raise wrong("/vector", "out_of_range", f"a vector is {MAX_LENGTH:g} long at most")
    if metric is Metric.COSINE and not any(found):
        raise wrong("/vector", "bad_vector", "a vector of zeros has no direction")
    return found


MAX_LENGTH = 1e18


def _k(value: Json) -> int:
    if value is None:
        return DEFAULT_K
    if type(value) is not int or not 1 <= value <= MAX_K:
        raise wrong("/k", "out_of_range", f"k is a whole number from 1 to {MAX_K}")
    return value
