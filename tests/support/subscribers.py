"""Subscriptions worked one job at a time, and a subscriber that answers as it is told."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.http.port import Answer, Ask, OutboundError
from hookyard.adapters.queues.changes import ChangeSink
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.bootstrap.recording import Records
from hookyard.core.audit.service import Audit
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import TERMINAL, ClaimRequest, Job, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.core.sealing.service import Sealer
from hookyard.features.records.feeding.jobs import SendChanges
from hookyard.features.records.feeding.pump import CHECK_EVERY_S, Pump
from hookyard.features.records.feeding.sending import Sender
from hookyard.features.records.feeding.subscriptions import SubscriptionParts, Subscriptions
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

T = TypeVar("T")
LEASE_S = 60.0


class Crash(Exception):
    """The process dies here: nothing after this point happens."""


class DyingRun(Run):
    """An attempt whose process dies instead of its n-th write."""

    dies_at: int | None = None
    writes = 0

    async def write(self, work: Callable[[Unit], T]) -> T:
        self.writes += 1
        if self.writes == self.dies_at:
            raise Crash
        return await super().write(work)


@dataclass
class Subscriber:
    """Every address at once: keeps what it is sent, and answers what `answers` says next."""

    asks: list[Ask] = field(default_factory=list)
    answers: list[Answer | OutboundError] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    refusal: OutboundError | None = None

    async def check(self, url: str) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def send(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        answer = self.answers.pop(0) if self.answers else Answer(204, {}, b"")
        if isinstance(answer, OutboundError):
            raise answer
        return answer

    @property
    def seqs(self) -> list[int]:
        """The numbers of all that was sent, in order."""
        return [json.loads(ask.content or b"")["data"]["seq"] for ask in self.asks]


def answer(status: int, **headers: str) -> Answer:
    """An answer without a body."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


class Stage:
    """The whole way of a change to a subscriber, but for the network."""

    def __init__(
        self,
        database: Database,
        records: Records,
        clock: ManualClock,
        ids: IdMaker,
        folder: Path,
        sinks: Mapping[str, ChangeSink] | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.web = Subscriber()
        self.sealer = Sealer(database, KeyFile(folder / "sealing.key"), clock, ids)
        self.ledger = Ledger(clock, ids, [SendChanges.kind], Random(1), lambda: None)
        sinks = sinks or {}
        records.gateway.desks["_subscriptions"] = Subscriptions(
            SubscriptionParts(
                database, records.feed, Audit(ids), self.sealer, self.web, tuple(sinks), ids,
                clock, Random(2).randbytes,
            )
        )  # fmt: skip
        sender = Sender(self.web, self.sealer, sinks, clock)
        self.handler = SendChanges(records.feed, sender, lambda: None)
        self.pump = Pump(database, self.ledger, self._is_over, clock)
        self.outcomes: list[Outcome] = []

    def _is_over(self, unit: Unit, job_id: str) -> bool:
        return self.ledger.get(unit, job_id).state in TERMINAL

    async def claim(self) -> Job | None:
        """A ready job, taken."""
        request = ClaimRequest("boot/worker", 1, {}, {}, LEASE_S)
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        return claimed.jobs[0] if claimed.jobs else None

    async def work(self, *, dies_at: int | None = None, dies_at_end: bool = False) -> bool:
        """Make the jobs that are missing and run one attempt; whether there was one."""
        await self.pump.turn()
        job = await self.claim()
        if job is None:
            return False
        await self.attempt(job, dies_at=dies_at, dies_at_end=dies_at_end)
        return True

    async def attempt(
        self, job: Job, *, dies_at: int | None = None, dies_at_end: bool = False
    ) -> None:
        """One attempt of a claimed job; it may die on the way."""
        run = DyingRun(job, self.database, self.ledger, None)
        run.dies_at = dies_at
        try:
            outcome = await self.handler(run)
        except Crash:
            dies_at_end = True
        if dies_at_end:
            self.clock.advance(LEASE_S + 1)
            await self.database.write(self.ledger.sweep_expired)
            return
        self.outcomes.append(outcome)
        await self.database.write(lambda unit: self.ledger.finish(unit, job, outcome))

    async def settle(self, seconds: float = 0.0) -> int:
        """Work until nothing is ready, moving on as far as `seconds`; how many attempts ran."""
        ran, until = 0, self.clock.now_ms() + seconds * 1000
        while True:
            while await self.work():
                ran += 1
            if self.clock.now_ms() >= until:
                return ran
            self.clock.advance(max(1.0, seconds / 200))


def whole(seqs: Sequence[int]) -> list[int]:
    """The numbers once each, in order."""
    return sorted(set(seqs))


CHECK_S = CHECK_EVERY_S + 1
