"""The one connection that writes, handed to and fro between the event loop and a thread.

# why: Python's lock is given up at every step of a statement, so a thread that inserts row by row
# beside a busy event loop spends more time waiting for its turn than inserting. Short statements
# therefore run on the loop, where nobody contends for the lock; the thread takes what waits for
# the disk: the commit, the checkpoint, and every unit that is not known to be short. While the
# thread has the connection, the loop gathers what will share the next commit.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from hookyard.adapters.database.backends.queued import Batched, Queued, Work
from hookyard.adapters.database.backends.sqlite_unit import BUSY_WAIT_S, SqliteUnit
from hookyard.kit.errors import Unavailable

QUEUE_LIMIT = 20_000
UNITS_PER_COMMIT = 256
ENOUGH_FOR_A_COMMIT = 16
CHECKPOINT_EVERY_CHANGES = 1_800


class SqliteWriter:
    """Commits what is put into it, in order, many units at a time.

    The connection belongs to the thread while `_away`, and to the event loop otherwise.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        raw: sqlite3.Connection,
        connection: Connection,
        commit_delay_s: float,
    ) -> None:
        self.commits = 0
        self._loop = loop
        self._raw = raw
        self._connection = connection
        self._commit_delay_s = commit_delay_s
        self._gathered: list[Queued] = []
        self._waiting = 0
        self._looking = False
        self._away = False
        self._passed_over = False
        self._closing: asyncio.Future[None] | None = None
        self._checkpointed_at = 0
        # why: a look at the lock that finds it taken must not hold up the event loop.
        raw.execute("PRAGMA busy_timeout=0")
        self._tasks: queue.SimpleQueue[tuple[list[Queued], SqliteUnit | None] | None]
        self._tasks = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-write", daemon=True)
        self._thread.start()

    def put(self, queued: Queued) -> None:
        """Queue work; Unavailable when the writer is far behind or closing."""
        if self._closing is not None or self._waiting >= QUEUE_LIMIT:
            raise Unavailable("the database writer is too far behind to take more work")
        self._waiting += 1
        self._gathered.append(queued)
        if self._away:
            return
        if len(self._gathered) >= ENOUGH_FOR_A_COMMIT:
            self._send_off()
        elif not self._looking:
            self._looking = True
            self._loop.call_soon(self._look, 0)

    async def close(self) -> None:
        """Commit what is queued, then end the thread."""
        if self._closing is None:
            self._closing = self._loop.create_future()
            if self._gathered and not self._away:
                self._send_off()
            if self._away:
                await self._closing
            self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)

    def _look(self, seen: int) -> None:
        """Commit once a turn of the event loop brought nothing more."""
        self._looking = False
        if self._away or not self._gathered:
            return
        if len(self._gathered) > seen:
            self._looking = True
            self._loop.call_soon(self._look, len(self._gathered))
        else:
            self._send_off()

    def _send_off(self) -> None:
        """Give the connection to the thread, with the next batch; short statements run first."""
        batch, short = self._next_batch()
        unit = self._begun_here(batch) if short else None
        self._away = True
        self._tasks.put((batch, unit))

    def _next_batch(self) -> tuple[list[Queued], bool]:
        """What goes into the next commit, and whether all of it is short.

        # why: what is short must not wait for the long work beside it, nor that work for ever; so
        # short items go alone, and the next commit then takes everything.
        """
        gathered = self._gathered
        short = [queued for queued in gathered if queued.short]
        alone = len(short) == len(gathered) or (bool(short) and not self._passed_over)
        chosen = short if alone else gathered
        batch = chosen[:UNITS_PER_COMMIT]
        self._passed_over = alone and len(short) < len(gathered)
        if len(batch) == len(gathered):
            self._gathered = []
        elif alone:
            taken = set(map(id, batch))
            self._gathered = [queued for queued in gathered if id(queued) not in taken]
        else:
            self._gathered = gathered[UNITS_PER_COMMIT:]
        return batch, alone

    def _begun_here(self, batch: Sequence[Queued]) -> SqliteUnit | None:
        """The batch's statements, run but not committed; None when the thread has to do it."""
        unit = SqliteUnit(self._raw, self._connection)
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return None
        try:
            self._run_batch(unit, batch)
        except Exception:
            # why: the thread tries once more, and knows how to report what fails then.
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            return None
        return unit

    def _back(self, batch: list[Queued], callbacks: list[Callable[[], None]]) -> None:
        """The thread is done with a batch and with the connection."""
        self._away = False
        self._resolve(batch, callbacks)
        if self._gathered and not self._away:
            if self._closing is not None or len(self._gathered) >= ENOUGH_FOR_A_COMMIT:
                self._send_off()
            elif not self._looking:
                self._looking = True
                self._loop.call_soon(self._look, 0)
        if self._closing is not None and not self._away and not self._closing.done():
            self._closing.set_result(None)

    def _resolve(self, batch: list[Queued], callbacks: list[Callable[[], None]]) -> None:
        self._waiting -= len(batch)
        for queued in batch:
            sink = queued.sink
            if sink.done():
                continue
            if queued.failed is not None:
                sink.set_exception(queued.failed)
            else:
                sink.set_result(queued.result)
        for callback in callbacks:
            callback()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            batch, unit = task
            callbacks = self._commit(batch, unit)
            if self._raw.total_changes - self._checkpointed_at < CHECKPOINT_EVERY_CHANGES:
                self._call_loop(self._back, batch, callbacks)
                continue
            # why: a checkpoint inside a commit is the longest wait there is; here the answers of
            # the last batch are already on their way.
            self._call_loop(self._resolve, batch, callbacks)
            self._checkpoint()
            self._call_loop(self._back, [], [])

    def _call_loop(
        self,
        call: Callable[[list[Queued], list[Callable[[], None]]], None],
        batch: list[Queued],
        callbacks: list[Callable[[], None]],
    ) -> None:
        try:
            self._loop.call_soon_threadsafe(call, batch, callbacks)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _commit(self, batch: list[Queued], unit: SqliteUnit | None) -> list[Callable[[], None]]:
        try:
            if unit is None:
                unit = SqliteUnit(self._raw, self._connection)
                self._begin()
                self._run_batch(unit, batch)
            if self._commit_delay_s:
                threading.Event().wait(self._commit_delay_s)
            self._raw.execute("COMMIT")
            self.commits += 1
        except BaseException as error:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            reason = Unavailable(f"the database could not store the change: {error}")
            reason.__cause__ = error
            for queued in batch:
                queued.failed = queued.failed or reason
            return []
        return unit.callbacks

    def _begin(self) -> None:
        """Begin, waiting for another program's lock as long as need be."""
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            self._raw.execute(f"PRAGMA busy_timeout={BUSY_WAIT_S * 1000:.0f}")
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            finally:
                self._raw.execute("PRAGMA busy_timeout=0")

    def _run_batch(self, unit: SqliteUnit, batch: Sequence[Queued]) -> None:
        index = 0
        while index < len(batch):
            queued = batch[index]
            if isinstance(queued, Work):
                self._guarded(unit, [queued], lambda q=queued: [q.work(unit)])  # type: ignore[misc]
                index += 1
                continue
            group = [queued]
            for other in batch[index + 1 :]:
                if not isinstance(other, Batched) or other.batcher is not queued.batcher:
                    break
                group.append(other)
            self._guarded(
                unit,
                group,
                lambda g=group: g[0].batcher.work(unit, [q.item for q in g]),  # type: ignore[misc]
            )
            index += len(group)

    def _guarded(
        self,
        unit: SqliteUnit,
        members: Sequence[Queued],
        work: Callable[[], Sequence[object]],
    ) -> None:
        """Run members behind a savepoint, so that their failure stays theirs."""
        kept = len(unit.callbacks)
        self._raw.execute("SAVEPOINT one")
        try:
            results = work()
            unit.settle()
        except Exception as error:
            unit.let_go()
            if not self._raw.in_transaction:
                raise
            self._raw.execute("ROLLBACK TO one")
            self._raw.execute("RELEASE one")
            del unit.callbacks[kept:]
            failure = _translated(error)
            for queued in members:
                queued.failed = failure
            return
        self._raw.execute("RELEASE one")
        for queued, result in zip(members, results, strict=True):
            queued.result, queued.failed = result, None

    def _checkpoint(self) -> None:
        """Move the log into the file, with nobody waiting on this batch."""
        self._checkpointed_at = self._raw.total_changes
        # why: a full disk fails it; the log keeps all that was committed, and a later turn tries
        # again. Raising here would end the writer, and with it every answer.
        with suppress(sqlite3.Error):
            self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _translated(error: Exception) -> Exception:
    """The engine's own trouble (busy, full, I/O) as Unavailable; the rest as it is."""
    if isinstance(error, sqlite3.OperationalError) and any(
        word in str(error) for word in ("locked", "busy", "full", "disk I/O", "unable to open")
    ):
        reason = Unavailable(f"the database could not store the change: {error}")
        reason.__cause__ = error
        return reason
    return error
