"""Working off what is ready, then leaving: for cron, CI and rented machines."""

import asyncio

from hookyard.adapters.database.port import Unit
from hookyard.bootstrap import Yard
from hookyard.core.jobs.model import Job, JobFilter, JobState, Lane
from hookyard.core.jobs.rules import Step
from hookyard.kit.pages import MAX_LIMIT

LOOK_EVERY_S = 0.25


async def until_idle(yard: Yard) -> int:
    """Wait until nothing is ready and nothing of ours runs; how many attempts ended meanwhile.

    Jobs that wait (for a time, a key, a limit) are left for later.
    """
    ended = asyncio.Event()
    count = 0

    def heard(_job: Job, _step: Step) -> None:
        nonlocal count
        count += 1
        ended.set()

    yard.endings.listeners.append(heard)
    try:
        while not await yard.database.write(lambda unit: _is_idle(unit, yard)):
            ended.clear()
            pause = asyncio.create_task(yard.clock.sleep(LOOK_EVERY_S))
            hearing = asyncio.create_task(ended.wait())
            await asyncio.wait({pause, hearing}, return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()
            hearing.cancel()
    finally:
        yard.endings.listeners.remove(heard)
    return count


def _is_idle(unit: Unit, yard: Yard) -> bool:
    # why: what is due counts as work to do.
    more = yard.ledger.promote(unit)
    counts = yard.ledger.counts(unit)
    lanes = [Lane(name) for name in yard.settings.worker.lanes] or list(Lane)
    if more or any(counts.get((JobState.QUEUED, lane), 0) for lane in lanes):
        return False
    running = yard.ledger.list(unit, JobFilter(state=JobState.RUNNING), limit=MAX_LIMIT).items
    return not any((job.worker or "").startswith(f"{yard.boot_id}/") for job in running)
