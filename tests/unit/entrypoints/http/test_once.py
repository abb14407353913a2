"""Work that many ask for runs seldom, and one at a time."""

import asyncio

import pytest

from hookyard.entrypoints.http.once import Seldom
from hookyard.kit.clock import ManualClock


class Work:
    """Counts its runs; waits for the gate when there is one."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate: asyncio.Event | None = None
        self.fails = False

    async def __call__(self) -> int:
        self.runs += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise RuntimeError("no")
        return self.runs


async def test_answer_is_kept_for_its_time() -> None:
    work, clock = Work(), ManualClock()
    seldom = Seldom(work, 5.0, clock)
    assert [await seldom.get() for _ in range(3)] == [1, 1, 1]
    clock.advance(4.9)
    assert await seldom.get() == 1
    clock.advance(0.2)
    assert await seldom.get() == 2


async def test_all_who_ask_meanwhile_share_one_run() -> None:
    work = Work()
    work.gate = asyncio.Event()
    seldom = Seldom(work, 5.0, ManualClock())
    asking = [asyncio.create_task(seldom.get()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    work.gate.set()
    assert await asyncio.gather(*asking[1:]) == [1] * 49


async def test_failure_is_told_and_not_kept() -> None:
    work = Work()
    seldom = Seldom(work, 5.0, ManualClock())
    work.fails = True
    with pytest.raises(RuntimeError):
        await seldom.get()
    work.fails = False
    assert await seldom.get() == 2
