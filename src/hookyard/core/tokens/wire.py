"""Tokens, mints and explanations as they look on the wire."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookyard.core.tokens.desk import Explained, Given, facts_of
from hookyard.core.tokens.model import Ask, Mint, Scope, scope_of
from hookyard.core.tokens.revoking import Revoked
from hookyard.core.tokens.simulation import Simulated
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Invalid

LONGEST_TTL_S = 3_300
NAME = r"^(?:[A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9._-]{1,100}$"
RepositoryWord = Annotated[str, Field(pattern=NAME)]
PermissionWord = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Level = Literal["read", "write", "admin"]
AppName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
Campaign = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{0,64}$")]
Account = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[int, Field(ge=1, le=2**53)]
Label = Annotated[str, Field(pattern=r"^[a-z_]{1,20}:[!-~]{1,200}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScopeIn(_Body):
    """What a token is narrowed to; what is left out is everything the caller may have.

    `min_ttl` is how many seconds it must still live, `app` the name or id of one of several Apps,
    `campaign` what it is for.
    """

    repositories: Annotated[list[RepositoryWord], Field(min_length=1, max_length=500)] | None = None
    permissions: (
        Annotated[dict[PermissionWord, Level], Field(min_length=1, max_length=100)] | None
    ) = None
    min_ttl: Annotated[int, Field(ge=0, le=LONGEST_TTL_S, strict=True)] = 0
    app: AppName = ""
    campaign: Campaign = ""


class WhoIn(_Body):
    """A caller in the words of the mint policy."""

    kind: Literal["admin_key", "api_key", "service", "user", "workload"]
    id: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    claims: Annotated[dict[str, Annotated[str, Field(max_length=500)]], Field(max_length=64)] = (
        Field(default_factory=dict)
    )


class ExplainIn(ScopeIn):
    """A request to be explained: by installation or by account; for the caller, or for `who`."""

    installation_id: Number | None = None
    account: Account | None = None
    who: WhoIn | None = None


class SimulateIn(_Body):
    """A policy (YAML) to try on the requests of the last `days`."""

    policy: Annotated[str, Field(max_length=65_536)]
    days: Annotated[int, Field(ge=1, le=365)] = 7


class RevokeIn(_Body):
    """Whose tokens to take back: those an actor (`kind:id`) ever got, or a campaign."""

    actor: Label | None = None
    campaign: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None


@dataclass(frozen=True, slots=True)
class TokenOut:
    """A token. `repositories` null is every one of the installation; `cached` says that it was
    not minted for this request."""

    token: str
    expires_at: str
    permissions: dict[str, str]
    repositories: list[str] | None
    cached: bool
    mint_id: str
    installation_id: int
    account: str
    app_id: int


@dataclass(frozen=True, slots=True)
class ScopeOut:
    """A scope; null is everything there is."""

    repositories: list[str] | None
    permissions: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class FindingOut:
    """What one rule of the mint policy says; `condition` is the first that fails."""

    rule: str
    allowed: bool
    condition: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ExplainOut:
    """What would become of a request, and why. `scope` is what would be given, `granted` what the
    installation has, `app` what the App asks of every installation, `lacking` the difference."""

    allowed: bool
    code: str | None
    reason: str
    rule: str | None
    installation_id: int
    account: str
    app_id: int
    scope: ScopeOut
    granted: dict[str, str]
    app: dict[str, str]
    lacking: dict[str, object]
    rules: list[FindingOut]
    rules_for_others: int


@dataclass(frozen=True, slots=True)
class MintOut:
    """One mint on record. The token itself is nowhere; `token_sha256` tells it from others."""

    id: str
    state: Literal["asked", "minted", "failed", "lost", "revoked", "kept"]
    installation_id: int
    account: str
    app: str
    actor: str
    rule: str | None
    campaign: str | None
    asked: ScopeOut
    permissions: dict[str, str]
    repositories: list[str] | None
    token_sha256: str | None
    asked_at: str
    expires_at: str | None
    revoked_at: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class MintsOut:
    """A page of mints, newest first."""

    items: list[MintOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RevokedOut:
    """What became of a mint. `ended` is true when the token is dead for certain; when it is not,
    `reason` says why, and nobody is given it any more all the same."""

    mint_id: str
    ended: bool
    reason: str | None
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class RevokedManyOut:
    """What became of each mint, at most 200; ask again while there are as many."""

    items: list[RevokedOut]


@dataclass(frozen=True, slots=True)
class ChangedOut:
    """Requests that are alike and would be answered otherwise."""

    actor: str
    name: str
    installation_id: int
    account: str
    asked: ScopeOut
    was: Literal["granted", "refused"]
    would: Literal["granted", "refused", "narrowed"]
    rule: str | None
    reason: str
    count: int
    last_at: str


@dataclass(frozen=True, slots=True)
class SimulatedOut:
    """What another policy would have said. `complete` is false when there were more requests
    than were looked at."""

    requests: int
    same: int
    different: int
    complete: bool
    changes: list[ChangedOut]


def ask_of(said: ScopeIn, installation_id: int = 0, account: str = "") -> Ask:
    """A request of the wire as the desk takes it; Invalid for a scope that makes no sense."""
    names = said.repositories
    permissions = None if said.permissions is None else dict(said.permissions)
    owners = {name.partition("/")[0] for name in names or () if "/" in name}
    return Ask(
        installation_id=installation_id,
        account=account,
        app=said.app,
        scope=scope_of(names, permissions),
        owners=tuple(sorted(owners)),
        min_ttl_s=float(said.min_ttl),
        campaign=said.campaign,
    )


def explain_ask(said: ExplainIn) -> Ask:
    """The request that is to be explained."""
    if (said.installation_id is None) == (said.account is None):
        raise Invalid("name either `installation_id` or `account`")
    return ask_of(said, said.installation_id or 0, said.account or "")


def token_out(given: Given, *, cached: bool = False) -> TokenOut:
    """A token on the wire; `cached` where it is given once more."""
    token, place = given.token, given.place
    return TokenOut(
        token=token.value,
        expires_at=to_rfc3339(token.expires_at_ms),
        permissions=dict(token.permissions),
        repositories=None if token.repositories is None else list(token.repositories),
        cached=given.cached or cached,
        mint_id=token.mint_id,
        installation_id=place.installation_id,
        account=place.account,
        app_id=place.app_id,
    )


def scope_out(scope: Scope) -> ScopeOut:
    """A scope on the wire."""
    names, pairs = scope.repositories, scope.permissions
    return ScopeOut(None if names is None else list(names), None if pairs is None else dict(pairs))


def explain_out(found: Explained, *, every_rule: bool) -> ExplainOut:
    """An explanation; rules for other callers only for those who may see all of them."""
    findings = [f for f in found.verdict.findings if every_rule or f.fits_caller]
    lacking = facts_of(found, found.verdict.scope)["lacking"]
    return ExplainOut(
        allowed=found.allowed,
        code=found.code or None,
        reason=found.reason,
        rule=found.verdict.rule or None,
        installation_id=found.place.installation_id,
        account=found.place.account,
        app_id=found.place.app_id,
        scope=scope_out(found.verdict.scope),
        granted=dict(found.place.granted),
        app=dict(found.place.app_permissions),
        lacking=dict(lacking) if isinstance(lacking, dict) else {},
        rules=[FindingOut(f.rule, f.allowed, f.condition or None, f.reason) for f in findings],
        rules_for_others=len(found.verdict.findings) - len(findings),
    )


def mint_out(mint: Mint) -> MintOut:
    """A mint on the wire."""
    return MintOut(
        id=mint.id,
        state=mint.state.value,
        installation_id=mint.installation_id,
        account=mint.account,
        app=mint.app,
        actor=mint.actor,
        rule=mint.rule or None,
        campaign=mint.campaign or None,
        asked=scope_out(mint.scope),
        permissions=dict(mint.permissions),
        repositories=None if mint.repositories is None else list(mint.repositories),
        token_sha256=mint.token_sha256 or None,
        asked_at=to_rfc3339(mint.asked_at_ms),
        expires_at=_instant(mint.expires_at_ms),
        revoked_at=_instant(mint.revoked_at_ms),
        reason=mint.reason or None,
    )


def revoked_out(found: Revoked) -> RevokedOut:
    """A revocation on the wire."""
    expires_at = _instant(found.mint.expires_at_ms)
    return RevokedOut(found.mint.id, found.ended, found.reason or None, expires_at)


def simulated_out(found: Simulated, *, complete: bool) -> SimulatedOut:
    """A simulation on the wire."""
    changes = [
        ChangedOut(
            actor=c.who.label,
            name=c.who.name,
            installation_id=c.installation_id,
            account=c.account,
            asked=scope_out(c.asked),
            was=c.was,
            would=c.would,
            rule=c.rule or None,
            reason=c.reason,
            count=c.count,
            last_at=to_rfc3339(c.last_at_ms),
        )
        for c in found.changes
    ]
    return SimulatedOut(found.requests, found.same, found.different, complete, changes)


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
