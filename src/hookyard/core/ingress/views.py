"""Deliveries as they look on the wire; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from hookyard.core.ingress.model import Delivery, RejectionCount
from hookyard.core.jobs.model import JobBrief
from hookyard.core.publishing.model import EffectRecord
from hookyard.kit.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class JobRefOut:
    """A job the delivery led to."""

    id: str
    kind: str
    state: Literal["queued", "running", "waiting", "succeeded", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class EffectRefOut:
    """A write to GitHub the delivery led to; `url` once it landed."""

    id: str
    kind: str
    state: Literal["pending", "landed", "dead"]
    url: str | None


@dataclass(frozen=True, slots=True)
class DeliveryOut:
    """A delivery: what came in, what it was understood as, and the jobs it led to."""

    id: str
    source: str
    provider: str
    provider_delivery_id: str
    event: str
    action: str | None
    repository: str | None
    subject: str | None
    received_at: str
    status: Literal["accepted", "routed", "ignored", "dead"]
    reason: str | None
    redeliveries: int
    content_type: str
    payload_size: int
    jobs: list[JobRefOut]


@dataclass(frozen=True, slots=True)
class DeliveryDetailOut(DeliveryOut):
    """A delivery with its effects too; `recovered`: it did not arrive, it was pulled."""

    effects: list[EffectRefOut]
    recovered: bool


@dataclass(frozen=True, slots=True)
class DeliveriesOut:
    """A page of deliveries, newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RejectionOut:
    """How often requests of a source were refused with a code in the hour from `hour` on."""

    source: str
    code: str
    hour: str
    count: int
    last_at: str
    last_detail: str


@dataclass(frozen=True, slots=True)
class RejectionsOut:
    """A page of counts, newest hour first."""

    items: list[RejectionOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ReplayOut:
    """The routing job that does the work again."""

    delivery_id: str
    job_id: str


def delivery_out(delivery: Delivery, jobs: Iterable[JobBrief]) -> DeliveryOut:
    """A delivery on the wire."""
    return DeliveryOut(
        id=delivery.id,
        source=delivery.source,
        provider=delivery.provider,
        provider_delivery_id=delivery.provider_delivery_id,
        event=delivery.event,
        action=delivery.action,
        repository=delivery.repository,
        subject=delivery.subject,
        received_at=to_rfc3339(delivery.received_at_ms),
        status=delivery.status.value,
        reason=delivery.reason,
        redeliveries=delivery.redeliveries,
        content_type=delivery.content_type,
        payload_size=delivery.payload_size,
        jobs=[JobRefOut(job.id, job.kind, job.state.value) for job in jobs],
    )


def detail_out(
    delivery: Delivery,
    jobs: Iterable[JobBrief],
    effects: Iterable[EffectRecord],
    *,
    recovered: bool = False,
) -> DeliveryDetailOut:
    """A delivery on the wire with its effects; `recovered` when it was pulled from a record."""
    shown = [EffectRefOut(e.id, e.kind, e.state.value, e.url) for e in effects]
    plain = delivery_out(delivery, jobs)
    same = {item.name: getattr(plain, item.name) for item in fields(plain)}
    return DeliveryDetailOut(**same, effects=shown, recovered=recovered)


def rejection_out(found: RejectionCount) -> RejectionOut:
    """A count on the wire."""
    return RejectionOut(
        found.source,
        found.code,
        to_rfc3339(found.hour_ms),
        found.count,
        to_rfc3339(found.last_at_ms),
        found.last_detail,
    )
