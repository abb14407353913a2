"""The parts a process may play, and how they start on a yard."""

from enum import StrEnum

import structlog

from hookyard.bootstrap import Yard

log = structlog.get_logger("hookyard")


class Role(StrEnum):
    """`gateway` answers HTTP, `worker` runs jobs, `relay` tells a broker of ready jobs,
    `scheduler` does what one process at a time does: the calendar, sweeps. `tokens` answers HTTP
    about installation tokens and nothing else, `records` about records; a gateway answers those
    too."""

    GATEWAY = "gateway"
    WORKER = "worker"
    RELAY = "relay"
    SCHEDULER = "scheduler"
    TOKENS = "tokens"
    RECORDS = "records"


EVERY_ROLE = frozenset(Role)


async def start_roles(yard: Yard, roles: frozenset[Role]) -> None:
    """Start what runs in the background; the gateway is served by the caller."""
    if Role.GATEWAY in roles:
        yard.start_following()
    if Role.WORKER in roles:
        await yard.start_worker()
    if Role.RELAY in roles:
        await _start_relay(yard)
    if Role.SCHEDULER in roles:
        await yard.start_scheduler()


async def _start_relay(yard: Yard) -> None:
    """Publish pointers where there is a broker; say so where there is none."""
    if yard.settings.queue.backend == "database":
        log.info("relay_idle", reason="QUEUE_BACKEND=database: workers look in the database itself")
        return
    await yard.start_relay()
