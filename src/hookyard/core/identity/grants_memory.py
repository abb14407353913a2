"""What subjects hold, remembered for moments: who calls again costs no query."""

from collections import OrderedDict
from dataclasses import dataclass

from hookyard.adapters.database.port import Database
from hookyard.core.identity import store_grants
from hookyard.core.identity.grants_model import Subject
from hookyard.core.identity.model import Grant
from hookyard.kit.clock import Clock

CHANNEL = "grants"
MEMORY_MS = 5_000
MEMORY_SIZE = 4_096


@dataclass(frozen=True, slots=True)
class _Held:
    grants: tuple[Grant, ...]
    until_ms: int


class GrantMemory:
    """Answers what a subject holds. A change is heard at once in this process and soon in others;
    one that is missed shows after MEMORY_MS at the latest, as an expiry does on time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: OrderedDict[Subject, _Held] = OrderedDict()
        self._version = 0
        database.listen(CHANNEL, self.forget)

    async def grants_of(self, subject: Subject) -> tuple[Grant, ...]:
        """What the subject holds now; empty for one nobody gave anything."""
        now_ms = self._clock.now_ms()
        held = self._held.get(subject)
        if held is not None and now_ms < held.until_ms:
            return held.grants
        version = self._version
        kept = await self._database.peek(lambda u: store_grants.of_subject(u, subject, now_ms))
        ends = [k.expires_at_ms for k in kept if k.expires_at_ms is not None]
        held = _Held(tuple(k.grant for k in kept), min([now_ms + MEMORY_MS, *ends]))
        # why: a change that was committed while we read may have come too late for what was read.
        if version == self._version:
            self._held[subject] = held
            self._held.move_to_end(subject)
            while len(self._held) > MEMORY_SIZE:
                self._held.popitem(last=False)
        return held.grants

    def forget(self) -> None:
        """Ask the database again for everybody."""
        self._version += 1
        self._held.clear()

    def tell(self) -> None:
        """Grants changed: forget here, and say so to other processes. On the event loop."""
        self._database.announce(CHANNEL)
