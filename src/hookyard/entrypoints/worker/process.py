"""A running process: opens the yard, plays its roles, ends cleanly on SIGTERM or SIGINT."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DatabaseError

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor
from hookyard.bootstrap import Yard, open_yard
from hookyard.bootstrap.attempts import as_they_are
from hookyard.bootstrap.renewing import hide_renewed
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.server import BACKLOG, listen, serve
from hookyard.entrypoints.worker.burst import until_idle
from hookyard.entrypoints.worker.hidden import secrets_of
from hookyard.entrypoints.worker.roles import Role, start_roles
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.kit.memory import settle_memory
from hookyard.settings import Settings

if TYPE_CHECKING:
    from hookyard.entrypoints.worker.forked import Forks

log = structlog.get_logger("hookyard")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Forking:
    """A process for each attempt; `memory_mb` caps what each may take."""

    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process does; `burst` leaves once nothing is ready."""

    roles: frozenset[Role]
    burst: bool = False
    forking: Forking | None = None


def run(settings: Settings, plan: Plan) -> None:
    """Run until SIGTERM or SIGINT (running jobs may end within the drain limit), a second of
    which ends the process at once with 1. ConfigurationError when it cannot start."""
    redactor = Redactor(secrets_of(settings))
    configure(settings.http.log_level, settings.http.log_format, redactor)
    forks = _forks(settings, plan.forking)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(settings, plan, forks, redactor))
    else:
        uvloop.run(_run(settings, plan, forks, redactor))


def _forks(settings: Settings, forking: Forking | None) -> "Forks | None":
    """What starts children, its server running; ConfigurationError where there can be none."""
    if forking is None:
        return None
    if settings.database.url is None:
        raise ConfigurationError(
            "--forked needs Postgres: each job's process writes by itself, and SQLite has one "
            "writer; set DATABASE_URL, or run without --forked"
        )
    from hookyard.entrypoints.worker.confine import CAN_CAP_MEMORY
    from hookyard.entrypoints.worker.forked import Forks, start_fork_server

    if forking.memory_mb is not None and not CAN_CAP_MEMORY:
        raise ConfigurationError("--memory-mb needs Linux; run without it, or cap the container")
    start_fork_server()
    return Forks(settings, forking.memory_mb)


async def _run(settings: Settings, plan: Plan, forks: "Forks | None", redactor: Redactor) -> None:
    stop = asyncio.Event()
    _install_signals(stop)
    with _door(settings, plan) as bound:
        with readable_database(settings):
            around = as_they_are if forks is None else forks.around
            yard = await open_yard(settings, around=around)
        if yard.keeper is not None:
            hide_renewed(yard.keeper, redactor.hide)
        dead: list[str] = []
        try:
            if forks is not None:
                await forks.warm()
            await _play(yard, plan, bound, stop, dead)
        finally:
            stop.set()
            await yard.close()
            if forks is not None:
                await forks.close()
    if dead:
        raise Unavailable(f"the {dead[0]} died, so the process ended; its log says why")
    log.info("stopped")


async def _play(
    yard: Yard, plan: Plan, bound: socket.socket | None, stop: asyncio.Event, dead: list[str]
) -> None:
    front = None if bound is None else Front(yard, only=_prefixes(plan))
    yard.start_keeping()
    await start_roles(yard, plan.roles)
    watch(yard.tasks, stop, dead)
    if front is not None and bound is not None:
        settle_memory()
        # why: "ready" is said once connections are taken in, so they queue from here on.
        bound.listen(BACKLOG)
        _announce(yard, plan, bound.getsockname()[1])
        await _serve_until_drained(yard, front, bound, stop)
    else:
        _announce(yard, plan, None)
        await _until_stopped(yard, plan, stop)


async def _serve_until_drained(
    yard: Yard, front: Front, bound: socket.socket, stop: asyncio.Event
) -> None:
    """Answer until `stop`, and on while running jobs end; then let the last requests end.

    `/readyz` says 503 from the first moment, for as long as the drain notice at least, so that a
    load balancer moves on before connections are refused. All of it within the drain limit.
    """
    worker, clock = yard.settings.worker, yard.clock
    shut = asyncio.Event()
    began = 0.0

    def left_s() -> float:
        return max(1.0, began + worker.drain_s - clock.monotonic())

    serving = asyncio.create_task(serve(yard, front, bound, shut, left_s))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        began = clock.monotonic()
        if not serving.done():
            notice_s = min(worker.drain_notice_s, worker.drain_s)
            await asyncio.gather(yard.drain(), clock.sleep(notice_s))
    finally:
        stopping.cancel()
        shut.set()
        await serving


