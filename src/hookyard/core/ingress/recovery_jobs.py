"""The job that brings in what never arrived: every few minutes for each source, and when asked.

One job of a source runs at a time: they share a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.hooks import APP_HOOK, Hook, HookLog
from hookyard.adapters.github.port import GitHubError, GitHubLimited, GitHubRefused
from hookyard.adapters.jira.port import JiraError, JiraLimited, JiraRefused
from hookyard.core.ingress import recovery_store as store
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.recovery_jira import JiraScan, JiraSources
from hookyard.core.ingress.recovery_model import KIND_NAME, ItemState, Listing, Order, Plan
from hookyard.core.ingress.recovery_pull import Pull
from hookyard.core.ingress.recovery_rules import is_ours
from hookyard.core.ingress.recovery_scan import Scan
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Hold,
    JobContext,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.json import JsonObject, as_int, as_text

KIND = JobKind(
    KIND_NAME,
    lane=Lane.BULK,
    policy=KeyPolicy.DROP_NEW,
    # why: it goes on where it stood, so a process that keeps dying takes an attempt each time.
    max_attempts=50,
    timeout_s=3600.0,
)
KEPT_MS = 8 * 24 * 3_600_000


def key_of(source: str) -> str:
    """The key of order that all recovery jobs of a source share."""
    return f"cron:recover-{source}"


def cron_of(plans: Mapping[str, Plan]) -> tuple[CronSpec, ...]:
    """One line of the calendar for each source."""
    return tuple(
        CronSpec(f"recover-{source}", "*/5 * * * *", KIND.name, {"source": source})
        for source in sorted(plans)
    )


def at_start(plans: Mapping[str, Plan]) -> tuple[NewJob, ...]:
    """What a process that begins asks for: it does not know for how long nobody listened."""
    return tuple(NewJob(KIND.name, {"source": s}, key=key_of(s)) for s in sorted(plans))


@dataclass(frozen=True, slots=True)
class RecoveryPorts:
    """What recovery is made of. `hooks` is None without a GitHub App."""

    plans: Mapping[str, Plan]
    endpoints: Mapping[str, Endpoint]
    receiver: Receiver
    hooks: HookLog | None
    jira: JiraSources
    within_ms: int


class RecoverDeliveries:
    """Handler of `ingress.recover`."""

    kind = KIND

    def __init__(self, ports: RecoveryPorts) -> None:
        self._ports = ports

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        source = as_text(payload.get("source"))
        plan = self._ports.plans.get(source)
        endpoint = self._ports.endpoints.get(source)
        if plan is None or endpoint is None:
            return Fail(f"source {source} cannot be recovered", code="not_recoverable")
        order = Order(
            plan,
            as_int(payload.get("since_ms")),
            payload.get("dry_run") is True,
            payload.get("everything") is True,
        )
        problems: tuple[str, ...] = ()
        try:
            if plan.provider == "jira":
                scan = JiraScan(ctx, self._ports.jira[source], self._ports.receiver, endpoint)
                listing = await scan.run(order, self._ports.within_ms)
            else:
                listing, problems = await self._github(ctx, order, endpoint)
        except (GitHubLimited, JiraLimited) as error:
            return Hold(WaitingFor("limit", f"{plan.provider} {error.kind}", error.until_ms))
        except (GitHubRefused, JiraRefused) as error:
            return Fail(str(error), code=f"{plan.provider}_refused")
        except (GitHubError, JiraError) as error:
            return Retry(str(error))
        return await self._done(ctx, order, listing, problems)

    async def _github(
        self, ctx: JobContext, order: Order, endpoint: Endpoint
    ) -> tuple[Listing, tuple[str, ...]]:
        """Every hook of the source; an owner that refuses does not keep the others from theirs."""
        log = self._ports.hooks
        if log is None:
            raise GitHubRefused(401, "no GitHub App is configured")
        total, problems = Listing(), []
        refusal: GitHubRefused | None = None
        for owner in order.plan.owners:
            try:
                for hook in await self._hooks_of(log, owner, endpoint):
                    total = total.plus(await self._one(ctx, log, order, hook, endpoint))
            except GitHubRefused as error:
                refusal = error
                problems.append(f"{owner}: {error}")
        if refusal is not None and len(problems) == len(order.plan.owners):
            raise refusal
        return total, tuple(problems)

    async def _one(
        self, ctx: JobContext, log: HookLog, order: Order, hook: Hook, endpoint: Endpoint
    ) -> Listing:
        spot = await Scan(ctx, log, order, hook, self._ports.within_ms).run(endpoint)
        if not order.dry_run:
            await Pull(ctx, log, self._ports.receiver, endpoint, hook).run(spot)
        return spot.listing

    async def _hooks_of(self, log: HookLog, owner: str, endpoint: Endpoint) -> Sequence[Hook]:
        if owner == APP_HOOK.name:
            return (APP_HOOK,)
        found = [hook for hook in await log.hooks(owner) if is_ours(hook.url, endpoint.source)]
        if not found:
            raise GitHubRefused(404, f"no hook of {owner} sends to this source")
        return found

    async def _done(
        self, ctx: JobContext, order: Order, listing: Listing, problems: Sequence[str]
    ) -> Outcome:
        source, job_id = order.plan.source, ctx.job.id
        now_ms = ctx.clock.now_ms()
        found = await ctx.read(lambda unit: store.counts(unit, source, job_id))
        taken = found.get(ItemState.TAKEN.value, 0)
        if order.plan.provider == "jira" and not order.dry_run:
            # why: Jira's list brings the bodies, so nothing of it is noted as missing first.
            taken = listing.missing
        since = None if order.since_ms is None else to_rfc3339(order.since_ms)
        result: JsonObject = {
            "source": source,
            "since": since,
            "dry_run": order.dry_run,
            **listing.shown(),
            "recovered": taken,
            "items": dict(found),
            "problems": list(problems),
            "seconds": round((now_ms - ctx.job.created_at_ms) / 1000, 3),
        }

        def tidy(unit: Unit) -> None:
            store.purge(unit, now_ms - KEPT_MS)

        return Done(result, None if order.dry_run else tidy)
