"""The job that lands a message: looks for it where an earlier attempt may have posted it.

A message is known again by its key, which the service shows to those who may look. Where we may
not look, an attempt whose answer was lost is repeated: then it may stand there twice, and the
job's log says so.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.adapters.messaging.port import (
    Messages,
    MessagingFailed,
    MessagingLimited,
    MessagingRefused,
    MessagingUnclear,
    Posted,
)
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Hold,
    JobContext,
    JobKind,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.core.publishing import rules, store
from hookyard.core.publishing.landing import summary
from hookyard.core.publishing.model import EffectState, MessageEffect
from hookyard.core.publishing.rows import EffectRow, Intent, IntentKind
from hookyard.core.publishing.service import LAND_MESSAGE
from hookyard.kit.backoff import Backoff
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import as_text

Change: TypeAlias = Callable[[EffectRow], EffectRow]
SETTLE_MS = 15_000
UNCLEAR_WAIT_S = 5.0
# why: these words say that the message we would edit cannot be edited any more.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class LandMessage:
    """Handler of `message.land`; the payload is `{"effect_id": …}`."""

    kind = JobKind(
        name=LAND_MESSAGE,
        max_attempts=30,
        timeout_s=120.0,
        needs=("slack",),
        log_file=False,
        backoff=Backoff(base_s=2.0, cap_s=600.0, floor_s=1.0),
    )

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def __call__(self, ctx: JobContext) -> Outcome:
        effect_id = as_text(ctx.job.payload.get("effect_id"))
        row = await ctx.read(partial(store.by_id, effect_id=effect_id))
        if row is None or not isinstance(row.effect, MessageEffect):
            return Fail(f"there is no message {effect_id!r}", code="no_effect")
        if row.state is EffectState.LANDED:
            return Done(summary(row))
        until_ms = rules.under_way_until_ms(row, ctx.clock.now_ms(), SETTLE_MS)
        if until_ms is not None:
            return Hold(WaitingFor("time", "last call, which Slack may still apply", until_ms))
        return await _Landing(self._messages, ctx, row).run()


class _Landing:
    """The attempt under way. `row` is the effect as last read."""

    def __init__(self, messages: Messages, ctx: JobContext, row: EffectRow) -> None:
        self._messages = messages
        self._ctx = ctx
        self._row = row
        self._tried = False

    async def run(self) -> Outcome:
        """Land the newest words."""
        try:
            if self._row.intent is not None and self._row.external_id is None:
                await self._look()
            return await self._write()
        except MessagingLimited as limit:
            await self._undo()
            return Hold(WaitingFor("limit", "slack rate limit", limit.until_ms))
        except MessagingRefused as refused:
            return self._dead(refused.code, str(refused), undone=True)
        except MessagingFailed as failed:
            await self._undo()
            if self._is_last():
                return self._dead("slack_unavailable", str(failed), undone=self._tried)
            raise Unavailable(str(failed)) from None
        except MessagingUnclear as unclear:
            if self._is_last():
                return self._dead("slack_unavailable", str(unclear), undone=False)
            return Retry(str(unclear), UNCLEAR_WAIT_S)

    async def _undo(self) -> None:
        """The write of this attempt was surely not applied; a look that failed proves nothing."""
        if self._tried:
            await self._change(_undone)

    async def _look(self) -> None:
        """Whether an attempt without an answer posted it after all."""
        row, effect = self._row, _message(self._row)
        since_ms = row.intent.at_ms if row.intent is not None else 0
        try:
            found = await self._messages.find(effect.target, row.key, since_ms)
        except MessagingRefused as refused:
            await self._ctx.log(
                "may not look whether it was posted before; it may stand twice", code=refused.code
            )
            return
        if found is not None:
            await self._ctx.log("found what was posted before")
            await self._change(partial(_found, posted=found))

    async def _write(self) -> Outcome:
        made_anew = False
        while True:
            row = await self._intend()
            if row is None:
                return Done(summary(self._row))
            effect, self._tried = _message(row), True
            try:
                if row.external_id is None:
                    posted = await self._messages.post(effect.target, effect.text, row.key)
                else:
                    there = Posted.of(row.external_id)
                    posted = await self._messages.edit(there, effect.text, row.key)
            except MessagingRefused as refused:
                if made_anew or row.external_id is None or refused.code not in _GONE:
                    raise
                made_anew = True
                await self._change(rules.gone)
                continue
            shown = replace(row, external_id=str(posted))
            return Done(summary(shown), apply=partial(self._settle, row, posted))

    async def _intend(self) -> EffectRow | None:
        """The row with its intent committed; None when the newest words stand already."""

        def plan(unit: Unit) -> EffectRow | None:
            row, now_ms = store.locked(unit, self._row), self._ctx.clock.now_ms()
            if row.external_id is not None and row.landed_hash == row.desired_hash:
                landed = replace(rules.landed(row, row.generation, now_ms), intent=None)
                store.save(unit, landed)
                self._row = landed
                return None
            kind = IntentKind.CREATE if row.external_id is None else IntentKind.EDIT
            first_ms = now_ms if row.intent is None else min(now_ms, row.intent.at_ms)
            intent = Intent(row.generation, first_ms, kind, row.desired_hash, sent_at_ms=now_ms)
            row = replace(row, intent=intent)
            store.save(unit, row)
            return row

        row = await self._ctx.write(plan)
        self._row = row or self._row
        return row

    def _settle(self, sent: EffectRow, posted: Posted, unit: Unit) -> None:
        row = replace(
            store.locked(unit, self._row),
            intent=None,
            external_id=str(posted),
            landed_hash=sent.desired_hash,
        )
        store.save(unit, rules.landed(row, sent.generation, self._ctx.clock.now_ms()))

    def _dead(self, code: str, reason: str, *, undone: bool) -> Fail:
        def apply(unit: Unit) -> None:
            row, given_up = store.locked(unit, self._row), self._row.generation
            store.save(unit, rules.dead(row, given_up, f"{code}: {reason}", undone=undone))

        return Fail(reason, code, apply=apply)

    def _is_last(self) -> bool:
        return self._ctx.job.attempt >= self._ctx.job.max_attempts

    async def _change(self, change: Change) -> None:
        def work(unit: Unit) -> EffectRow:
            row = change(store.locked(unit, self._row))
            store.save(unit, row)
            return row

        self._row = await self._ctx.write(work)


def _message(row: EffectRow) -> MessageEffect:
    if not isinstance(row.effect, MessageEffect):
        raise TypeError(f"{row.key} is no message")
    return row.effect


def _undone(row: EffectRow) -> EffectRow:
    return replace(row, intent=None)


def _found(row: EffectRow, posted: Posted) -> EffectRow:
    """The message an unanswered call posted; it shows the words that call carried."""
    shows = None if row.intent is None else row.intent.hash
    return replace(row, intent=None, external_id=str(posted), landed_hash=shows)
