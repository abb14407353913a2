"""Looks at what the process stands on: names, latencies, reason codes, nothing secret."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from hookyard.adapters.database.migrate import version_of
from hookyard.adapters.database.migrations import HEAD
from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import GitHubError, GitHubLimited, GitHubRefused
from hookyard.adapters.secrets.keeper import Standing, from_settings
from hookyard.bootstrap import GitHubApp, Yard
from hookyard.entrypoints.http.once import Seldom
from hookyard.kit.errors import HookyardError

PROBE_LIMIT_S = 3.0
PROBE_EVERY_S = 3.0
GITHUB_EVERY_S = 30.0
CLOCK_DRIFT_MS = 30_000
WAL_RESET_FIXED = (3, 51, 3)

log = structlog.get_logger("hookyard.health")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency as it was at the last probe. `reason` is a stable word, "" when healthy."""

    healthy: bool
    latency_ms: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to look at that stops nothing: a stable code, and what it is about."""

    code: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether this process can serve, and which of its parts cannot."""

    ready: bool
    reasons: tuple[str, ...]


class Probes:
    """Runs each probe within a limit and seldom, however often it is asked for."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self._version = ""
        self._has_unknown_kinds = False
        clock = yard.clock
        self._readiness = Seldom(self._ready, 1.0, clock)
        self._database = Seldom(self._probe_database, PROBE_EVERY_S, clock)
        self._queue = Seldom(self._probe_queue, PROBE_EVERY_S, clock)
        self._github = Seldom(self._probe_github, GITHUB_EVERY_S, clock)
        self._broker = Seldom(self._probe_broker, PROBE_EVERY_S, clock)
        self._blobs = Seldom(self._probe_blobs, PROBE_EVERY_S, clock)
        self._apps = {
            f"github_api_{app.name}": Seldom(partial(self._probe_app, app), GITHUB_EVERY_S, clock)
            for app in yard.apps
            if app is not yard.github
        }

    async def ready(self) -> Ready:
        """Database reachable and migrated, runner alive, and not about to end."""
        if self._yard.draining.is_set():
            return Ready(ready=False, reasons=("draining",))
        return await self._readiness.get()

    async def dependencies(self) -> dict[str, Dependency]:
        """Every dependency by its name."""
        names = ("postgres" if self._yard.database.dialect == "postgresql" else "sqlite",)
        probes = (self._database.get(), self._queue.get(), self._blobs.get(), self._github.get())
        found = await asyncio.gather(*probes)
        named = dict(zip((*names, "queue", "blobstore", "github_api"), found, strict=True))
        for name, probe in self._apps.items():
            named[name] = await probe.get()
        if (pointers := self._yard.pointers) is None:
            return named
        told = await self._broker.get()
        # why: Redis is looked for under its own name; SQS is the queue, unless that is worse off.
        if pointers.broker.name == "redis":
            return named | {"redis": told}
        return named | {"queue": told if named["queue"].healthy else named["queue"]}

    def warnings(self) -> list[Warned]:
        """Open breakers, a clock that is off, an SQLite with the WAL-reset bug, unknown kinds."""
        yard = self._yard
        now_ms = yard.clock.now_ms()
        found = [
            Warned("breaker_" + breaker.state(now_ms), name)
            for name, breaker in sorted(yard.breakers.all().items())
            if breaker.state(now_ms) != "closed"
        ]
        offset_ms = self.clock_offset_ms()
        if offset_ms is not None and abs(offset_ms) >= CLOCK_DRIFT_MS:
            found.append(Warned("clock_offset", "github"))
        if yard.database.dialect == "sqlite" and has_wal_reset_bug(self._version):
            found.append(Warned("sqlite_wal_reset_bug", "sqlite"))
        if self._has_unknown_kinds:
            found.append(Warned("jobs_of_unknown_kind", "queue"))
        troubled = (one for one in self.secrets() if one.state != "fresh")
        return [*found, *(Warned(f"secret_{one.state}", one.name) for one in troubled)]

    def secrets(self) -> Sequence[Standing]:
        """Which source each secret came from, and how it stands there."""
        if self._yard.keeper is not None:
            return self._yard.keeper.standings()
        return from_settings(self._yard.settings.secrets.kept)

    def tokens(self) -> dict[str, object]:
        """What the token service goes by: how many Apps, and which mint policy."""
        desk = self._yard.tokens.desk
        policy = desk.policy
        return {
            "apps": len(desk.apps.all),
            "policy": None if policy is None else policy.digest,
            "rules": None if policy is None else len(policy.rules),
        }

    async def vectors(self) -> str:
        """By what searches of records compare vectors."""
        return await self._yard.records.vectors()

    def clock_offset_ms(self) -> int | None:
        """How far GitHub's clock is ahead of ours as far as learned; None without an App."""
        return None if self._yard.github is None else self._yard.github.jwt.offset_ms

    def is_working(self) -> bool | None:
        """Whether the runner is alive; None in a process that was started without one."""
        runners = [task for task in self._yard.tasks if task.get_name() == "runner"]
        return None if not runners else not any(task.done() for task in runners)

    async def _ready(self) -> Ready:
        reasons = []
        schema = await self._timed(lambda: self._yard.database.read(_is_migrated))
        if schema.reason:
            reasons.append(f"database_{schema.reason}")
        if self.is_working() is False:
            reasons.append("runner_stopped")
        return Ready(not reasons, tuple(reasons))

    async def _probe_database(self) -> Dependency:
        async def look() -> str:
            self._version = (await self._yard.database.probe()).version
            return ""

        return await self._timed(look)

    async def _probe_queue(self) -> Dependency:
        async def look() -> str:
            unknown = await self._yard.database.read(self._yard.ledger.unknown_kinds)
            self._has_unknown_kinds = bool(unknown)
            return "runner_stopped" if self.is_working() is False else ""

        return await self._timed(look)

    async def _probe_broker(self) -> Dependency:
        async def look() -> str:
            if (pointers := self._yard.pointers) is not None:
                await pointers.broker.probe()
            return ""

        return await self._timed(look)

    async def _probe_blobs(self) -> Dependency:
        async def look() -> str:
            await self._yard.storage.blobs.probe()
            return ""

        return await self._timed(look)

    async def _probe_github(self) -> Dependency:
        github = self._yard.github
        if github is None:
            return Dependency(healthy=False, latency_ms=0.0, reason="not_configured")
        return await self._probe_app(github)

    async def _probe_app(self, app: GitHubApp) -> Dependency:
        async def look() -> str:
            try:
                await app.client.call("GET", "/app")
            except GitHubRefused as error:
                return "bad_credentials" if error.status == 401 else f"status_{error.status}"
            except GitHubLimited:
                return "rate_limited"
            except GitHubError:
                return "unreachable"
            return ""

        return await self._timed(look)

    async def _timed(self, look: Callable[[], Awaitable[str]]) -> Dependency:
        clock = self._yard.clock
        started = clock.monotonic()
        try:
            reason = await asyncio.wait_for(look(), PROBE_LIMIT_S)
        except TimeoutError:
            reason = "timeout"
        except HookyardError:
            reason = "unreachable"
        except Exception as error:
            log.warning("probe_failed", error=f"{type(error).__name__}: {error}")
            reason = "failed"
        taken = round((clock.monotonic() - started) * 1000, 3)
        return Dependency(not reason, taken, reason)


def has_wal_reset_bug(version: str) -> bool:
    """Whether this SQLite can corrupt a log that two connections checkpoint at once.

    # spec: sqlite.org, release notes of 3.51.3, "fix the WAL-reset database corruption bug".
    """
    parts = version.split(".")
    if not all(part.isdigit() for part in parts):
        return False
    return tuple(int(part) for part in parts) < WAL_RESET_FIXED


def _is_migrated(unit: Unit) -> str:
    return "" if version_of(unit) == HEAD else "not_migrated"
