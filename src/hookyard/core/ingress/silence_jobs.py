"""The job that looks, every minute, whether a source has fallen silent."""

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress.recovery_service import Recovery
from hookyard.core.ingress.silence_service import Pulses
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome

KIND = JobKind("upkeep.silence", lane=Lane.DEFAULT, timeout_s=60.0, log_file=False)
CRON = (CronSpec("silence", "* * * * *", KIND.name),)
# why: a silence may outlast many looks; what it hides is looked for at once and then now and then.
AGAIN_MS = 1_800_000


class WatchSources:
    """Handler of `upkeep.silence`: judges every source, has silent ones looked through."""

    kind = KIND

    def __init__(self, pulses: Pulses, recovery: Recovery) -> None:
        self._pulses = pulses
        self._recovery = recovery
        self._asked: dict[str, int] = {}

    async def __call__(self, ctx: JobContext) -> Outcome:
        now_ms = ctx.clock.now_ms()

        def look(unit: Unit) -> list[str]:
            silent = list(self._pulses.look(unit))
            for source in silent:
                if now_ms - self._asked.get(source, now_ms - AGAIN_MS) >= AGAIN_MS:
                    self._recovery.request_now(unit, source)
            return silent

        silent = await ctx.write(look)
        self._asked = {
            source: self._asked[source]
            if now_ms - self._asked.get(source, now_ms - AGAIN_MS) < AGAIN_MS
            else now_ms
            for source in silent
        }
        return Done({"silent": sorted(silent)})
