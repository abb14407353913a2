"""Waiting for a whole claim round: one that began after somebody asked for it."""

import asyncio
from collections.abc import Awaitable, Callable


class Rounds:
    """The runner's turns as others may wait for them. Use it on the event loop."""

    def __init__(self) -> None:
        self._asked: list[asyncio.Future[None]] = []

    def ask(self) -> "asyncio.Future[None]":
        """Done once a round that is yet to begin is over; wake the runner beside it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        return future

    async def over(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Take this turn, then tell those who asked before it began."""
        asked, self._asked = self._asked, []
        try:
            await turn()
        finally:
            for future in asked:
                if not future.done():
                    future.set_result(None)
