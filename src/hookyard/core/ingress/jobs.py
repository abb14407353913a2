"""The routing job: a stored delivery is parsed, guarded, authorised and turned into jobs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.port import (
    GitHubError,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
)
from hookyard.core.ingress import store
from hookyard.core.ingress.bodies import Bodies, BodyLost
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.decide import (
    OwnApp,
    Routing,
    bot_reason,
    decide,
    described,
    echo_reason,
    loop_reason,
    reject_config,
    rule_on,
)
from hookyard.core.ingress.dictionary import Dictionary
from hookyard.core.ingress.huge import HUGE, Beside, read_here
from hookyard.core.ingress.model import (
    Delivery,
    DeliveryStatus,
    Event,
    Provider,
    SourceConfig,
    Unparsable,
)
from hookyard.core.ingress.reactions import CommandReaction, Reaction
from hookyard.core.ingress.recovery_model import RECOVERED
from hookyard.core.ingress.rules import BOOKKEEPING, ROUTE_KIND
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Hold,
    JobContext,
    JobKind,
    Lane,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.core.jobs.port import JobRequests
from hookyard.core.publishing.model import EffectRequests, Urgency
from hookyard.core.tokens.model import InstallationUnavailable
from hookyard.kit.backoff import Backoff
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import as_text

KIND = JobKind(
    ROUTE_KIND,
    lane=Lane.HIGH,
    max_attempts=8,
    timeout_s=120.0,
    backoff=Backoff(base_s=1.0, cap_s=300.0),
    log_file=False,
)
LARGE = 256 * 1024
STORE_AWAY_MS = 15_000

log = structlog.get_logger("hookyard.routing")


class Inventory(Protocol):
    """Keeps installations and repositories in step with events."""

    def apply(self, unit: Unit, event: Event) -> str:
        """Take in what an event says; what changed, in one line."""
        ...


class Refusals(Protocol):
    """Writes down that a command was refused."""

    def record(self, unit: Unit, event: Event, routing: Routing, delivery_id: str) -> None:
        """One audit entry for each refused command."""
        ...


class RouteDelivery:
    """Handler of `ingress.route`."""

    kind = KIND

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        sources: Mapping[str, SourceConfig],
        reactions: Sequence[Reaction],
        context: ContextReader,
        jobs: JobRequests,
        effects: EffectRequests,
        inventory: Inventory,
        refusals: Refusals,
        own: OwnApp,
        bodies: Bodies | None = None,
        takers: Sequence[CommandReaction] = (),
    ) -> None:
        self._database = database
        self._takers = takers
        self._bodies = bodies or Bodies(None)
        self._beside = Beside()
        self._providers = providers
        self._sources = sources
        self._reactions = reactions
        self._context = context
        self._jobs = jobs
        self._effects = effects
        self._inventory = inventory
        self._refusals = refusals
        self._own = own

    async def __call__(self, ctx: JobContext) -> Outcome:
        delivery_id = as_text(ctx.job.payload.get("delivery_id"))
        found = await self._database.peek(lambda unit: self._bodies.load(unit, delivery_id))
        if found is None:
            return Fail("the delivery is no longer kept", code="gone")
        delivery, body, headers = found
        source = self._sources.get(delivery.source)
        provider = self._providers.get(delivery.provider)
        if source is None or provider is None:
            return self._dead(delivery, "no_source", f"source {delivery.source} is not configured")
        try:
            payload = body.payload or await self._bodies.packed(body)
        except BodyLost as error:
            return self._dead(delivery, error.problem_code, error.detail)
        except Unavailable as error:
            until_ms = ctx.clock.now_ms() + STORE_AWAY_MS
            log.warning("body_not_read", delivery_id=delivery.id, reason=error.detail)
            return Hold(WaitingFor("limit", "the blob store", until_ms))
        read = await self._read(provider, delivery, payload, headers, body.dictionary)
        if isinstance(read, Unparsable):
            return self._dead(delivery, read.code, read.reason)
        event, digest = read
        first = await self._database.peek(
            lambda unit: store.first_with_body(unit, delivery.source, digest)
        )
        is_proven = RECOVERED in headers
        if first is not None and first != delivery.id and not is_proven:
            reason = f"the same signed body came before, as delivery {first}"
            return self._settle(delivery, event, Routing(DeliveryStatus.IGNORED, reason), digest)
        try:
            routing = await self._routing(event, source, provider, delivery)
        except GitHubLimited as error:
            return Hold(WaitingFor("limit", f"github {error.kind}", error.until_ms))
        except GitHubMissing as error:
            routing = Routing(DeliveryStatus.IGNORED, f"GitHub does not show it to us: {error}")
        except GitHubError as error:
            return self._not_read(ctx, delivery, error)
        return self._settle(delivery, event, routing, digest, is_proven=is_proven)

    async def _read(
        self,
        provider: Provider,
        delivery: Delivery,
        packed: bytes,
        headers: Mapping[str, str],
        dictionary: Dictionary | None,
    ) -> tuple[Event, bytes] | Unparsable:
        """The event and the SHA-256 of its body; elsewhere when the body is large."""
        asked = (provider, delivery.event, delivery.content_type, packed, headers)
        if delivery.payload_size > HUGE:
            return await self._beside.read(*asked)
        if delivery.payload_size > LARGE:
            return await asyncio.to_thread(read_here, *asked, dictionary)
        return read_here(*asked, dictionary)

    def _not_read(self, ctx: JobContext, delivery: Delivery, error: GitHubError) -> Outcome:
        """What follows when configuration or permission could not be read.

        # why: a refusal (no such installation, no right to read) is the same at every attempt.
        """
        reason = f"configuration or permission could not be read: {error}"
        if isinstance(error, InstallationUnavailable):
            said = f"the installation is {error.reason}: {error}"
            return self._dead(delivery, "no_installation", said)
        if isinstance(error, GitHubRefused):
            return self._dead(delivery, "github_refused", reason)
        if ctx.job.attempt >= ctx.job.max_attempts:
            return self._dead(delivery, "github_unavailable", reason)
        return Retry(reason)

    async def _routing(
        self, event: Event, source: SourceConfig, provider: Provider, delivery: Delivery
    ) -> Routing:
        handled = _handled(event)
        if handled is not None:
            return Routing(DeliveryStatus.ROUTED, handled)
        quiet = echo_reason(event, self._own)
        if quiet is not None and not self._hearing(event):
            return Routing(DeliveryStatus.IGNORED, quiet)
        commands = () if quiet is not None else provider.commands(event, source)
        if not commands and not any(reaction.wants(event) for reaction in self._reactions):
            reason = f"nothing here reacts to {described(event)}"
            return Routing(DeliveryStatus.IGNORED, reason)
        context = await self._context.gather(event, commands)
        if context.invalid is not None:
            return reject_config(event, context.invalid)
        loop = loop_reason(event, context.config)
        if loop is not None:
            return Routing(DeliveryStatus.IGNORED, loop)
        quiet = quiet or bot_reason(event, context.config)
        reactions = self._reactions if quiet is None else self._hearing(event)
        if quiet is not None and not reactions:
            return Routing(DeliveryStatus.IGNORED, quiet)
        rulings = [
            rule_on(command, event, source, permission)
            for command, permission in zip(commands, context.permissions, strict=True)
            if quiet is None
        ]
        return decide(event, source, context.config, rulings, reactions, delivery.id, self._takers)

    def _hearing(self, event: Event) -> Sequence[Reaction]:
        """Reactions that are told of this event whoever caused it."""
        return [one for one in self._reactions if one.hears_bots and one.wants(event)]

    def _settle(
        self,
        delivery: Delivery,
        event: Event,
        routing: Routing,
        digest: bytes,
        *,
        is_proven: bool = False,
    ) -> Outcome:
        """Everything the decision changes, in the transaction that ends the job."""

        def apply(unit: Unit) -> None:
            self._apply(unit, delivery, event, routing, digest, is_proven=is_proven)

        result = {"status": routing.status.value, "reason": routing.reason}
        return Done(result, apply)

    def _apply(
        self,
        unit: Unit,
        delivery: Delivery,
        event: Event,
        routing: Routing,
        digest: bytes,
        *,
        is_proven: bool,
    ) -> None:
        at_ms = delivery.received_at_ms
        first = store.claim_body(unit, delivery.source, digest, delivery.id, at_ms)
        if is_proven:
            # why: it was fetched from the provider, so the same words are no replay of others.
            first = delivery.id
        if first != delivery.id and routing.status is not DeliveryStatus.IGNORED:
            routing = Routing(
                DeliveryStatus.IGNORED, f"the same signed body came before, as delivery {first}"
            )
        reason = routing.reason
        if first == delivery.id:
            learned = self._inventory.apply(unit, event)
            if event.name in BOOKKEEPING and event.provider == "github":
                reason = f"{reason}: {learned}" if reason else learned
        for job in routing.jobs:
            self._jobs.enqueue(unit, job)
        for effect in routing.effects:
            self._effects.request(unit, effect, delivery_id=delivery.id)
        for aside in routing.asides:
            self._effects.request(unit, aside, urgency=Urgency.CAMPAIGN, delivery_id=delivery.id)
        if routing.refused:
            self._refusals.record(unit, event, routing, delivery.id)
        store.set_status(
            unit,
            delivery.id,
            routing.status,
            reason=reason,
            action=event.action,
            repository=event.repository,
            subject=event.subject,
        )
        unit.after_commit(_told(delivery, event, routing, reason))

    def _dead(self, delivery: Delivery, code: str, reason: str) -> Outcome:
        def apply(unit: Unit) -> None:
            store.set_status(unit, delivery.id, DeliveryStatus.DEAD, reason=f"{code}: {reason}")

        return Fail(reason, code=code, apply=apply)


def _told(
    delivery: Delivery, event: Event, routing: Routing, reason: str | None
) -> Callable[[], None]:
    def tell() -> None:
        log.info(
            "delivery_routed",
            delivery_id=delivery.id,
            provider=delivery.provider,
            event_name=described(event),
            repository=event.repository,
            status=routing.status.value,
            reason=reason,
            jobs=len(routing.jobs),
        )

    return tell


def _handled(event: Event) -> str | None:
    """GitHub events that the house itself takes care of, in words."""
    if event.provider != "github":
        return None
    if event.name == "ping":
        return "ping: this hook is connected"
    if event.name in BOOKKEEPING and event.name != "repository":
        return described(event)
    return None
