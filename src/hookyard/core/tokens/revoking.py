"""Taking tokens back: no process gives them out again, and GitHub is asked to end them.

# why: whether GitHub ends the stateless tokens it makes since 2026 is not documented. So after
# GitHub said yes the token is tried once more; only when it is refused then was it revoked. What
# was learned is kept for each App and shape of token, and an answer never claims more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHub, GitHubError, GitHubLimited, GitHubRefused
from hookyard.core.audit.model import AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.tokens import cells, store, store_cache
from hookyard.core.tokens.apps import Apps
from hookyard.core.tokens.model import Mint, MintState
from hookyard.core.tokens.rules import shape_of
from hookyard.core.tokens.seals import Seals
from hookyard.core.tokens.shared import TAKEN_BACK
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import HookyardError, NotFound

log = structlog.get_logger("hookyard.tokens")

TRIES_S = (0.0, 1.0, 3.0)
LEARN_AGAIN_MS = 24 * 3_600_000
AT_ONCE = 200
EXPIRED = "it had expired before"
NOT_KEPT = "the token itself is not kept here any more; GitHub ends it at its expiry"
NOT_ENDED = "GitHub does not end tokens of this App before they expire"


@dataclass(frozen=True, slots=True)
class Revoked:
    """What became of one mint. `ended` is True when the token is dead for certain."""

    mint: Mint
    ended: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Ending:
    """What GitHub did, and what that teaches about the App's tokens (None: nothing)."""

    ended: bool
    reason: str = ""
    can_revoke: bool | None = None


class Revocations:
    """Revokes by mint, by actor and by campaign."""

    def __init__(
        self, database: Database, apps: Apps, seals: Seals, audit: Audit, clock: Clock
    ) -> None:
        self._database = database
        self._apps = apps
        self._seals = seals
        self._audit = audit
        self._clock = clock

    async def of_mint(self, tenant: str, mint_id: str, by: str) -> Revoked:
        """Take one mint back; a second time changes nothing. NotFound when there is none."""
        mint = await self._database.read(lambda unit: store.find_mint(unit, tenant, mint_id))
        if mint is None:
            raise NotFound("there is no such mint")
        return await self._take_back(mint, by)

    async def of_many(
        self, tenant: str, by: str, *, actor: str | None = None, campaign: str | None = None
    ) -> Sequence[Revoked]:
        """Take back every living mint that an actor ever got, or a campaign; 200 at once."""
        now_ms = self._clock.now_ms()
        found = await self._database.read(
            lambda unit: store.mints_page(
                unit, tenant, None, AT_ONCE, actor=actor, campaign=campaign, alive_at_ms=now_ms
            )
        )
        return [await self._take_back(mint, by) for mint in found]

    # --- inside ---

    async def _take_back(self, mint: Mint, by: str) -> Revoked:
        now_ms = self._clock.now_ms()
        if mint.state in (MintState.REVOKED, MintState.FAILED, MintState.LOST):
            return Revoked(mint, mint.state is not MintState.LOST, mint.reason or "it was before")
        if mint.expires_at_ms is not None and mint.expires_at_ms <= now_ms:
            return Revoked(mint, ended=True, reason=EXPIRED)
        cell = await self._database.write(lambda unit: self._withdraw(unit, mint))
        token = None if cell is None else await self._opened(mint, cell)
        ending = _Ending(ended=False, reason=NOT_KEPT)
        if token is not None:
            ending = await self._end(mint, token)
        return await self._database.write(lambda unit: self._kept(unit, mint, by, token, ending))

    def _withdraw(self, unit: Unit, mint: Mint) -> bytes | None:
        """From here on nobody is given this token; its sealed value."""
        store_cache.forget_mint(unit, mint.id)
        unit.after_commit(lambda: self._database.announce(TAKEN_BACK))
        return store_cache.cell_of(unit, mint.id)

    async def _opened(self, mint: Mint, cell: bytes) -> AccessToken | None:
        try:
            raw = await self._seals.unseal(cells.place_of(mint.id), cell)
            return cells.read(raw, mint.id).token
        except (HookyardError, msgspec.DecodeError) as error:
            log.warning("mint_unreadable", mint_id=mint.id, error=type(error).__name__)
            return None

    async def _end(self, mint: Mint, token: AccessToken) -> _Ending:
        app = next((app for app in self._apps.all if app.key == mint.app), None)
        if app is None:
            return _Ending(ended=False, reason="the App is not configured here any more")
        known = await self._database.read(
            lambda unit: store.revocability(unit, mint.app, shape_of(token.value))
        )
        can_revoke, learned_ms = known or (True, 0)
        if not can_revoke and self._clock.now_ms() - learned_ms < LEARN_AGAIN_MS:
            when = to_rfc3339(learned_ms)
            return _Ending(ended=False, reason=f"{NOT_ENDED} (tried at {when})")
        github = app.github.as_token(token.value)
        try:
            await github.call("DELETE", "/installation/token")
        except GitHubRefused as error:
            if error.status == 401:
                return _Ending(ended=True)
            if error.status in (404, 405, 410, 422, 501):
                return _Ending(ended=False, reason=NOT_ENDED, can_revoke=False)
            return _Ending(ended=False, reason=f"GitHub refused ({error.status})")
        except GitHubLimited:
            reason = "GitHub's rate limit holds the call back; try again later"
            return _Ending(ended=False, reason=reason)
        except GitHubError:
            return _Ending(ended=False, reason="GitHub could not be asked; try again")
        return await self._tried(github)

    async def _tried(self, github: GitHub) -> _Ending:
        """Use the token once more: what GitHub still takes is not revoked.

        # why: its replicas lag for some seconds, so one success proves nothing yet.
        """
        for wait_s in TRIES_S:
            await self._clock.sleep(wait_s)
            try:
                await github.call("GET", "/installation/repositories", query={"per_page": 1})
            except GitHubRefused as error:
                if error.status == 401:
                    return _Ending(ended=True, can_revoke=True)
                reason = f"GitHub answered {error.status} to the revoked token"
                return _Ending(ended=False, reason=reason)
            except GitHubError:
                reason = "GitHub said it ended the token; that could not be checked"
                return _Ending(ended=False, reason=reason)
        return _Ending(ended=False, reason=NOT_ENDED, can_revoke=False)

    def _kept(
        self, unit: Unit, mint: Mint, by: str, token: AccessToken | None, ending: _Ending
    ) -> Revoked:
        now_ms = self._clock.now_ms()
        state = MintState.REVOKED if ending.ended else MintState.KEPT
        store.end_mint(unit, mint.id, state, ending.reason, now_ms)
        if ending.can_revoke is not None and token is not None:
            shape = shape_of(token.value)
            store.learn(unit, mint.app, shape, now_ms, can_revoke=ending.can_revoke)
        if ending.ended:
            store_cache.drop_cell(unit, mint.id)
        outcome = AuditOutcome.DONE if ending.ended else AuditOutcome.FAILED
        detail = {"mint_id": mint.id, "token_sha256": mint.token_sha256}
        target = f"installation:{mint.installation_id}"
        entry = AuditEntry(by, "tokens.revoke", target, outcome, ending.reason, detail, mint.tenant)
        self._audit.record(unit, entry, now_ms)
        changed = replace(
            mint,
            state=state,
            reason=ending.reason,
            revoked_at_ms=now_ms if ending.ended else None,
        )
        return Revoked(changed, ending.ended, ending.reason)
