"""The desk where callers ask for installation tokens: right, policy, budget, mint, record.

Every step that refuses says why, with the same values that `explain` shows beforehand.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import TypeAlias

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import (
    GitHubError,
    GitHubFailed,
    GitHubLimited,
    GitHubRefused,
    GitHubUnclear,
)
from hookyard.core.identity.model import Actor
from hookyard.core.tokens.apps import Apps, MintingApp
from hookyard.core.tokens.asking import Asking, purpose_of
from hookyard.core.tokens.desk_rules import foreign_owner, is_reached, may_have, who_of
from hookyard.core.tokens.minting import Obtained
from hookyard.core.tokens.model import (
    Ask,
    InstallationGone,
    InstallationSuspended,
    InstallationUnknown,
    MintRefused,
    Place,
    Scope,
    Who,
)
from hookyard.core.tokens.policy import Policy, Verdict, decide
from hookyard.core.tokens.recording import scope_detail
from hookyard.core.tokens.rules import how_to_mend, missing
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, Limited, Unavailable
from hookyard.kit.json import Json, JsonObject

NO_POLICY = "no mint policy is set: the caller's role decides alone"
UNKNOWN = "no App here has this installation"
NOT_ACCESSIBLE = (
    "GitHub gives no token for these repositories: at least one does not exist, or is not among "
    "those the installation was given (GitHub does not say which of the two)"
)

Observe: TypeAlias = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Given:
    """A token given to a caller; `cached` says that it was there already."""

    token: AccessToken = field(repr=False)
    place: Place
    rule: str
    cached: bool
    scope: Scope
    source: InstallationTokens = field(repr=False)


@dataclass(frozen=True, slots=True)
class Explained:
    """What would become of a request, and why: the answer of each of the steps."""

    allowed: bool
    code: str
    reason: str
    place: Place
    verdict: Verdict
    lacking: JsonObject


class TokenDesk:
    """Gives out tokens. `policy` None leaves the decision to roles; `observe` hears of every
    outcome and the seconds it took."""

    def __init__(
        self, apps: Apps, policy: Policy | None, asking: Asking, clock: Clock, observe: Observe
    ) -> None:
        self.apps = apps
        self.policy = policy
        self._asking = asking
        self._clock = clock
        self._observe = observe

    async def give(self, actor: Actor, ask: Ask) -> Given:
        """A token for a caller.

        InstallationUnknown for one that is not there or not theirs, MintRefused with the facts,
        Limited for a quota or GitHub's limit, Unavailable when GitHub cannot be asked.
        """
        began = self._clock.monotonic()
        outcome = "failed"
        try:
            given = await self._give(actor, ask)
            outcome = "cached" if given.cached else "minted"
        except (MintRefused, InstallationUnknown):
            outcome = "refused"
            raise
        except Limited:
            outcome = "limited"
            raise
        else:
            return given
        finally:
            self._observe(outcome, self._clock.monotonic() - began)

    def holds(self, ask: Ask, given: Given) -> bool:
        """Whether a token may be given again, as it is, to the caller it was given to before: it
        was not taken back and lives long enough. Which of several Apps serves an account is
        chosen anew each time."""
        if ask.account and len(self.apps.all) > 1:
            return False
        number, scope = given.place.installation_id, given.scope
        return given.source.peek(number, scope, min_ttl_s=ask.min_ttl_s) is given.token

    async def explain(self, actor: Actor | None, who: Who, ask: Ask) -> Explained:
        """What `give` would say, without minting. `actor` None leaves the role out: it asks for
        somebody who is known by the policy's words only."""
        _, place = await self._find(ask)
        if actor is not None and not is_reached(actor, place):
            raise InstallationUnknown(UNKNOWN)
        return self._explained(actor, who, ask, place)

    # --- inside ---

    async def _give(self, actor: Actor, ask: Ask) -> Given:
        app, place = await self._find(ask)
        who = who_of(actor)
        if not is_reached(actor, place):
            raise InstallationUnknown(UNKNOWN)
        found = self._explained(actor, who, ask, place)
        verdict = found.verdict
        if not found.allowed:
            await self._asking.refuse(who, ask, place, verdict.scope, found.reason)
            raise MintRefused(found.reason, code=found.code, facts=facts_of(found, ask.scope))
        cached = app.tokens.peek(place.installation_id, verdict.scope, min_ttl_s=ask.min_ttl_s)
        if cached is None or not self._asking.is_noted(who, cached.mint_id, ask.campaign):
            await self._asking.check_quota(who, verdict)
        obtained = await self._obtain(app, place, ask, who, verdict)
        await self._asking.note(who, ask, place, verdict, obtained.token, minted=obtained.minted)
        return Given(
            obtained.token,
            place,
            verdict.rule,
            cached=not obtained.minted,
            scope=verdict.scope,
            source=app.tokens,
        )

    async def _find(self, ask: Ask) -> tuple[MintingApp, Place]:
        try:
            if ask.account:
                names = dict(ask.scope.permissions or ())
                return await self.apps.of_account(
                    ask.account, ask.app, writes_checks=names.get("checks") == "write"
                )
            return await self.apps.of_installation(ask.installation_id, ask.app)
        except InstallationGone:
            raise InstallationUnknown(UNKNOWN) from None
        except GitHubError as error:
            raise told(error, self._clock.now_ms()) from None

    def _explained(self, actor: Actor | None, who: Who, ask: Ask, place: Place) -> Explained:
        if self.policy is None:
            verdict = Verdict(allowed=True, reason=NO_POLICY, scope=ask.scope)
        else:
            verdict = decide(self.policy, who, place, ask.scope)
        lacking = missing(place, verdict.scope)

        def no(code: str, reason: str) -> Explained:
            return Explained(False, code, reason, place, verdict, lacking)  # noqa: FBT003

        if owner := foreign_owner(ask.owners, place):
            return no("foreign_repository", f"{owner} is another account than {place.account}")
        if not verdict.allowed:
            return no("policy_refused", verdict.reason)
        role = None if actor is None else may_have(actor, place, verdict.scope)
        if role is not None and not role.allowed:
            return no("forbidden", role.reason)
        if lacking:
            return no("permissions_not_granted", how_to_mend(place, lacking))
        reason = verdict.reason
        return Explained(True, "", reason, place, verdict, lacking)  # noqa: FBT003

    async def _obtain(
        self, app: MintingApp, place: Place, ask: Ask, who: Who, verdict: Verdict
    ) -> Obtained:
        number, scope = place.installation_id, verdict.scope
        try:
            return await app.tokens.obtain(
                number, scope, purpose_of(who, ask, place, verdict), min_ttl_s=ask.min_ttl_s
            )
        except InstallationGone:
            self.apps.forget(number)
            raise InstallationUnknown(
                "the installation is gone; if the App was installed anew, it has another id now",
                code="installation_gone",
            ) from None
        except InstallationSuspended:
            raise MintRefused(
                f"{place.account} suspended this installation; it can be resumed in the account's "
                "settings on GitHub",
                code="installation_suspended",
            ) from None
        except GitHubRefused as error:
            if error.status != 422:
                raise told(error, self._clock.now_ms()) from None
            self.apps.outdated(number)
            facts: JsonObject = {"asked": scope_detail(scope), "granted": dict(place.granted)}
            if scope.repositories is not None and "permission" not in error.message.lower():
                raise MintRefused(
                    NOT_ACCESSIBLE, code="repositories_not_accessible", facts=facts
                ) from None
            raise MintRefused(
                f"GitHub refused the mint: {error.message[:300]}",
                code="permissions_not_granted",
                facts=facts,
            ) from None
        except GitHubError as error:
            raise told(error, self._clock.now_ms()) from None


