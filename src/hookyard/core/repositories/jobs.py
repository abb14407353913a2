"""The job that makes the inventory agree with GitHub's own lists: at start, and every night.

# why: an App that was installed before Hookyard listened sends no event about it.
"""

from functools import partial

from hookyard.adapters.database.port import Database
from hookyard.adapters.github.port import (
    GitHub,
    GitHubError,
    GitHubMissing,
)
from hookyard.core.jobs.away import not_read
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import (
    Done,
    JobContext,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
)
from hookyard.core.repositories.service import apply_installation_event
from hookyard.core.repositories.sync import sync_installation
from hookyard.kit.json import JsonObject, as_int

KIND = JobKind(
    "repositories.sync",
    lane=Lane.BULK,
    policy=KeyPolicy.DROP_NEW,
    # why: it begins with the process, so a process that keeps dying takes an attempt each time.
    max_attempts=50,
    timeout_s=1800.0,
    needs=("github",),
)
CRON = (CronSpec("repositories-sync", "41 3 * * *", KIND.name),)
AT_START = NewJob(KIND.name, {}, key="cron:repositories-sync")
INSTALLATIONS_AT_MOST = 10_000


class SyncRepositories:
    """Lists the App's installations, then what each of them can see."""

    kind = KIND

    def __init__(self, database: Database, github: GitHub) -> None:
        self._database = database
        self._github = github

    async def __call__(self, ctx: JobContext) -> Outcome:
        try:
            found = await self._installations(ctx)
            seen = added = removed = 0
            for done, installation_id in enumerate(found, 1):
                report = await self._one(ctx, installation_id)
                seen, added, removed = seen + report[0], added + report[1], removed + report[2]
                await ctx.progress({"done": done, "of": len(found)})
        except GitHubError as error:
            return not_read(error)
        return Done(
            {"installations": len(found), "repositories": seen, "added": added, "removed": removed}
        )

    async def _installations(self, ctx: JobContext) -> list[int]:
        """Every installation that is not suspended, taken into the inventory."""
        found: list[int] = []
        pages = self._github.pages("/app/installations", limit=INSTALLATIONS_AT_MOST)
        async for item in pages:
            installation_id = as_int(item.get("id"))
            if installation_id is None:
                continue
            payload: JsonObject = {"installation": item}
            await self._database.write(
                partial(
                    apply_installation_event,
                    event_name="installation",
                    action="created",
                    payload=payload,
                    now_ms=ctx.clock.now_ms(),
                )
            )
            if item.get("suspended_at") is None:
                found.append(installation_id)
        return found

    async def _one(self, ctx: JobContext, installation_id: int) -> tuple[int, int, int]:
        try:
            report = await sync_installation(
                self._database, self._github, ctx.clock, installation_id
            )
        except GitHubMissing:
            await ctx.log("an installation went away meanwhile", installation_id=installation_id)
            return 0, 0, 0
        return report.seen, len(report.added), len(report.removed)
