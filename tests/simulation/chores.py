"""Handlers of the simulation: they take time, write under their lease, and end in every way."""

import asyncio
from collections.abc import Sequence

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Hold,
    JobContext,
    JobHandler,
    JobKind,
    KeyPolicy,
    Lane,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.core.publishing.model import (
    Annotation,
    CheckRunEffect,
    CommentEffect,
    Effect,
    IssueEffect,
)
from hookyard.core.publishing.service import Publisher
from hookyard.features.agents.answers import Answers
from hookyard.features.agents.model import AgentAnswer
from hookyard.kit.backoff import Backoff
from hookyard.kit.json import as_int, as_text
from tests.simulation.book import Book, Said
from tests.simulation.world import Process

SOON = Backoff(base_s=0.5, cap_s=4.0)
CHORES = (
    *(
        JobKind(f"sim.{policy.value}", policy=policy, max_attempts=5, timeout_s=12.0, backoff=SOON)
        for policy in KeyPolicy
    ),
    JobKind("sim.skip", max_attempts=5, timeout_s=12.0, backoff=SOON, skip_delayed=True),
    JobKind("sim.plain", lane=Lane.BULK, max_attempts=4, timeout_s=12.0, backoff=SOON),
    JobKind("sim.long", max_attempts=6, timeout_s=150.0, backoff=SOON),
)
PUBLISH = JobKind("sim.publish", lane=Lane.HIGH, max_attempts=8, backoff=SOON)
TICK = JobKind("sim.tick", max_attempts=8, backoff=SOON)
AGENT = JobKind(AGENT_TASK, lane=Lane.HIGH, max_attempts=12, backoff=SOON)
KINDS = (*CHORES, PUBLISH, TICK, AGENT)
MARK = RawSql.same("INSERT INTO marks (job_id, lease, what) VALUES ($1, $2, $3)")
SHA = "a" * 40


class Chore:
    """Does one of the kinds above, as the process draws."""

    def __init__(self, kind: JobKind, process: Process, book: Book) -> None:
        self.kind = kind
        self._process = process
        self._book = book

    async def __call__(self, ctx: JobContext) -> Outcome:
        random, job = self._process.random, ctx.job
        is_stubborn = random.random() < 0.15
        for _ in range(random.randint(0, 3)):
            try:
                await self._step(ctx)
            except asyncio.CancelledError:
                # why: a handler may go on for a while when it is told to end.
                if not is_stubborn:
                    raise
                is_stubborn = False
        said, outcome = self._end(ctx)
        self._book.said[job.id, job.lease] = said
        return outcome

    async def _step(self, ctx: JobContext) -> None:
        random, job = self._process.random, ctx.job
        longest_s = self._process.world.plan.lease_s * 0.8 if self.kind.name == "sim.long" else 3.0
        await ctx.clock.sleep(random.random() * longest_s)
        match random.randint(0, 3):
            case 0:
                await ctx.log("a step", lease=job.lease)
            case 1:
                await ctx.progress({"lease": job.lease})
            case 2:
                await ctx.write(lambda unit: mark(unit, job.id, job.lease, "write"))
            case _:
                await ctx.read(lambda unit: unit.fetch_raw(RawSql.same("SELECT 1")))

    def _end(self, ctx: JobContext) -> tuple[Said, Outcome]:
        random, job = self._process.random, ctx.job
        drawn = random.random() if self._process.world.faults.are_on else 0.0
        if job.payload.get("flaky") and random.random() < 0.9:
            return Said("retry"), Retry("it never works")
        if drawn < 0.35:
            return Said("done"), Done({"lease": job.lease})
        if drawn < 0.7:
            return Said("done", applies=True), Done(
                {"lease": job.lease}, lambda unit: mark(unit, job.id, job.lease, "apply")
            )
        if drawn < 0.82:
            return Said("retry"), Retry("again", random.choice((None, 0.0, 1.5)))
        if drawn < 0.92:
            until_ms = ctx.clock.now_ms() + random.randint(0, 4_000)
            return Said("hold"), Hold(WaitingFor("time", "the simulation", until_ms))
        if drawn < 0.96:
            return Said("fail", applies=True), Fail(
                "no", apply=lambda unit: mark(unit, job.id, job.lease, "apply")
            )
        self._book.said[job.id, job.lease] = Said("raise")
        raise RuntimeError("the simulated handler broke")


class Publish:
    """Asks for an effect; the payload says for which, and what it should say."""

    kind = PUBLISH

    def __init__(self, publisher: Publisher, process: Process, book: Book) -> None:
        self._publisher = publisher
        self._process = process
        self._book = book

    async def __call__(self, ctx: JobContext) -> Outcome:
        job = ctx.job
        await ctx.clock.sleep(self._process.random.random())
        effect = effect_of(as_text(job.payload.get("what")), as_int(job.payload.get("n")) or 0)
        self._book.said[job.id, job.lease] = Said("done")

        def apply(unit: Unit) -> None:
            self._publisher.request(unit, effect)

        return Done({"lease": job.lease}, apply)


class Tick:
    """What the calendar asks for."""

    kind = TICK

    async def __call__(self, ctx: JobContext) -> Outcome:
        return Done()


class Agent:
    """Answers commands as a real agent's answer is put on GitHub."""

    kind = AGENT

    def __init__(self, publisher: Publisher, process: Process, book: Book) -> None:
        self._answers = Answers(publisher)
        self._process = process
        self._book = book

    async def __call__(self, ctx: JobContext) -> Outcome:
        job = ctx.job
        await ctx.clock.sleep(self._process.random.random() * 4)
        text = as_text(job.payload.get("text"))
        self._book.said[job.id, job.lease] = Said("done")
        return self._answers.done(job, AgentAnswer("did it", f"Answer: {text}", None))


def chores(publisher: Publisher, process: Process, book: Book) -> Sequence[JobHandler]:
    """A handler for each of `KINDS`."""
    return (
        *(Chore(kind, process, book) for kind in CHORES),
        Publish(publisher, process, book),
        Tick(),
        Agent(publisher, process, book),
    )


def effect_of(what: str, n: int) -> Effect:
    """The n-th wish for a comment, check run or issue; wishes of one name take turns there."""
    match what:
        case "comment":
            return CommentEffect("acme/shop", 7, "news", f"version {n}")
        case "check":
            notes = tuple(
                Annotation("a.py", line, line, "notice", f"note {line}")
                for line in range(1, 1 + (n % 3) * 30)
            )
            done = None if n % 4 == 0 else "success"
            return CheckRunEffect(
                "acme/shop", SHA, "lint", f"version {n}", "s", conclusion=done, annotations=notes
            )
        case _:
            return IssueEffect("acme/shop", "plan", "A plan", f"version {n}")


def mark(unit: Unit, job_id: str, lease: int, what: str) -> None:
    """A write of the attempt's own."""
    unit.run_raw(MARK, job_id, lease, what)
