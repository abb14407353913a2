"""One attempt to make GitHub show an effect's newest desired state.

Look at GitHub if an earlier call may have been applied unseen; then, for each write: one
transaction that takes it from the budget and records the intent, the call, one transaction that
records the answer. A crash between any two of them is healed by the next attempt's look.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import (
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubUnclear,
)
from hookyard.core.jobs.model import Done, Fail, Hold, JobContext, Outcome, Retry, WaitingFor
from hookyard.core.publishing import rules, store
from hookyard.core.publishing.budget import BudgetLimits, Wait
from hookyard.core.publishing.ledger import WriteLedger
from hookyard.core.publishing.look import Looker
from hookyard.core.publishing.model import AppIdentity
from hookyard.core.publishing.port import GitHubCalls
from hookyard.core.publishing.rows import EffectRow, IntentKind
from hookyard.core.tokens.model import InstallationUnavailable
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import Json

Change: TypeAlias = Callable[[EffectRow], EffectRow]

# why: a process that was stopped between its intent and its call may have lost the lease to one
# that looked and wrote; the next plan, under the lease again, tells. With the ten seconds GitHub
# may take, a call that is not stale has been applied, or never will be, once `settle_s` is over.
STALE_PLAN_S = 2.0


@dataclass(frozen=True, slots=True)
class LandingOptions:
    """How effects land. `look_on_first` looks even when no intent is known: for a database that
    was lost or restored from a backup. Durations are seconds; `settle_s` is how long GitHub may
    work on a call whose answer we never saw.

    # spec: docs.github.com, REST API: a request that takes more than 10 seconds is terminated.
    """

    limits: BudgetLimits = field(default_factory=BudgetLimits)
    look_on_first: bool = False
    unclear_wait_s: float = 5.0
    settle_s: float = 12.0


@dataclass(frozen=True, slots=True)
class LandingParts:
    """What every attempt shares."""

    github: GitHubCalls
    ledger: WriteLedger
    looker: Looker
    options: LandingOptions

    @classmethod
    def of(cls, github: GitHubCalls, app: AppIdentity, options: LandingOptions) -> "LandingParts":
        """The parts around one App's client."""
        ledger = WriteLedger(app.app_id, options.limits)
        return cls(github, ledger, Looker(github, app), options)


