"""What one exchange with GitHub looked like, for metrics and the write budget."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class CallReport:
    """One request. `route` carries no names or ids; `status` is 0 when no answer came.

    `reset_ms` is on our clock; `remaining`, `limit` and `reset_ms` are None when unsaid.
    `repository` ("owner/name", lower case, "" for none) is for sums only, never for a label.
    """

    method: str
    route: str
    status: int
    duration_ms: float
    remaining: int | None
    limit: int | None
    reset_ms: int | None
    resource: str
    request_id: str
    installation_id: int | None
    repository: str = ""


OnResponse: TypeAlias = Callable[[CallReport], None]
"""Called after every exchange; must be quick and must not raise."""
