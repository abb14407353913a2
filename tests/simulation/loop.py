"""An event loop of one thread in which time is a number and nothing is left to chance.

Callbacks belong to hosts, which stand for processes. Of the hosts that have something to do, one
is drawn for each turn; time moves on, at once, when none has. A host that is frozen takes no
turns until it thaws, one that is dead takes none any more: nothing of it is cancelled or closed,
as nothing is of a process that was killed.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

TURNS_AT_MOST = 3_000_000
TURNS_A_SECOND = 6_000


class Host:
    """One process in one of its lives. `boot` counts them."""

    __slots__ = ("alive", "boot", "frozen", "name", "turns")

    def __init__(self, name: str, boot: int = 1) -> None:
        self.name = name
        self.boot = boot
        self.alive = True
        self.frozen = False
        self.turns: deque[Turn] = deque()

    def __str__(self) -> str:
        return f"{self.name}.{self.boot}"


OUTSIDE = Host("outside")
"""Everything that is no process of ours: networks, GitHub, senders, the hand that breaks things."""
HOST: contextvars.ContextVar[Host] = contextvars.ContextVar("host", default=OUTSIDE)


class Turn:
    """A callback that was asked for; what `call_soon` and `call_at` give back."""

    __slots__ = ("args", "callback", "context", "gone", "host", "when_s")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context,
        when_s: float = 0.0,
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.when_s = when_s
        self.host = context.get(HOST, OUTSIDE)
        self.gone = False

    def cancel(self) -> None:
        self.gone = True

    def cancelled(self) -> bool:
        return self.gone

    def when(self) -> float:
        return self.when_s


class SimFuture(asyncio.Future[Any]):
    """A future whose place in a set does not depend on where it lies in memory."""

    def __init__(self, loop: "SimLoop") -> None:
        self.mark = loop.count()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.mark


class SimTask(asyncio.Task[Any]):
    """The same for a task."""

    def __init__(self, loop: "SimLoop", coro: Coroutine[Any, Any, Any], **options: Any) -> None:
        self.mark = loop.count()
        super().__init__(coro, loop=loop, **options)

    def __hash__(self) -> int:
        return self.mark


class SimLoop(asyncio.AbstractEventLoop):
    """See the module. `any_order` also draws among the callbacks of one host.

    `trouble` collects what asyncio would have logged.
    """

    def __init__(self, random: Random, *, any_order: bool = False) -> None:
        self.turns = 0
        self.trouble: list[str] = []
        self._now = 0.0
        self._draw = random.random
        self._any_order = any_order
        self._ready: list[Host] = []
        self._timers: list[tuple[float, int, Turn]] = []
        self._count = 0
        self._window_s = 1.0
        self._turns_before = 0
        self._tasks: list[SimTask] = []
        self._closed = False
        OUTSIDE.turns.clear()

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        turn = Turn(callback, args, context or contextvars.copy_context())
        self._add(turn)
        return turn

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Any:
        turn = Turn(callback, args, context or contextvars.copy_context(), when)
        heapq.heappush(self._timers, (when, self.count(), turn))
        return turn

    def create_future(self) -> SimFuture:
        return SimFuture(self)

    def create_task(self, coro: Any, **options: Any) -> SimTask:
        task = SimTask(self, coro, **options)
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., object], *args: Any) -> Any:
        """What a thread would do is done in a later turn, whole."""
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        self.call_later(0.001 * self._draw(), work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._closed:
            error = context.get("exception")
            self.trouble.append(f"{context.get('message')}: {error!r}")

    # --- hosts ---

    def count(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return self._count

    def kill(self, host: Host) -> None:
        """It takes no turn any more."""
        host.alive = False
        host.turns.clear()
        if host in self._ready:
            self._ready.remove(host)

    def freeze(self, host: Host) -> None:
        """It takes no turn until `thaw`; what falls due meanwhile waits."""
        host.frozen = True
        if host in self._ready:
            self._ready.remove(host)

    def thaw(self, host: Host) -> None:
        """It goes on."""
        host.frozen = False
        if host.alive and host.turns and host not in self._ready:
            self._ready.append(host)

    # --- running ---

    def run(self, is_over: Callable[[], bool], until_s: float) -> bool:
        """Take turns until it is over or that instant; whether it is over.

        `is_over` is asked whenever time moves on.
        """
        asyncio._set_running_loop(self)
        try:
            while True:
                while self._ready and self.turns <= TURNS_AT_MOST:
                    self._take_turn()
                if self.turns > TURNS_AT_MOST:
                    self.trouble.append(f"no end after {self.turns} turns")
                if self.trouble:
                    return False
                if is_over():
                    return True
                if not self._timers or self._timers[0][0] > until_s:
                    return False
                self._move_on()
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """Let go of everything that still waits, the dead hosts' too, unheard."""
        self._closed = True
        asyncio._set_running_loop(self)
        try:
            for task in self._tasks:
                if not task.done():
                    _end(task)
        finally:
            asyncio._set_running_loop(None)
        self._tasks.clear()
        self._timers.clear()
        self._ready.clear()

    def _add(self, turn: Turn) -> None:
        host = turn.host
        if not host.alive or self._closed:
            return
        host.turns.append(turn)
        if len(host.turns) == 1 and not host.frozen:
            self._ready.append(host)

    def _take_turn(self) -> None:
        ready = self._ready
        host = ready[0] if len(ready) == 1 else ready[int(self._draw() * len(ready))]
        turns = host.turns
        if self._any_order and len(turns) > 1:
            turns.rotate(-int(self._draw() * len(turns)))
        turn = turns.popleft()
        if not turns:
            ready.remove(host)
        if turn.gone:
            return
        self.turns += 1
        try:
            turn.context.run(turn.callback, *turn.args)
        except Exception as error:
            self.trouble.append(f"a callback of {host} raised {error!r}")

    def _move_on(self) -> None:
        timers = self._timers
        self._now = max(self._now, timers[0][0])
        if self._now >= self._window_s:
            if self.turns - self._turns_before > TURNS_A_SECOND:
                self.trouble.append(f"{self.turns - self._turns_before} turns in a second")
            self._window_s, self._turns_before = self._now + 1.0, self.turns
        while timers and timers[0][0] <= self._now:
            turn = heapq.heappop(timers)[2]
            if not turn.gone:
                self._add(turn)


def _end(task: SimTask) -> None:
    """Close what the task runs.

    # why: left to the garbage collector it would be closed at some time, in some other test.
    """
    coroutine: Any = task.get_coro()
    for _ in range(8):
        try:
            coroutine.close()
        except (RuntimeError, ValueError):
            continue
        except BaseException:  # noqa: S110
            pass
        return
