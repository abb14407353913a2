"""Searches for the records nearest to a vector, and what they find. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.client.calls import Call, Record, path_of, record_in
from hookyard.client.transport import Answer, Request, Values, as_json


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: as many numbers as the field has dimensions, and the `k` nearest at most.

    `metric` is `cosine`, `l2` or `ip`; `threshold` the least score, of `l2` the greatest distance.
    What is None is as the server has it by default.
    """

    vector: Sequence[float]
    k: int | None = None
    field: str | None = None
    metric: str | None = None
    threshold: float | None = None
    where: Values | None = None
    select: Sequence[str] | None = None

    def body(self) -> Values:
        """As the body of a request."""
        given = {
            "vector": list(self.vector), "k": self.k, "field": self.field, "metric": self.metric,
            "threshold": self.threshold, "where": self.where,
            "select": None if self.select is None else list(self.select),
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Near:
    """A record that was found, and how near it is: a cosine, a product, or of `l2` a distance."""

    score: float
    record: Record


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the nearest first. `exact` says that none can have been missed."""

    items: Sequence[Near]
    field: str
    metric: str
    exact: bool


def search(entity: str, asked: Search) -> Call[Found]:
    """The records nearest to a vector."""
    path = f"{path_of(entity)}/_search"
    return Call(Request("POST", path, body=as_json(asked.body()), reads=True), _found)


def _found(answer: Answer) -> Found:
    said = answer.values()
    items = said["items"]
    assert isinstance(items, list)  # noqa: S101
    return Found(
        [Near(float(one["score"]), record_in(one["record"])) for one in items],
        str(said["field"]), str(said["metric"]), said["exact"] is True,
    )  # fmt: skip
