"""Reading bodies: caps, budget and deadline leave nothing counted behind."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from hookyard.entrypoints.http.bodies import (
    SMALL,
    BodyBudget,
    BodyTooLarge,
    Disconnected,
    Receive,
    TooSlow,
    announced_too_large,
    read_body,
)
from hookyard.kit.errors import Unavailable


def giving(*chunks: bytes | None, then_hang: bool = False) -> Receive:
    """Chunks in order; None is a client that left; or one that goes silent."""
    waiting = list(chunks)

    async def receive() -> MutableMapping[str, Any]:
        if not waiting and then_hang:
            await asyncio.Event().wait()
        chunk = waiting.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        more = bool(waiting) or then_hang
        return {"type": "http.request", "body": chunk, "more_body": more}

    return receive


async def test_whole_body_is_counted_until_given_back() -> None:
    budget = BodyBudget(100)
    assert await read_body(giving(b"ab", b"", b"c"), budget, 10) == b"abc"
    assert budget.used == 3


@pytest.mark.parametrize("chunks", [(b"x" * 11,), (b"x" * 6, b"x" * 5)])
async def test_over_the_cap_leaves_nothing_counted(chunks: tuple[bytes, ...]) -> None:
    budget = BodyBudget(100)
    with pytest.raises(BodyTooLarge):
        await read_body(giving(*chunks), budget, 10)
    assert budget.used == 0


async def test_client_that_leaves_leaves_nothing_counted() -> None:
    budget = BodyBudget(100)
    for chunks in ((None,), (b"x", None)):
        with pytest.raises(Disconnected):
            await read_body(giving(*chunks), budget, 10)
    assert budget.used == 0


@pytest.mark.parametrize("chunks", [(), (b"x",), (b"x", b"y")])
async def test_client_that_goes_silent_is_given_up(chunks: tuple[bytes, ...]) -> None:
    budget = BodyBudget(100)
    with pytest.raises(TooSlow):
        await read_body(giving(*chunks, then_hang=True), budget, 10, 0.01)
    assert budget.used == 0


async def test_large_bodies_leave_room_for_small_ones() -> None:
    budget = BodyBudget(4 * SMALL)
    budget.take(3 * SMALL, 0)
    with pytest.raises(Unavailable):
        await read_body(giving(b"x" * SMALL, b"x"), budget, 10 * SMALL)
    assert budget.used == 3 * SMALL
    assert await read_body(giving(b"small"), budget, 10) == b"small"


def test_announced_length_is_read_with_care() -> None:
    assert announced_too_large(b"11", 10)
    assert announced_too_large(b"9" * 5_000, 10)
    assert not announced_too_large(b"10", 10)
    assert not announced_too_large(None, 10)
    assert not announced_too_large(b"-1", 10)
    assert not announced_too_large(b"1e9", 10)
