"""Decisions about leases, pure: the order offers are taken in, and what may be kept."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from hookyard.core.identity.model import Scope
from hookyard.core.identity.rules import covers
from hookyard.core.jobs.leases_model import LIMIT_OF, Offer
from hookyard.core.jobs.model import Job, Lane, WaitingFor
from hookyard.core.jobs.pauses_model import Pause, held_by
from hookyard.core.jobs.rules import LANES, next_lane

MAX_RESULT = 256 * 1024
MAX_PROGRESS = 8 * 1024
MAX_HOLD_MS = round(timedelta(days=30) / timedelta(milliseconds=1))
NOTHING: Mapping[str, str | None] = MappingProxyType({})


def deal(
    offers: Mapping[Lane, Sequence[Offer]], credit: Mapping[Lane, int], count: int
) -> tuple[list[Offer], dict[Lane, int]]:
    """Every offer in one order, lanes taking turns by weight; and the credit after `count`.

    Credit kept between requests lets bulk come
    round also where an agent asks for one job at a time.
    """
    left = {lane: list(found) for lane, found in offers.items() if found}
    owed = {lane: credit.get(lane, 0) for lane in left}
    after = dict(owed)
    order: list[Offer] = []
    while left:
        chosen = next_lane([lane for lane in LANES if lane in left], owed)
        order.append(left[chosen].pop(0))
        if not left[chosen]:
            del left[chosen]
        if len(order) == count:
            after = dict(owed)
    return order, after if len(order) >= count else dict(owed)


def merge(lists: Sequence[Sequence[Offer]], limit: int) -> list[Offer]:
    """The first offers of several lists of one lane, in order."""
    if len(lists) == 1:
        return list(lists[0])
    found = {offer.job_id: offer for offers in lists for offer in offers}
    return sorted(found.values(), key=lambda offer: offer.rank)[:limit]


def reaches(reach: Sequence[Scope], repository: str | None) -> bool:
    """Whether one of these scopes covers a job of this repository (None: of no repository)."""
    return any(
        covers(scope, Scope(tenant=scope.tenant))
        if repository is None
        else covers(scope, Scope.of_repository(repository, scope.tenant))
        for scope in reach
    )


def choose(
    order: Sequence[Offer],
    room: Mapping[str, int],
    pauses: Sequence[Pause],
    count: int,
    draws: Mapping[str, str | None] = NOTHING,
) -> tuple[list[Offer], dict[WaitingFor, list[Offer]]]:
    """Up to `count` offers that may start now, and those that may not, by what they wait for.

    A pause holds what it means, and an owner's limit what would go past it; `draws` names the
    budget each offer uses up. Of one key only the first is taken: its jobs take turns.
    """
    free = dict(room)
    keys: set[str] = set()
    picked: list[Offer] = []
    held: dict[WaitingFor, list[Offer]] = {}
    for offer in order:
        draws_on = draws.get(offer.job_id)
        waiting = held_by(pauses, offer.kind, offer.lane, offer.repository, draws_on)
        if waiting is None and offer.owner is not None and free[offer.owner] <= 0:
            waiting = WaitingFor("limit", LIMIT_OF + offer.owner)
        if waiting is not None:
            held.setdefault(waiting, []).append(offer)
        elif len(picked) < count and offer.key not in keys:
            picked.append(offer)
            if offer.owner is not None:
                free[offer.owner] -= 1
            if offer.key is not None:
                keys.add(offer.key)
    return picked, held


def deadline_ms(job: Job) -> int:
    """When the time this attempt may run is over."""
    return (job.started_at_ms or 0) + round(job.timeout_s * 1000)
