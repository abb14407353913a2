"""Something fetched and kept: one fetch at a time, renewed when due, used a while longer when
renewing fails, and renewed early when asked, but seldom."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hookyard.adapters.oidc.errors import OidcError, OidcUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what was fetched is used, in seconds since it was: `fresh_s` without a question,
    `stale_s` at most while renewing fails. After a failure nothing is fetched for `retry_s`; at
    most one early renewal happens each `early_s`."""

    fresh_s: int = 600
    stale_s: int = 3_600
    retry_s: int = 10
    early_s: int = 30


class Kept(Generic[T]):
    """Keeps what `fetch` brings. Instants are milliseconds on the caller's clock."""

    def __init__(self, fetch: Callable[[int], Awaitable[T]], terms: Terms) -> None:
        self._fetch = fetch
        self._terms = terms
        self._value: T | None = None
        self._fetched_ms = 0
        self._not_before_ms = 0
        self._next_early_ms = 0
        self._flight: asyncio.Task[None] | None = None
        self.generation = 0
        self.trouble: OidcError | None = None

    async def get(self, now_ms: int, lacks: Callable[[T], bool] | None = None) -> T:
        """What is kept; OidcError when there is nothing that may still be used.

        `lacks` says whether the value misses something that a newer one may have.
        """
        due_ms = self._due_ms(now_ms, lacks)
        if due_ms is not None and (now_ms >= due_ms or self._flight is not None):
            await self._renew(now_ms)
        value = self._value
        if value is not None and self._is_within(now_ms, self._terms.stale_s):
            return value
        if self.trouble is not None:
            raise self.trouble
        raise OidcUnavailable("unreachable", "the issuer could not be asked")

    def _due_ms(self, now_ms: int, lacks: Callable[[T], bool] | None) -> int | None:
        """From when on a fetch is allowed; None where none is wanted."""
        # why: a clock that was set back must not put the next fetch off for as long.
        self._not_before_ms = min(self._not_before_ms, now_ms + self._terms.retry_s * 1000)
        self._next_early_ms = min(self._next_early_ms, now_ms + self._terms.early_s * 1000)
        value = self._value
        if value is None or not self._is_within(now_ms, self._terms.fresh_s):
            return self._not_before_ms
        return self._next_early_ms if lacks is not None and lacks(value) else None

    def _is_within(self, now_ms: int, seconds: int) -> bool:
        # why: a clock that was set back must not keep an old value for ever.
        return abs(now_ms - self._fetched_ms) < seconds * 1000

    async def _renew(self, now_ms: int) -> None:
        """Join the fetch under way, or start one. Whoever gives up waiting does not end it."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._run(now_ms))
        await asyncio.shield(self._flight)

    async def _run(self, now_ms: int) -> None:
        self._next_early_ms = now_ms + self._terms.early_s * 1000
        try:
            value = await self._fetch(now_ms)
        except OidcError as error:
            self._not_before_ms = now_ms + self._terms.retry_s * 1000
            self.trouble = error
        else:
            if value != self._value:
                self.generation += 1
            self._value, self._fetched_ms, self.trouble = value, now_ms, None
        finally:
            self._flight = None
