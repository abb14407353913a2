"""A process whose part dies ends as a whole; one that was told to stop is left alone."""

import asyncio

import pytest

from hookyard.entrypoints.worker.process import watch


async def break_down() -> None:
    """A part that dies."""
    raise RuntimeError("no more")


async def test_a_part_that_dies_stops_the_process() -> None:
    stop, dead = asyncio.Event(), list[str]()
    part = asyncio.create_task(break_down(), name="runner")
    watch([part], stop, dead)
    await asyncio.wait_for(stop.wait(), 5)
    assert dead == ["runner"]


@pytest.mark.parametrize("how", ["cancelled", "stopping"])
async def test_an_end_that_was_asked_for_is_no_death(how: str) -> None:
    stop, dead = asyncio.Event(), list[str]()
    part = asyncio.create_task(break_down() if how == "stopping" else asyncio.Event().wait())
    watch([part], stop, dead)  # type: ignore[list-item]
    if how == "stopping":
        stop.set()
    else:
        part.cancel()
    await asyncio.wait([part])
    await asyncio.sleep(0)
    assert dead == []
    assert stop.is_set() is (how == "stopping")
    if not part.cancelled():
        part.exception()
