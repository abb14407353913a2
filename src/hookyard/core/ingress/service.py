"""Use cases over deliveries that are already on disk, and the counts of what was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress import store
from hookyard.core.ingress.bodies import Bodies
from hookyard.core.ingress.model import Delivery, DeliveryStatus, RejectionCount, StoredBody
from hookyard.core.ingress.rules import ROUTE_KIND
from hookyard.core.jobs.model import Job, JobBrief, JobFilter, JobState
from hookyard.core.jobs.service import Ledger
from hookyard.kit.errors import Conflict, NotFound
from hookyard.kit.ids import encode as id_of
from hookyard.kit.pages import Page, clamp_limit, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery and the jobs it led to, oldest first."""

    delivery: Delivery
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery in a list, with its jobs in brief, oldest first."""

    delivery: Delivery
    jobs: Sequence[JobBrief]


class Deliveries:
    """Look at deliveries, and bring their work back."""

    def __init__(self, ledger: Ledger, bodies: Bodies | None = None) -> None:
        self._ledger = ledger
        self._bodies = bodies or Bodies(None)

    def get(self, unit: Unit, delivery_id: str) -> Delivery:
        """A delivery; NotFound when there is none."""
        delivery = store.get(unit, delivery_id)
        if delivery is None:
            raise NotFound("there is no such delivery")
        return delivery

    def row(self, unit: Unit, delivery_id: str) -> DeliveryRow:
        """A delivery with its jobs in brief; NotFound when there is none."""
        delivery = self.get(unit, delivery_id)
        return DeliveryRow(delivery, self._ledger.of_deliveries(unit, [delivery_id])[delivery_id])

    def view(self, unit: Unit, delivery_id: str) -> DeliveryView:
        """A delivery with its jobs (the newest 200); NotFound when there is none."""
        delivery = self.get(unit, delivery_id)
        jobs = self._ledger.list(unit, JobFilter(delivery_id=delivery_id), limit=200).items
        return DeliveryView(delivery, tuple(reversed(jobs)))

    def list_page(
        self, unit: Unit, filters: Mapping[str, str], cursor: str | None, limit: int | None
    ) -> Page[DeliveryRow]:
        """Deliveries newest first, by equality over source, provider, event, action, repository
        and status; their jobs come by one query for the page."""
        page = store.list_page(unit, filters, clamp_limit(limit), cursor)
        jobs = self._ledger.of_deliveries(unit, [delivery.id for delivery in page.items])
        rows = tuple(DeliveryRow(delivery, jobs[delivery.id]) for delivery in page.items)
        return Page(rows, page.next_cursor)

    def body(self, unit: Unit, delivery_id: str) -> StoredBody:
        """The stored body of a delivery; NotFound when there is none."""
        found = self._bodies.of(unit, delivery_id)
        if found is None:
            raise NotFound("there is no such delivery")
        return found

    async def packed(self, body: StoredBody) -> bytes:
        """The compressed bytes of a stored body; NotFound (`body_lost`) or Unavailable."""
        return await self._bodies.packed(body)

    def counts(self, unit: Unit, since_ms: int) -> Mapping[str, int]:
        """How many deliveries received since an instant stand in each status.

        # why: a count over every delivery kept would read the whole table.
        """
        found = store.count_by_status(unit, id_of(max(0, since_ms) << 80))
        return {status.value: found.get(status.value, 0) for status in DeliveryStatus}

    def revive_delivery(self, unit: Unit, delivery_id: str) -> int:
        """Queue the delivery's dead jobs again; how many there were."""
        dead = JobFilter(state=JobState.DEAD, delivery_id=delivery_id)
        return len(self._ledger.replay_many(unit, dead))

    def replay(self, unit: Unit, delivery_id: str) -> Job:
        """Route a delivery again, as if it had just come; the routing job.

        Conflict (`not_finished`) while its routing is still under way.
        """
        found = self.view(unit, delivery_id)
        routing = [job for job in found.jobs if job.kind == ROUTE_KIND]
        if not routing:
            raise Conflict("the routing job of this delivery is no longer kept", code="gone")
        job = routing[-1]
        if job.state in (JobState.QUEUED, JobState.RUNNING, JobState.WAITING):
            raise Conflict("the delivery is still being routed", code="not_finished")
        store.set_status(unit, delivery_id, DeliveryStatus.ACCEPTED)
        return self._ledger.replay(unit, job.id)


def add_rejections(unit: Unit, counts: Mapping[tuple[str, str, int], tuple[int, int, str]]) -> None:
    """Add counts by (source, code, hour): (how many, last instant, last detail)."""
    store.add_rejections(unit, counts)


def list_rejections(unit: Unit, cursor: str | None, limit: int | None) -> Page[RejectionCount]:
    """Counts of refused requests by source, code and hour, newest hour first."""
    size = clamp_limit(limit)
    after = None
    if cursor is not None:
        hour_ms, source, code = decode_cursor(cursor, (int, str, str))
        after = (int(hour_ms), str(source), str(code))
    rows = store.list_rejections(unit, size + 1, after)
    if len(rows) <= size:
        return Page(tuple(rows), None)
    last = rows[size - 1]
    return Page(tuple(rows[:size]), encode_cursor(last.hour_ms, last.source, last.code))
