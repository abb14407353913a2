"""The job that lands an effect, and what each of GitHub's refusals makes of it."""

from functools import partial

from hookyard.adapters.github.port import (
    GitHubFailed,
    GitHubLimited,
    GitHubRefused,
    GitHubUnclear,
)
from hookyard.core.jobs.model import Done, Fail, Hold, JobContext, JobKind, Outcome, WaitingFor
from hookyard.core.publishing import store
from hookyard.core.publishing.landing import Landing, LandingOptions, LandingParts, summary
from hookyard.core.publishing.model import AppIdentity, EffectState
from hookyard.core.publishing.port import GitHubCalls, InstallationOf
from hookyard.core.publishing.rows import EffectRow
from hookyard.core.publishing.service import LAND
from hookyard.kit.backoff import Backoff
from hookyard.kit.json import as_text


class LandEffect:
    """Handler of `effect.land`; the payload is `{"effect_id": …}`."""

    # why: 30 attempts under this backoff outlast about two hours in which GitHub is down.
    kind = JobKind(
        name=LAND,
        max_attempts=30,
        timeout_s=120.0,
        needs=("github",),
        log_file=False,
        backoff=Backoff(base_s=2.0, cap_s=600.0, floor_s=1.0),
    )

    def __init__(
        self,
        github: GitHubCalls,
        installation_of: InstallationOf,
        app: AppIdentity,
        options: LandingOptions | None = None,
    ) -> None:
        self._installation_of = installation_of
        self._options = options or LandingOptions()
        self._parts = LandingParts.of(github, app, self._options)

    async def __call__(self, ctx: JobContext) -> Outcome:
        effect_id = as_text(ctx.job.payload.get("effect_id"))
        row = await ctx.read(partial(store.by_id, effect_id=effect_id))
        if row is None:
            return Fail(f"there is no effect {effect_id!r}", code="no_effect")
        if row.state is EffectState.LANDED:
            return Done(summary(row))
        landing = Landing(self._parts, ctx, row, None)
        try:
            installation_id = await self._installation_of(row.effect.repository)
        except GitHubLimited as limit:
            holder = f"github {limit.kind} rate limit (app)"
            return Hold(WaitingFor("limit", holder, limit.until_ms))
        except GitHubRefused as refusal:
            return landing.refused(refusal)
        except (GitHubFailed, GitHubUnclear) as failure:
            return landing.failed(str(failure))
        if installation_id is None:
            reason = f"the App is not installed on {row.effect.repository}"
            return landing.dead("no_installation", reason, undone=False)
        return await self._land(ctx, row, installation_id)

    async def _land(self, ctx: JobContext, row: EffectRow, installation_id: int) -> Outcome:
        landing = Landing(self._parts, ctx, row, installation_id)
        try:
            return await landing.run()
        except GitHubLimited as limit:
            return await landing.limited(limit)
        except GitHubRefused as refusal:
            return landing.refused(refusal)
        except GitHubUnclear as unclear:
            return landing.unclear(str(unclear), self._options.unclear_wait_s)
        except GitHubFailed as failure:
            return landing.failed(str(failure))
