"""What other rooms may ask of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hookyard.adapters.database.port import RawParam, Unit
from hookyard.core.jobs.model import Enqueued, NewJob


@dataclass(frozen=True, slots=True)
class JobsBeside:
    """An INSERT of one job for each row of a relation `fresh (id)`; Postgres only."""

    sql: str
    parameters: tuple[RawParam, ...]


class JobRequests(Protocol):
    """Enqueue work inside the transaction that decided it. Workers wake after the commit."""

    def enqueue(self, unit: Unit, job: NewJob) -> Enqueued:
        """Add a job, or fold it into one that is there, by its key's policy."""
        ...

    def enqueue_plain(self, unit: Unit, jobs: Sequence[NewJob]) -> Sequence[str]:
        """Add many jobs that have no key and are ready now; their ids in order. Fast."""
        ...

    def enqueue_for_deliveries(
        self, unit: Unit, job: NewJob, delivery_ids: Sequence[str]
    ) -> Sequence[str]:
        """One plain job for each delivery, alike but for the payload `{"delivery_id": …}`."""
        ...

    def beside_deliveries(
        self, unit: Unit, job: NewJob, delivery_ids: Sequence[str], first: int
    ) -> JobsBeside:
        """The same as a part of the statement that stores those deliveries, on Postgres.

        It adds a job for each row of the statement's `fresh (id)`; its parameters are numbered
        from `first` on.
        """
        ...
