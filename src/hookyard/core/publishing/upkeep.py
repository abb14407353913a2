"""Housekeeping by the calendar: effects whose landing job ended silently say so themselves.

A landing job that is cancelled, or that loses its worker in its last attempt, cannot mark its
effect; without this it would stay pending for ever.
"""

from functools import partial

from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome
from hookyard.core.publishing.service import Publisher

BURY_EFFECTS = JobKind("upkeep.bury_effects", lane=Lane.BULK, timeout_s=60.0, log_file=False)
CRON = (CronSpec("bury-effects", "* * * * *", BURY_EFFECTS.name),)
CHUNK = 200
CHUNKS_AT_MOST = 500


class BuryEffects:
    """Marks pending effects dead that no job will land; asking for one again revives it."""

    kind = BURY_EFFECTS

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def __call__(self, ctx: JobContext) -> Outcome:
        buried, after = 0, ""
        for _ in range(CHUNKS_AT_MOST):
            look = partial(self._publisher.stranded, after=after, limit=CHUNK)
            found = await ctx.read(look)
            if found.ids:
                buried += await ctx.write(partial(self._publisher.bury, effect_ids=found.ids))
            if found.after is None:
                break
            after = found.after
        return Done({"buried": buried})
