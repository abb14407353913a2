"""Checks of the broker that carries pointers, where one is configured."""

import secrets
from collections.abc import Mapping

from hookyard.bootstrap.pointers import open_broker
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.settings import Settings

FIXES = {
    "redis": "check REDIS_URL, and that its server runs and lets us in",
    "sqs": "check that the four queues exist, and AWS's region, endpoint and credentials",
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
