"""The job that sends a subscription's changes, in order, for as long as there are any.

There is one at a time: its id stands at the subscription, and who is not named there stops. The
place in the feed moves under the attempt's lease after a change has arrived, so a crash repeats at
most what was sent since, and skips nothing. A change that does not arrive is tried again by the
ledger's backoff and holds back those after it; after the last attempt it is set aside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hookyard.adapters.database.port import SqlValue, Unit
from hookyard.core.jobs.model import Done, JobContext, JobKind, Outcome, Retry
from hookyard.features.records import store_changes
from hookyard.features.records.feed import Feed, wire
from hookyard.features.records.feeding import store_subscriptions
from hookyard.features.records.feeding.model import (
    WEBHOOK,
    Subscription,
    SubscriptionState,
    Undelivered,
)
from hookyard.features.records.feeding.rules import ASIDE_IN_A_ROW, Failure
from hookyard.features.records.feeding.sending import Sender, Sent, seq_of
from hookyard.features.records.rules import bits
from hookyard.features.records.store_changes import FeedHead, Numbered
from hookyard.kit.backoff import Backoff
from hookyard.kit.errors import HookyardError
from hookyard.kit.json import as_text

# why: twelve attempts under this backoff last three hours at most, in the mean half as long.
KIND = JobKind(
    "records.send",
    max_attempts=12,
    timeout_s=600.0,
    log_file=False,
    backoff=Backoff(base_s=5.0, cap_s=3_600.0, floor_s=1.0),
)
AT_ONCE = 10
TO_SINK_AT_ONCE = 200
TURN_S = 30.0
MAX_REASON = 200


class Superseded(Exception):
    """Another job sends for this subscription now, or none is to."""


@dataclass(slots=True)
class _Stretch:
    """What comes next: changes after `before`; `end` is where a replay ends, else None."""

    subscription: Subscription
    before: int
    end: int | None
    head: FeedHead
    found: list[Numbered]

    @property
    def last(self) -> int:
        return self.found[-1].seq if self.found else self.before


class SendChanges:
    """Handler of `records.send`; the payload is `{"tenant": …, "subscription": …}`. `told` is
    called after a commit that leaves something to do for another job."""

    kind = KIND

    def __init__(self, feed: Feed, sender: Sender, told: Callable[[], None]) -> None:
        self._feed = feed
        self._sender = sender
        self._told = told

    async def __call__(self, ctx: JobContext) -> Outcome:
        until = ctx.clock.monotonic() + TURN_S
        moved = False
        try:
            while ctx.clock.monotonic() < until:
                stretch = await self._next(ctx)
                if stretch is None:
                    break
                sent = await self._send(stretch)
                moved = moved or sent.last > stretch.before
                await ctx.write(partial(_moved, ctx, stretch, sent))
                if sent.failure is not None:
                    return await self._failed(ctx, sent, sent.failure, moved=moved)
        except Superseded:
            return Done({"superseded": True})
        return self._over(ctx)

    async def _next(self, ctx: JobContext) -> _Stretch | None:
        """The changes to send now, None when there are none."""
        tenant, of = (as_text(ctx.job.payload.get(name)) for name in ("tenant", "subscription"))

        def work(unit: Unit) -> _Stretch:
            unit.confine(tenant)
            found = store_subscriptions.get(unit, tenant, of)
            if found is None or found.job_id != ctx.job.id or not found.is_active:
                raise Superseded
            head = store_changes.head(unit, tenant)
            before, end = found.acked, None
            if found.replay_next is not None:
                before, end = found.replay_next - 1, found.replay_to
            before = max(before, head.purged)
            limit = AT_ONCE if found.sink == WEBHOOK else TO_SINK_AT_ONCE
            changes = store_changes.after(unit, tenant, before, limit)
            if end is not None:
                changes = [one for one in changes if one.seq <= end]
            return _Stretch(found, before, end, head, changes)

        stretch = await ctx.read(work)
        return stretch if stretch.found or stretch.end is not None else None

    async def _send(self, stretch: _Stretch) -> Sent:
        subscription = stretch.subscription
        roles = bits([subscription.role])
        try:
            readable = await self._feed.admit_roles(roles, frozenset(subscription.entities))
        except HookyardError as error:
            return Sent(stretch.before, Failure(error.detail, pauses=True))
        told = [
            one for change in stretch.found if (one := wire(change, readable, roles)) is not None
        ]
        sent = await self._sender.send(subscription, stretch.before, told)
        if sent.failure is None:
            return Sent(stretch.last)
        return Sent(_before_next(stretch, told, sent.last), sent.failure)

    async def _failed(
        self, ctx: JobContext, sent: Sent, failure: Failure, *, moved: bool
    ) -> Outcome:
        """What follows a change that did not arrive; it is the one after `sent.last`."""
        reason = failure.reason[:MAX_REASON]
        if failure.pauses:
            await ctx.write(partial(_paused, ctx, reason))
            return Done({"paused": reason})
        is_last = ctx.job.attempt >= ctx.job.max_attempts
        if failure.hopeless or (is_last and not moved):
            await ctx.write(partial(_set_aside, ctx, sent.last + 1, reason))
            return self._over(ctx)
        if moved:
            # why: its attempts are counted for the change that did not arrive, from now on.
            return self._over(ctx)
        await ctx.write(lambda unit: _change(unit, ctx, {"last_error": reason}))
        return Retry(reason, failure.after_s, code="not_delivered")

    def _over(self, ctx: JobContext) -> Done:
        """Let the subscription go; if it has more to send, somebody will see it."""

        def let_go(unit: Unit) -> None:
            try:
                _change(unit, ctx, {"job_id": None})
            except Superseded:
                return
            unit.after_commit(self._told)

        return Done(apply=let_go)


def _before_next(stretch: _Stretch, told: list[dict[str, object]], last: int) -> int:
    """The number before the change that did not arrive: those between are not for this reader."""
    waiting = [seq_of(one) for one in told if seq_of(one) > last]
    return waiting[0] - 1 if waiting else stretch.last


def _mine(unit: Unit, ctx: JobContext) -> Subscription:
    """The subscription, locked; Superseded when this job does not send for it any more."""
    tenant, of = (as_text(ctx.job.payload.get(name)) for name in ("tenant", "subscription"))
    found = store_subscriptions.get(unit, tenant, of, lock=True)
    if found is None or found.job_id != ctx.job.id:
        raise Superseded
    return found


def _change(unit: Unit, ctx: JobContext, values: dict[str, SqlValue]) -> None:
    found = _mine(unit, ctx)
    store_subscriptions.change(unit, found.tenant, found.id, values)


def _moved(ctx: JobContext, stretch: _Stretch, sent: Sent, unit: Unit) -> None:
    """Note how far it came."""
    found = _mine(unit, ctx)
    values: dict[str, SqlValue] = {}
    if sent.last > stretch.before:
        values |= {"sent_at_ms": ctx.clock.now_ms(), "in_a_row": 0, "last_error": ""}
        store_subscriptions.sent_after_all(
            unit, found.tenant, found.id, stretch.before + 1, sent.last
        )
    values |= _place(found, stretch.end, sent.last, over=sent.failure is None and not stretch.found)
    store_subscriptions.change(unit, found.tenant, found.id, values)


def _place(found: Subscription, end: int | None, last: int, *, over: bool) -> dict[str, SqlValue]:
    """The columns of a place in the feed: of the replay while there is one, else its own."""
    if end is None:
        return {"acked": max(found.acked, last)}
    if over or last >= end:
        return {"replay_next": None, "replay_to": None}
    return {"replay_next": last + 1}


def _set_aside(ctx: JobContext, seq: int, reason: str, unit: Unit) -> None:
    """Give a change up and go on with the next; pause when that happens again and again."""
    found = _mine(unit, ctx)
    gone = Undelivered(seq, reason, ctx.job.attempt, ctx.clock.now_ms())
    store_subscriptions.put_aside(unit, found.tenant, found.id, gone)
    end = found.replay_to if found.replay_next is not None else None
    values: dict[str, SqlValue] = {"in_a_row": found.in_a_row + 1, "last_error": reason}
    values |= _place(found, end, seq, over=False)
    if found.in_a_row + 1 >= ASIDE_IN_A_ROW:
        values |= {
            "state": SubscriptionState.PAUSED.value,
            "reason": f"{found.in_a_row + 1} changes in a row did not arrive: {reason}",
        }
    store_subscriptions.change(unit, found.tenant, found.id, values)


def _paused(ctx: JobContext, reason: str, unit: Unit) -> None:
    values: dict[str, SqlValue] = {
        "state": SubscriptionState.PAUSED.value, "reason": reason, "last_error": reason,
        "job_id": None,
    }  # fmt: skip
    _change(unit, ctx, values)
