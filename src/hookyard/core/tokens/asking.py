"""Who asked for a token and what became of it: recorded once each, inside a quota."""

import asyncio
from collections import OrderedDict
from functools import partial
from math import ceil
from typing import TypeAlias

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.auth import AccessToken
from hookyard.core.audit.model import AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.tokens import store
from hookyard.core.tokens.model import Ask, Asked, Place, Purpose, Scope, Who
from hookyard.core.tokens.policy import Verdict
from hookyard.core.tokens.recording import scope_detail
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Limited
from hookyard.kit.ids import IdMaker

HOUR_MS = 3_600_000
REFUSAL_EVERY_MS = 60_000
REMEMBERED = 10_000

_Grip: TypeAlias = tuple[str, str, str]


class Asking:
    """Remembers who has got which mint, so that only the first time costs a write."""

    def __init__(self, database: Database, audit: Audit, ids: IdMaker, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._ids = ids
        self._clock = clock
        self._got: OrderedDict[_Grip, None] = OrderedDict()
        self._refused: OrderedDict[tuple[str, int, str, str], int] = OrderedDict()
        self._noting: dict[_Grip, asyncio.Task[None]] = {}

    def is_noted(self, who: Who, mint_id: str, campaign: str) -> bool:
        """Whether it is on record here that they got this mint."""
        return (who.label, mint_id, campaign) in self._got

    async def check_quota(self, who: Who, verdict: Verdict) -> None:
        """Limited when the rule's quota is used up; no token is minted for one who cannot get it.

        # why: `note` counts again under a lock; this look only spares the mint.
        """
        if verdict.mints_per_hour is not None:
            await self._database.read(partial(self._quota, who=who, verdict=verdict))

    async def note(
        self,
        who: Who,
        ask: Ask,
        place: Place,
        verdict: Verdict,
        token: AccessToken,
        *,
        minted: bool,
    ) -> None:
        """Put on record that they get this token, once. Limited when that exceeds their quota."""
        grip = (who.label, token.mint_id, ask.campaign)
        if grip in self._got:
            return
        task = self._noting.get(grip)
        if task is None:
            asked = self._asked(who, ask, place, verdict.scope, verdict.rule, verdict.reason)
            work = partial(self._take, asked=asked, verdict=verdict, token=token, minted=minted)
            task = asyncio.ensure_future(self._database.write(work))
            self._noting[grip] = task
            task.add_done_callback(lambda done: self._noted(grip, done))
        await asyncio.shield(task)

    async def refuse(self, who: Who, ask: Ask, place: Place, scope: Scope, reason: str) -> None:
        """Put a refusal on record and into the audit trail, each kind once a minute."""
        key = (who.label, place.installation_id, scope.key, reason[:200])
        now_ms = self._clock.now_ms()
        told = self._refused.pop(key, None)
        is_news = told is None or now_ms - told >= REFUSAL_EVERY_MS
        self._refused[key] = now_ms if is_news or told is None else told
        while len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        if not is_news:
            return
        asked = self._asked(who, ask, place, scope, "", reason, allowed=False)

        def work(unit: Unit) -> None:
            store.add_ask(unit, asked)
            self._tell(unit, asked, "tokens.mint", AuditOutcome.REFUSED, reason)

        await self._database.write(work)

    # --- inside ---

    def _asked(
        self,
        who: Who,
        ask: Ask,
        place: Place,
        scope: Scope,
        rule: str,
        reason: str,
        *,
        allowed: bool = True,
    ) -> Asked:
        now_ms = self._clock.now_ms()
        return Asked(
            id=self._ids.new(now_ms),
            at_ms=now_ms,
            who=who,
            installation_id=place.installation_id,
            account=place.account,
            scope=scope,
            asked=ask.scope,
            campaign=ask.campaign,
            allowed=allowed,
            rule=rule,
            reason=reason,
            mint_id="",
            granted=place.granted,
        )

    def _take(
        self, unit: Unit, asked: Asked, verdict: Verdict, token: AccessToken, *, minted: bool
    ) -> None:
        unit.lock(f"token-asks:{asked.who.label}")
        if store.has_got(unit, asked.who.label, token.mint_id, asked.campaign):
            return
        self._quota(unit, asked.who, verdict)
        store.add_ask(unit, asked, token.mint_id)
        if not minted:
            self._tell(unit, asked, "tokens.give", AuditOutcome.DONE, "", token.mint_id)

    def _quota(self, unit: Unit, who: Who, verdict: Verdict) -> None:
        if verdict.mints_per_hour is None:
            return
        now_ms = self._clock.now_ms()
        used, first_ms = store.got_since(unit, who.label, verdict.rule, now_ms - HOUR_MS)
        if used >= verdict.mints_per_hour:
            again_s = max(1, ceil((first_ms + HOUR_MS - now_ms) / 1000))
            raise Limited(
                f"the rule {verdict.rule} gives {verdict.mints_per_hour} tokens an hour to each "
                f"caller, and {used} were given",
                retry_after_s=again_s,
            )

    def _noted(self, grip: _Grip, task: asyncio.Task[None]) -> None:
        self._noting.pop(grip, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._got[grip] = None
        while len(self._got) > REMEMBERED:
            self._got.popitem(last=False)

    def _tell(
        self,
        unit: Unit,
        asked: Asked,
        action: str,
        outcome: AuditOutcome,
        reason: str,
        mint_id: str = "",
    ) -> None:
        detail = scope_detail(asked.scope)
        for name, text in (
            ("mint_id", mint_id),
            ("rule", asked.rule),
            ("campaign", asked.campaign),
        ):
            if text:
                detail[name] = text
        target = f"installation:{asked.installation_id}"
        entry = AuditEntry(
            asked.who.label, action, target, outcome, reason, detail, asked.who.tenant
        )
        self._audit.record(unit, entry, asked.at_ms)


def purpose_of(who: Who, ask: Ask, place: Place, verdict: Verdict) -> Purpose:
    """What a mint for them is recorded with."""
    return Purpose(who, place.account, verdict.rule, ask.campaign)
