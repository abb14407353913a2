"""Wake-ups between processes: LISTEN on one connection of its own, NOTIFY at most so often.

# why: a NOTIFY inside a writing transaction takes a lock on the whole database at its commit, so
# writers would queue behind each other. Here it is a transaction by itself, after the commit, and
# one speaks for all that committed in the last ten milliseconds. A wake-up may be lost with the
# connection: whoever listens is told after every reconnect, and polls besides.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from random import Random

from hookyard.adapters.database.backends.ears import Ears
from hookyard.adapters.database.backends.postgres_link import Link
from hookyard.adapters.database.backends.postgres_pool import Driver, connect
from hookyard.kit.errors import Unavailable

_LOG = logging.getLogger(__name__)
SPACING_S = 0.01
KEEP_ALIVE_S = 15.0
ANSWER_WITHIN_S = 5.0
WAIT_AT_LEAST_S = 0.05
WAIT_AT_MOST_S = 5.0


class Signals:
    """Announces to other processes and hears them.

    Behind a transaction-mode pooler it only announces: LISTEN would stay with a session that
    serves somebody else a moment later.
    """

    def __init__(self, link: Link, random: Random, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self.hears = not link.pooled
        self._link = link
        self._random = random
        self._keep_alive_s = keep_alive_s
        self._me = secrets.token_hex(8)
        self._ears = Ears()
        self._due: set[str] = set()
        self._attended: set[str] = set()
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failures = 0

    def announce(self, channel: str) -> None:
        """See `Database.announce`; returns at once."""
        self._ears.tell(channel)
        self._due.add(channel)
        self._wake()

    def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """See `Database.listen`."""
        self._ears.add(channel, heard)
        if self.hears:
            self._wake()

    async def close(self) -> None:
        """Say no more and hear no more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self) -> None:
        self._stir.set()
        if self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._keep(), name="signals")

    async def _keep(self) -> None:
        """One connection after another, for as long as the process lives."""
        while True:
            try:
                await self._converse()
            except Exception as error:
                # why: whatever it was, the next connection is the only remedy, and without this
                # loop the process would be deaf until it ends.
                if self._failures == 0:
                    _LOG.warning("wake-ups between processes are interrupted: %s", error)
                self._failures += 1
            await _pause(self._backoff_s())

    def _backoff_s(self) -> float:
        """More after every failure, and never the same in two processes."""
        limit = min(WAIT_AT_MOST_S, WAIT_AT_LEAST_S * 2 ** min(self._failures, 10))
        return self._random.uniform(WAIT_AT_LEAST_S / 2, limit)

    async def _converse(self) -> None:
        """Listen and speak until the connection fails."""
        driver = await connect(self._link)
        try:
            driver.add_termination_listener(lambda _: self._stir.set())
            self._attended = set()
            self._stir.set()
            while True:
                quiet = await self._is_quiet()
                if driver.is_closed():
                    raise Unavailable("the connection for wake-ups was lost")
                await self._attend(driver)
                await self._say(driver, quiet=quiet)
                self._recovered()
        finally:
            driver.terminate()

    async def _is_quiet(self) -> bool:
        """Wait for something to do; whether nothing came and the connection should be tried."""
        try:
            async with asyncio.timeout(self._keep_alive_s):
                await self._stir.wait()
        except TimeoutError:
            return True
        self._stir.clear()
        return False

    async def _attend(self, driver: Driver) -> None:
        """Listen to what was not listened to yet; its ears may have missed something."""
        for channel in self._ears.channels if self.hears else ():
            if channel not in self._attended:
                await driver.add_listener(channel, self._notified)
                self._attended.add(channel)
                self._ears.tell(channel)

    async def _say(self, driver: Driver, *, quiet: bool) -> None:
        due, self._due = self._due, set()
        if not due:
            if quiet:
                await driver.execute("SELECT 1", timeout=ANSWER_WITHIN_S)
            return
        said = "; ".join(f"NOTIFY \"{channel}\", '{self._me}'" for channel in sorted(due))
        try:
            await driver.execute(said, timeout=ANSWER_WITHIN_S)
        except BaseException:
            self._due |= due
            raise
        await _pause(SPACING_S)

    def _recovered(self) -> None:
        if self._failures:
            _LOG.warning("wake-ups between processes work again")
        self._failures = 0

    def _notified(self, _driver: object, _pid: object, channel: str, sender: str) -> None:
        if sender != self._me:
            self._ears.tell(channel)


async def _pause(seconds: float) -> None:
    passed = asyncio.Event()
    handle = asyncio.get_running_loop().call_later(seconds, passed.set)
    try:
        await passed.wait()
    finally:
        handle.cancel()
