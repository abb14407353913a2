"""Recovery put together: what each source allows, with which credentials, when."""

from collections.abc import Mapping
from dataclasses import dataclass

from hookyard import registry
from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.hooks import HookLog, ReadBudget
from hookyard.adapters.jira.failed import JiraAccess, JiraFailedLog
from hookyard.bootstrap.opening import GitHubApp
from hookyard.core.ingress import recovery_jobs, silence_jobs
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.recovery_api import SourcePorts
from hookyard.core.ingress.recovery_jobs import RecoveryPorts
from hookyard.core.ingress.recovery_model import Plan, Unplanned
from hookyard.core.ingress.recovery_rules import HOUR_MS, plan_of
from hookyard.core.ingress.recovery_service import Recovery
from hookyard.core.ingress.silence_service import HeardNothing, Pulses
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.port import JobRequests
from hookyard.kit.clock import Clock
from hookyard.settings import Settings


@dataclass(frozen=True, slots=True)
class Recovering:
    """What the registry, the API and the calendar need of recovery."""

    recovery: Recovery
    pulses: Pulses
    ports: RecoveryPorts
    jira: Mapping[str, JiraFailedLog]
    automatic: bool

    def calendar(self) -> tuple[CronSpec, ...]:
        """What runs by the calendar: the watch, and each source where it is not switched off."""
        each = recovery_jobs.cron_of(self.ports.plans) if self.automatic else ()
        return (*silence_jobs.CRON, *each)

    def ask(self, jobs: JobRequests, unit: Unit) -> None:
        """Look for what came while nobody listened."""
        if self.automatic:
            for job in recovery_jobs.at_start(self.ports.plans):
                jobs.enqueue(unit, job)

    def source_ports(self) -> SourcePorts:
        """What routes and the watch need."""
        return SourcePorts(self.recovery, self.pulses)

    async def close(self) -> None:
        """Close every connection."""
        for log in self.jira.values():
            await log.close()


def recovering(
    settings: Settings,
    sources: Mapping[str, SourceConfig],
    github: GitHubApp | None,
    clock: Clock,
    receiver: Receiver,
    jobs: JobRequests,
    told: HeardNothing | None = None,
) -> Recovering:
    """Everything of recovery, from settings and sources. `told` hears of silent sources."""
    wanted = settings.recovery
    found: dict[str, Plan | Unplanned] = {
        source.id: plan_of(
            source, registry.REACTIONS, has_app=github is not None, events=wanted.events
        )
        for source in sources.values()
    }
    plans = {name: plan for name, plan in found.items() if isinstance(plan, Plan)}
    jira = {
        name: JiraFailedLog(_access(sources[name]), clock)
        for name, plan in plans.items()
        if plan.provider == "jira"
    }
    hooks = None
    if github is not None:
        budget = ReadBudget(wanted.reads_per_minute)
        hooks = HookLog(github.client.uncached(), clock, budget)
    endpoints = {
        source.id: Endpoint(source, registry.PROVIDERS_BY_NAME[source.provider])
        for source in sources.values()
    }
    ports = RecoveryPorts(plans, endpoints, receiver, hooks, jira, wanted.within_h * HOUR_MS)
    return Recovering(
        Recovery(jobs, found, automatic=wanted.enabled),
        Pulses(sources, clock, wanted.silence_gaps, told),
        ports,
        jira,
        wanted.enabled,
    )


def _access(source: SourceConfig) -> JiraAccess:
    options = source.options
    return JiraAccess(options["api_url"], source.api_token or "", options.get("api_user", ""))
