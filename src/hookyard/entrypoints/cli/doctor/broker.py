"""Checks of the broker that carries pointers, and of the sinks of changes, where there are any."""

import secrets
from collections.abc import Mapping

from hookyard.bootstrap.feeding import open_sinks
from hookyard.bootstrap.pointers import open_broker
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.settings import Settings

FIXES = {
    "redis": "check REDIS_URL, and that its server runs and lets us in",
    "sqs": "check that the four queues exist, and AWS's region, endpoint and credentials",
}

SINK_FIXES = {
    "redis": FIXES["redis"],
    "sqs": "check that the queue exists, and AWS's region, endpoint and credentials",
    "kafka": "check the setting that is named, the brokers, and that the topic is there",
}


async def broker(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """The broker answers; nothing to say where the database is all there is."""
    name = f"queue ({settings.queue.backend})"
    try:
        opened = open_broker(settings, environ, clock, f"doctor-{secrets.token_hex(4)}")
    except ConfigurationError as error:
        return [bad(name, str(error), "install the extra, or unset QUEUE_BACKEND")]
    if opened is None:
        return []
    try:
        health = await opened.probe()
    except Unavailable as error:
        return [bad(name, str(error), FIXES[settings.queue.backend])]
    finally:
        await opened.close()
    found = f"{health.engine} {health.version}".strip()
    if health.engine == "redis" and health.version.partition(".")[0] in {"4", "5", "6"}:
        return [warn(name, f"{found} is older than Redis 7", "use Redis 7 or Valkey")]
    return [ok(name, f"{found} in {health.latency_ms:.0f} ms")]


async def sinks(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Each sink is reached, and what it writes to is there."""
    try:
        opened = open_sinks(settings, environ, clock)
    except ConfigurationError as error:
        return [bad("change sinks", str(error), "set it right, or unset HOOKYARD_CHANGE_SINKS")]
    targets = dict(entry.split("=", 1) for entry in settings.feed.sinks)
    found: list[Finding] = []
    for name, sink in opened.items():
        try:
            await sink.probe()
        except Unavailable as error:
            kind = targets[name].partition(":")[0]
            found.append(bad(f"change sink {name}", str(error), SINK_FIXES[kind]))
        else:
            found.append(ok(f"change sink {name}", f"{targets[name]} is reached"))
        finally:
            await sink.close()
    return found