class Landing:
    """The attempt under way. `row` is the effect as last read; `call` the write in flight."""

    def __init__(
        self, parts: LandingParts, ctx: JobContext, row: EffectRow, installation_id: int | None
    ) -> None:
        self._parts = parts
        self._ctx = ctx
        self._row = row
        self._installation_id = installation_id or 0
        self._call: rules.Call | None = None

    async def run(self) -> Outcome:
        """Land the newest generation. Raises the GitHub port's errors."""
        settle_ms = round(self._parts.options.settle_s * 1000)
        until_ms = rules.under_way_until_ms(self._row, self._ctx.clock.now_ms(), settle_ms)
        if until_ms is not None:
            return Hold(WaitingFor("time", "last call, which GitHub may still apply", until_ms))
        if rules.must_look(self._row, look_on_first=self._parts.options.look_on_first):
            await self._look()
        made_anew = False
        while True:
            planned_at = self._ctx.clock.monotonic()
            step = await self._ctx.write(self._plan)
            if isinstance(step, Wait):
                return Hold(WaitingFor("limit", self._holder(step.limit), step.until_ms))
            self._row, self._call = step
            if self._call is None:
                return Done(summary(self._row))
            if self._ctx.clock.monotonic() - planned_at > STALE_PLAN_S:
                continue
            try:
                answer = await self._send(self._call)
            except GitHubMissing as missing:
                if made_anew or missing.status != 404 or self._call.kind is IntentKind.CREATE:
                    raise
                made_anew = True
                await self._change(rules.gone)
                continue
            settled = partial(self._settle, self._row, self._call, answer)
            if rules.completes(self._row, self._call, answer):
                shown = rules.answered(self._row, self._row, self._call, answer, 0)
                return Done(summary(shown), apply=settled)
            await self._ctx.write(settled)

    async def limited(self, limit: GitHubLimited) -> Hold:
        """Hold until GitHub's own instant, and let everybody else learn from it."""
        holder = self._holder(f"{limit.kind} rate limit")
        await self._ctx.write(partial(self._learn, limit))
        return Hold(WaitingFor("limit", holder, limit.until_ms))

    def refused(self, refusal: GitHubRefused) -> Fail:
        """The end, with GitHub's reason; a permission that is missing is named."""
        code, reason = explain(self._row, refusal)
        return self.dead(code, reason, undone=self._call is not None)

    def unclear(self, reason: str, after_s: float) -> Outcome:
        """Another attempt that looks first, or the end when this was the last one."""
        return self._given_up(reason) or Retry(reason, after_s)

    def failed(self, reason: str) -> Outcome:
        """GitHub is in trouble: Unavailable tells the breaker, unless this was the last attempt."""
        outcome = self._given_up(reason)
        if outcome is None:
            raise Unavailable(reason)
        return outcome

    def _given_up(self, reason: str) -> Fail | None:
        job = self._ctx.job
        if job.attempt < job.max_attempts:
            return None
        said = f"gave up after {job.attempt} attempts: {reason}"
        return self.dead("github_unavailable", said, undone=False)

    def dead(self, code: str, reason: str, *, undone: bool) -> Fail:
        """The end; the effect says why. `undone`: the write in flight was surely not applied."""

        def apply(unit: Unit) -> None:
            row, given_up = store.locked(unit, self._row), self._row.generation
            store.save(unit, rules.dead(row, given_up, f"{code}: {reason}", undone=undone))

        return Fail(reason, code, apply=apply)

    async def _look(self) -> None:
        """Bring the row up to what GitHub shows."""
        row, looker = self._row, self._parts.looker
        if row.intent is not None and row.intent.kind is IntentKind.EDIT:
            seen = await looker.counted(row, self._installation_id)
            await self._change(rules.gone if seen is None else partial(rules.counted, seen=seen))
            return
        seen = await looker.made(row, self._installation_id)
        if seen is not None:
            await self._ctx.log("found at GitHub what was made before", url=seen.url)
            await self._change(partial(rules.found, seen=seen))

    async def _send(self, call: rules.Call) -> Json:
        answer = await self._parts.github.call(
            call.method, call.path, installation_id=self._installation_id, body=call.body
        )
        if call.kind is IntentKind.CREATE and not rules.names_it(self._row, answer.data):
            raise GitHubUnclear("GitHub took the request, but its answer names nothing")
        return answer.data

    def _plan(self, unit: Unit) -> tuple[EffectRow, rules.Call | None] | Wait:
        """The next write of the newest generation, its intent recorded; or why there is none."""
        row = store.locked(unit, self._row)
        now_ms = self._ctx.clock.now_ms()
        call = rules.next_call(row)
        if call is None:
            row = replace(rules.landed(row, row.generation, now_ms), intent=None)
            store.save(unit, row)
            return row, None
        wait = self._parts.ledger.take(unit, self._installation_id, row, now_ms)
        if wait is not None:
            return wait
        row = rules.intend(row, call, now_ms)
        store.save(unit, row)
        return row, call

    def _settle(self, sent: EffectRow, call: rules.Call, answer: Json, unit: Unit) -> None:
        now_ms = self._ctx.clock.now_ms()
        store.save(unit, rules.answered(store.locked(unit, self._row), sent, call, answer, now_ms))

    def _learn(self, limit: GitHubLimited, unit: Unit) -> None:
        row = store.locked(unit, self._row)
        if self._call is not None:
            row = replace(row, intent=None)
        store.save(unit, row)
        now_ms = self._ctx.clock.now_ms()
        self._parts.ledger.learn(
            unit, self._installation_id, row, limit.kind, limit.until_ms, now_ms
        )

    async def _change(self, change: Change) -> None:
        def work(unit: Unit) -> EffectRow:
            row = change(store.locked(unit, self._row))
            store.save(unit, row)
            return row

        self._row = await self._ctx.write(work)

    def _holder(self, limit: str) -> str:
        return f"github {limit} (installation {self._installation_id})"


def summary(row: EffectRow) -> Json:
    """The result of a landing job."""
    return {"effect": row.key, "url": row.url, "generation": row.generation}


def explain(row: EffectRow, refusal: GitHubRefused) -> tuple[str, str]:
    """A stable code and a sentence for what GitHub refused."""
    if isinstance(refusal, InstallationUnavailable):
        return "no_installation", f"the installation is {refusal.reason}: {refusal}"
    if refusal.status == 403 and "not accessible by integration" in refusal.message.lower():
        needed = rules.needed_permission(row)
        return "missing_permission", f"{refusal}; the App needs the permission {needed}"
    codes = {401: "unauthorized", 403: "forbidden", 404: "missing", 410: "missing"}
    return codes.get(refusal.status, "refused"), str(refusal)