def facts_of(found: Explained, asked: Scope) -> JsonObject:
    """What a refusal shows: what was asked, what there is, and what the policy said of it.

    # why: rules for other callers are nobody's business but the operator's; they are counted.
    """
    near = [finding for finding in found.verdict.findings if finding.fits_caller]
    rules: list[Json] = [
        {"rule": f.rule, "condition": f.condition or None, "reason": f.reason} for f in near
    ]
    return {
        "asked": scope_detail(asked),
        "granted": dict(found.place.granted),
        "app": dict(found.place.app_permissions),
        "lacking": found.lacking,
        "rules": rules,
        "rules_for_others": len(found.verdict.findings) - len(near),
    }


def told(error: GitHubError, now_ms: int) -> HookyardError:
    """GitHub's trouble as ours: nothing of its answers but their kind."""
    match error:
        case GitHubLimited():
            again_s = max(1, ceil((error.until_ms - now_ms) / 1000))
            return Limited(
                f"GitHub's {error.kind} rate limit holds mints back", retry_after_s=again_s
            )
        case GitHubRefused(status=401):
            return Unavailable(
                "GitHub did not accept the App's own credentials; see /healthz", retry_after_s=30
            )
        case GitHubRefused():
            return Unavailable(f"GitHub refused ({error.status})", retry_after_s=30)
        case GitHubFailed() | GitHubUnclear():
            return Unavailable("GitHub could not be asked; no token was given", retry_after_s=5)
    return Unavailable(retry_after_s=5)
