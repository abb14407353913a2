"""Mischief with pointers: sent again, sent too late, out of order, and long after their job."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

from hookyard.adapters.queues.port import Broker, Pointer
from hookyard.kit.errors import Unavailable
from tests.support.chaos_brokers import LANES, BrokerSite
from tests.support.chaos_rows import Rows, Unreadable

T = TypeVar("T")
AT_ONCE = 40
ENOUGH = 6
HELD_S = (0.5, 6.0)


class Pointers:
    """Somebody who sends and takes pointers as a broken broker would; `done` counts them.

    `work` makes some jobs, so that there are pointers to take.
    """

    def __init__(
        self,
        site: BrokerSite,
        rows: Rows,
        random: Random,
        done: Counter[str],
        work: Callable[[], None],
    ) -> None:
        self.kinds: dict[str, Callable[[], None]] = {
            "doubled": self._doubled,
            "stale": self._stale,
            "out of order": self._out_of_order,
            "late": self._late,
        }
        self._rows = rows
        self._work = work
        self._random = random
        self._done = done
        self._held: list[tuple[float, Pointer]] = []
        self._runner = asyncio.Runner()
        self._broker = self._runner.run(_made(site))

    def maybe(self) -> None:
        """One kind or none; and what was held back for long enough comes at last."""
        self._bring_back()
        if self._random.random() < 0.7:
            self.make(self._random.choice([*self.kinds]))

    def make(self, kind: str) -> None:
        """This kind. Nothing while the broker or the database is away."""
        with contextlib.suppress(Unavailable, Unreadable):
            self.kinds[kind]()

    def close(self) -> None:
        """Bring everything back and let go of the broker."""
        self._bring_back(everything=True)
        self._runner.run(self._broker.close())
        self._runner.close()

    def _doubled(self) -> None:
        """Jobs that are ready or run are told of twice more."""
        found = self._of("state IN ('queued', 'running')")
        self._publish([*found, *found], "doubled")

    def _stale(self) -> None:
        """Jobs that have ended, or wait, are told of as if they were ready."""
        self._publish(self._of("state NOT IN ('queued', 'running')"), "stale")

    def _out_of_order(self) -> None:
        taken = self._take()
        self._random.shuffle(taken)
        self._publish([*taken, *taken[:2]], "out of order")

    def _late(self) -> None:
        now = time.monotonic()
        taken = self._take()
        self._held += [(now + self._random.uniform(*HELD_S), pointer) for pointer in taken]
        self._done["held back"] += len(taken)

    def _bring_back(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        due = [pointer for at, pointer in self._held if everything or at <= now]
        if due:
            self._random.shuffle(due)
            with contextlib.suppress(Unavailable):
                self._publish(due, "late")
                self._held = [(at, p) for at, p in self._held if not everything and at > now]

    def _of(self, where: str) -> list[Pointer]:
        query = f"SELECT id, lane, run_at_ms FROM jobs WHERE {where} ORDER BY id DESC LIMIT 400"  # noqa: S608
        found = [Pointer(job, lane, due) for job, lane, due in self._rows.fetch(query)]
        return self._random.sample(found, min(AT_ONCE, len(found)))

    def _take(self) -> list[Pointer]:
        """Some pointers that a worker would have got, if any come within a second or so."""

        async def take() -> list[Pointer]:
            found = await self._broker.receive(LANES, 10, 0.1)
            await self._broker.acknowledge(found)
            return [item.pointer for item in found]

        taken: list[Pointer] = []
        self._work()
        for _ in range(10):
            if len(taken) < ENOUGH:
                taken += self._run(take)
        return taken

    def _publish(self, pointers: Sequence[Pointer], word: str) -> None:
        if pointers:
            self._run(lambda: self._broker.publish(pointers))
            self._done[word] += len(pointers)

    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await call()

        return self._runner.run(run())


async def _made(site: BrokerSite) -> Broker:
    return site.client()
