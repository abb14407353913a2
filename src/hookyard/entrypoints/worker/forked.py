"""A process for each attempt: started by a fork server, told when to stop, killed when it does not.

The parent claims, keeps the lease and records; the child makes one attempt with its own database
connection. A child that is stuck, runs out of memory or crashes ends that attempt with a reason
and nothing else.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess

from hookyard.core.jobs.context import Run, Stop
from hookyard.core.jobs.model import Job, JobContext, JobHandler, Outcome, Retry
from hookyard.entrypoints.worker import telling
from hookyard.entrypoints.worker.child import Errand, main, ready
from hookyard.kit.errors import StaleLease
from hookyard.settings import Settings

PRELOADED = ("hookyard.entrypoints.worker.preloaded",)
GRACE_S = 3.0
LAST_GRACE_S = 1.5
READ_SIZE = 256 * 1024


def start_fork_server() -> None:
    """Start it with its modules loaded; from the main thread, before signals are handled.

    # why: a service manager's SIGTERM goes to every process of the unit. What is ignored when a
    # program starts stays ignored, and the fork server must live as long as its children.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Child:
    """A running child and the socket to it."""

    def __init__(self, process: ForkServerProcess, line: socket.socket) -> None:
        self._process = process
        self._line = line
        self._writer: asyncio.StreamWriter | None = None

    async def told(self) -> bytes:
        """All it says until it is gone. Too much of it is a child gone wrong, and ends it."""
        reader, self._writer = await asyncio.open_connection(sock=self._line)
        chunks: list[bytes] = []
        size = 0
        while chunk := await reader.read(READ_SIZE):
            size += len(chunk)
            if size > telling.MAX_TOLD:
                self.kill()
                raise ValueError(f"its result is larger than {telling.MAX_TOLD} bytes")
            chunks.append(chunk)
        await self.gone()
        return b"".join(chunks)

    async def gone(self) -> int:
        """Its exit code, negative for a signal, once it has ended."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        sentinel = self._process.sentinel
        loop.add_reader(sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(sentinel)
        code = self._process.exitcode
        return 255 if code is None else code

    async def stop(self, why: Stop) -> None:
        """Ask it to end, ask again, and then kill it."""
        ending = asyncio.ensure_future(self.gone())
        try:
            for patience_s in (GRACE_S, LAST_GRACE_S):
                if self._writer is not None:
                    self._writer.write(why.value.encode() + b"\n")
                done, _ = await asyncio.wait({ending}, timeout=patience_s)
                if done:
                    return
        finally:
            self.kill()
            await ending

    def kill(self) -> None:
        """End it and whatever it started in its session, now; nothing when it is gone."""
        if self._process.exitcode is not None or self._process.pid is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._process.pid, signal.SIGKILL)
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go of it, once it is gone."""
        if self._writer is not None:
            self._writer.close()
        self._line.close()
        self._process.close()


class Forks:
    """Starts children, one for each attempt. `memory_mb` caps what each may take.

    `entry` is what a child runs, by default one attempt with the handlers of the registry.
    """

    def __init__(
        self,
        settings: Settings,
        memory_mb: int | None = None,
        entry: Callable[[Errand, socket.socket], None] = main,
    ) -> None:
        self._settings = settings
        self._entry = entry
        self._memory_mb = memory_mb
        self._context = multiprocessing.get_context("forkserver")
        # why: a start waits for the fork server's answer, and multiprocessing keeps one list.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fork")
        self._children: set[Child] = set()

    @property
    def memory_mb(self) -> int | None:
        """What a child may take, in MiB; None for as much as there is."""
        return self._memory_mb

    def around(self, handlers: Sequence[JobHandler]) -> Sequence[JobHandler]:
        """The same kinds, each attempt in a child."""
        return tuple(Forked(handler, self) for handler in handlers)

    async def warm(self) -> None:
        """Wait until the fork server has loaded what children need."""
        child = await self._start(ready, ())
        await child.gone()
        self.over(child)

    async def attempt(self, job: Job) -> Child:
        """A child that makes this attempt. Give it back with `over`."""
        return await self._start(
            self._entry, (Errand(self._settings, job.id, job.lease, self._memory_mb),)
        )

    def over(self, child: Child) -> None:
        """The child is gone."""
        self._children.discard(child)
        child.close()

    async def close(self) -> None:
        """Kill what still runs."""
        for child in list(self._children):
            child.kill()
            await child.gone()
            self.over(child)
        self._thread.shutdown()

    async def _start(self, target: Callable[..., None], args: tuple[object, ...]) -> Child:
        loop = asyncio.get_running_loop()
        starting = loop.run_in_executor(self._thread, self._start_now, target, args)
        try:
            child = await asyncio.shield(starting)
        except asyncio.CancelledError:
            child = await starting
            child.kill()
            await child.gone()
            child.close()
            raise
        self._children.add(child)
        return child

    def _start_now(self, target: Callable[..., None], args: tuple[object, ...]) -> Child:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        with theirs:
            process = self._context.Process(target=target, args=(*args, theirs))
            try:
                process.start()
            except BaseException:
                ours.close()
                raise
        return Child(process, ours)


class Forked:
    """A handler whose attempts are made by children; see `JobHandler`."""

    def __init__(self, handler: JobHandler, forks: Forks) -> None:
        self.kind = handler.kind
        self._forks = forks

    async def __call__(self, ctx: JobContext) -> Outcome:
        child = await self._forks.attempt(ctx.job)
        try:
            try:
                raw = await child.told()
            except BaseException:
                await child.stop(_why(ctx))
                raise
            told = telling.read(raw)
            if told is None:
                return self._died(await child.gone())
            return telling.outcome_of(told, ctx.job, ctx.clock.now_ms())
        except StaleLease:
            if isinstance(ctx, Run):
                ctx.stop = Stop.LOST
            raise
        finally:
            self._forks.over(child)

    def _died(self, code: int) -> Retry:
        cap = self._forks.memory_mb
        hint = "" if cap is None else f" (a job may take {cap} MB of memory)"
        if code < 0:
            name = signal.Signals(-code).name
            return Retry(f"its process was ended by {name}{hint}", code="killed")
        return Retry(f"its process died with status {code}{hint}", code="crashed")


def _why(ctx: JobContext) -> Stop:
    """Why the runner ends the attempt; a stop of the whole worker when it does not say."""
    return ctx.stop if isinstance(ctx, Run) and ctx.stop is not None else Stop.DRAINED
