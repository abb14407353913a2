"""Jobs by the calendar: a day's summaries, and letting go of what is old."""

from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome
from hookyard.features.notifications.service import Notifications

DIGEST = JobKind("notify.digest", lane=Lane.DEFAULT, timeout_s=120.0, log_file=False)
TIDY = JobKind("upkeep.notifications", lane=Lane.BULK, timeout_s=120.0, log_file=False)
# why: every quarter of an hour, as some time zones are apart from UTC by such.
CRON = (
    CronSpec("digest", "*/15 * * * *", DIGEST.name),
    CronSpec("tidy-notifications", "53 3 * * *", TIDY.name),
)
DAY_MS = 86_400_000
KEPT_DAYS = 90


class SendDigests:
    """Sends every summary that is due."""

    kind = DIGEST

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def __call__(self, ctx: JobContext) -> Outcome:
        return Done({"sent": await ctx.write(self._notifications.send_digests)})


class TidyNotifications:
    """Lets go of lines that did not change for a quarter of a year."""

    kind = TIDY

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def __call__(self, ctx: JobContext) -> Outcome:
        before_ms = ctx.clock.now_ms() - KEPT_DAYS * DAY_MS
        gone = await ctx.write(lambda unit: self._notifications.purge(unit, before_ms))
        return Done({"purged": gone})