def watch(parts: Iterable["asyncio.Task[None]"], stop: asyncio.Event, dead: list[str]) -> None:
    """Stop the process when a part of it ends by itself; `dead` then holds the part's name.

    # why: a process without its runner or calendar looks alive and does nothing; whoever
    # supervises it starts a whole one.
    """

    def ended(part: "asyncio.Task[None]") -> None:
        if part.cancelled() or stop.is_set():
            return
        error = part.exception()
        log.error("part_died", part=part.get_name(), error=f"{type(error).__name__}: {error}")
        dead.append(part.get_name())
        stop.set()

    for part in parts:
        part.add_done_callback(ended)


async def _until_stopped(yard: Yard, plan: Plan, stop: asyncio.Event) -> None:
    """Wait for the signal, or in a burst for the end of the work."""
    stopping = asyncio.create_task(stop.wait())
    waited: set[asyncio.Task[bool] | asyncio.Task[int]] = {stopping}
    if plan.burst:
        waited.add(asyncio.create_task(until_idle(yard)))
    done, left = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    for task in done:
        if task is not stopping:
            log.info("worked_off", attempts=await task)


@contextlib.contextmanager
def _door(settings: Settings, plan: Plan) -> Iterator[socket.socket | None]:
    """The bound socket of a gateway. Bound first: a port in use must not cost a migration."""
    if not plan.roles & {Role.GATEWAY, Role.TOKENS, Role.RECORDS}:
        yield None
        return
    host, port = settings.http.host, settings.http.port
    try:
        bound = listen(host, port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"HOOKYARD_PORT: cannot listen on {host}:{port}: {reason}; "
            "stop what listens there, or set HOOKYARD_HOST and HOOKYARD_PORT"
        ) from None
    with contextlib.closing(bound):
        yield bound


@contextlib.contextmanager
def readable_database(settings: Settings) -> Iterator[None]:
    """Turns a database file that cannot be used into one line that names it."""
    try:
        yield
    except (sqlite3.Error, DatabaseError) as error:
        reason = getattr(error, "orig", None) or error
        where = "DATABASE_URL" if settings.database.url else settings.data_dir / "hookyard.db"
        raise ConfigurationError(
            f"the database cannot be used ({where}): {reason}; "
            "restore a backup, or set another HOOKYARD_DATA_DIR or DATABASE_URL"
        ) from None
    except Unavailable as error:
        raise ConfigurationError(
            f"{error}; check DATABASE_URL, and that its server runs and lets us in"
        ) from None
    except PermissionError as error:
        raise ConfigurationError(
            f"HOOKYARD_DATA_DIR: {error.filename or settings.data_dir} cannot be used by this "
            "account; give it to the account that runs Hookyard"
        ) from None


def _install_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            log.warning("stopped_at_once", reason="a second signal came")
            sys.stderr.flush()
            # why: whatever is still running may hang; leases and commits survive a kill anyway.
            os._exit(1)
        log.info("stopping", reason="a signal came; running work may end first")
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, asked)


def _prefixes(plan: Plan) -> frozenset[str] | None:
    """Which parts of the API this process answers for; None for all of it."""
    if Role.GATEWAY in plan.roles:
        return None
    parts = {Role.TOKENS: "/tokens", Role.RECORDS: "/v1"}
    return frozenset(prefix for role, prefix in parts.items() if role in plan.roles)


def _alone(yard: Yard, plan: Plan) -> list[str]:
    """Roles that nobody can play beside us: SQLite has one writer."""
    if yard.database.dialect != "sqlite" or plan.burst:
        return []
    return sorted({Role.GATEWAY.value, Role.WORKER.value, Role.SCHEDULER.value} - set(plan.roles))


def _announce(yard: Yard, plan: Plan, port: int | None) -> None:
    settings = yard.settings
    host = settings.http.host
    if yard.admin_key is not None and yard.admin_key.created:
        sys.stderr.write(
            f"Admin key, shown this once (kept in {settings.data_dir / 'admin.key'}):\n"
            f"  {yard.admin_key.token}\n"
        )
    if missing := _alone(yard, plan):
        log.warning(
            "roles_missing",
            roles=missing,
            fix="run `hookyard up`, or set DATABASE_URL to "
            "Postgres: SQLite has one writer, so no second process can play them",
        )
    facts: dict[str, object] = {
        "roles": sorted(role.value for role in plan.roles),
        "database": yard.database.dialect,
    }
    if port is not None:
        if not yard.sources and Role.GATEWAY in plan.roles:
            log.warning("no_sources", fix="set GITHUB_WEBHOOK_SECRET or HOOKYARD_SOURCES_FILE")
        shown = f"[{host}]" if ":" in host else host
        here = "127.0.0.1" if host in ("0.0.0.0", "::") else shown  # noqa: S104
        facts |= {"url": f"http://{here}:{port}", "sources": sorted(yard.sources)}
    if settings.worker.lanes:
        facts["lanes"] = sorted(settings.worker.lanes)
    log.info("ready", **facts)
