"""The record of a mint and its line in the audit trail, written together."""

from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.auth import AccessToken
from hookyard.core.audit.model import AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.tokens import store
from hookyard.core.tokens.model import Mint, MintState, Purpose, Scope
from hookyard.core.tokens.rules import fingerprint
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import Json


class MintRecord:
    """Writes mints inside the caller's unit. A token goes in as its SHA-256 only.

    `told` hears of every token that was minted, inside that unit.
    """

    def __init__(self, audit: Audit, ids: IdMaker) -> None:
        self._audit = audit
        self._ids = ids
        self.told: Callable[[Unit, Mint], None] | None = None

    def asked(
        self,
        unit: Unit,
        app: str,
        installation_id: int,
        scope: Scope,
        purpose: Purpose,
        now_ms: int,
    ) -> Mint:
        """A mint is about to be asked for. It is on record before GitHub hears of it, so that a
        process that dies meanwhile leaves a trace."""
        mint = Mint(
            id=self._ids.new(now_ms),
            tenant=purpose.who.tenant,
            state=MintState.ASKED,
            app=app,
            installation_id=installation_id,
            account=purpose.account,
            actor=purpose.who.label,
            rule=purpose.rule,
            scope=scope,
            campaign=purpose.campaign,
            asked_at_ms=now_ms,
        )
        store.add_mint(unit, mint)
        return mint

    def minted(self, unit: Unit, mint: Mint, token: AccessToken, now_ms: int) -> None:
        """GitHub gave a token."""
        made = Mint(
            id=mint.id,
            tenant=mint.tenant,
            state=MintState.MINTED,
            app=mint.app,
            installation_id=mint.installation_id,
            account=mint.account,
            actor=mint.actor,
            rule=mint.rule,
            scope=mint.scope,
            campaign=mint.campaign,
            asked_at_ms=mint.asked_at_ms,
            minted_at_ms=token.minted_at_ms,
            expires_at_ms=token.expires_at_ms,
            token_sha256=fingerprint(token.value),
            permissions=token.permissions,
            repositories=token.repositories,
        )
        store.save_minted(unit, made)
        if self.told is not None:
            self.told(unit, made)
        detail = scope_detail(mint.scope) | {
            "mint_id": mint.id,
            "app": mint.app,
            "token_sha256": made.token_sha256,
            "expires_at": to_rfc3339(token.expires_at_ms),
        }
        if mint.rule:
            detail["rule"] = mint.rule
        self._tell(unit, mint, AuditOutcome.DONE, "", detail, now_ms)

    def failed(self, unit: Unit, mint: Mint, reason: str, now_ms: int) -> None:
        """GitHub gave none."""
        store.end_mint(unit, mint.id, MintState.FAILED, reason, None)
        detail = scope_detail(mint.scope) | {"mint_id": mint.id}
        self._tell(unit, mint, AuditOutcome.FAILED, reason, detail, now_ms)

    def _tell(
        self,
        unit: Unit,
        mint: Mint,
        outcome: AuditOutcome,
        reason: str,
        detail: dict[str, Json],
        now_ms: int,
    ) -> None:
        target = f"installation:{mint.installation_id}"
        entry = AuditEntry(mint.actor, "tokens.mint", target, outcome, reason, detail, mint.tenant)
        self._audit.record(unit, entry, now_ms)


def scope_detail(scope: Scope) -> dict[str, Json]:
    """A scope as the audit trail and problems show it; null is everything there is."""
    return {
        "repositories": None if scope.repositories is None else list(scope.repositories),
        "permissions": None if scope.permissions is None else dict(scope.permissions),
    }
