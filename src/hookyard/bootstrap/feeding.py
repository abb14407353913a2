"""The feed of changes on its way out: subscriptions, what sends for them, sinks of the settings."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.queues.changes import ChangeSink
from hookyard.bootstrap.pointers import needs, sqs_options
from hookyard.bootstrap.recording import Records
from hookyard.core.audit.service import Audit
from hookyard.core.jobs.model import TERMINAL
from hookyard.core.jobs.service import Ledger
from hookyard.core.sealing.service import Sealer
from hookyard.features.records.feeding.bell import CHANNEL
from hookyard.features.records.feeding.jobs import SendChanges
from hookyard.features.records.feeding.pump import Pump
from hookyard.features.records.feeding.sending import Sender
from hookyard.features.records.feeding.subscriptions import SubscriptionParts, Subscriptions
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, NotFound
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings


@dataclass(frozen=True, slots=True)
class Feeding:
    """What sends changes on."""

    web: GuardedHttp
    sinks: Mapping[str, ChangeSink]
    handler: SendChanges
    pump: Pump

    async def close(self) -> None:
        """Let go of every connection."""
        await self.web.close()
        for sink in self.sinks.values():
            await sink.close()


def open_sinks(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> dict[str, ChangeSink]:
    """The sinks of the settings by name, not reached yet; ConfigurationError names what is
    wrong."""
    found: dict[str, ChangeSink] = {}
    for entry in settings.feed.sinks:
        name, _, target = entry.partition("=")
        kind, _, rest = target.partition(":")
        match kind:
            case "redis":
                found[name] = _redis(settings, rest)
            case "sqs":
                found[name] = _sqs(settings, environ, rest)
            case _:
                found[name] = _kafka(settings, clock, rest)
    return found


@dataclass(frozen=True, slots=True)
class FeedingBase:
    """What it stands on."""

    settings: Settings
    database: Database
    records: Records
    ledger: Ledger
    audit: Audit
    sealer: Sealer
    ids: IdMaker
    clock: Clock


def open_feeding(base: FeedingBase, sinks: Mapping[str, ChangeSink]) -> Feeding:
    """Subscriptions, answered by the gateway of `base.records`, and what sends for them."""
    web = GuardedHttp(base.settings.feed.subscribers_allow)
    feed = base.records.feed
    desk = Subscriptions(
        SubscriptionParts(
            base.database, feed, base.audit, base.sealer, web, tuple(sinks), base.ids, base.clock,
            secrets.token_bytes,
        )
    )  # fmt: skip
    base.records.gateway.desks["_subscriptions"] = desk
    sender = Sender(web, base.sealer, sinks, base.clock)
    handler = SendChanges(feed, sender, partial(base.database.announce, CHANNEL))
    pump = Pump(base.database, base.ledger, partial(_is_over, base.ledger), base.clock)
    return Feeding(web, sinks, handler, pump)


def _is_over(ledger: Ledger, unit: Unit, job_id: str) -> bool:
    try:
        return ledger.get(unit, job_id).state in TERMINAL
    except NotFound:
        return True


def _redis(settings: Settings, stream: str) -> ChangeSink:
    with needs("redis", "redis-py", "HOOKYARD_CHANGE_SINKS"):
        from hookyard.adapters.queues.backends.redis_changes import RedisChanges
    url = settings.queue.redis_url
    if url is None:
        raise ConfigurationError("REDIS_URL is missing: a sink of HOOKYARD_CHANGE_SINKS needs it")
    return RedisChanges(url.reveal(), stream)


def _sqs(settings: Settings, environ: Mapping[str, str], url: str) -> ChangeSink:
    with needs("sqs", "aiobotocore", "HOOKYARD_CHANGE_SINKS"):
        from hookyard.adapters.queues.backends.sqs_changes import SqsChanges
    return SqsChanges(sqs_options(settings, environ), url)


def _kafka(settings: Settings, clock: Clock, topic: str) -> ChangeSink:
    with needs("kafka", "confluent-kafka", "HOOKYARD_CHANGE_SINKS"):
        from hookyard.adapters.queues.backends.kafka_changes import KafkaChanges
        from hookyard.adapters.queues.backends.kafka_options import KafkaOptions
    given = settings.feed.kafka
    if not given.brokers:
        raise ConfigurationError(
            "HOOKYARD_KAFKA_BROKERS is missing: a sink of HOOKYARD_CHANGE_SINKS needs it"
        )
    options = KafkaOptions(
        given.brokers,
        given.protocol,
        given.mechanism,
        given.username,
        given.password,
        _pem("HOOKYARD_KAFKA_CA_FILE", given.ca_file),
        _pem("HOOKYARD_KAFKA_CERTIFICATE_FILE", given.certificate_file),
        given.private_key,
        given.max_message,
    )
    return KafkaChanges(options, topic, clock)


def _pem(name: str, path: Path | None) -> str | None:
    """What a file of certificates holds."""
    try:
        return None if path is None else path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{name}: cannot read {path}: {type(error).__name__}") from None
