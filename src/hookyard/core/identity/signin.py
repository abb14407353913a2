"""Sign-in by a provider: a state that one browser may use once, then a user and a session.

What a sign-in needs later (PKCE's verifier, the nonce) is derived from a secret that only the
browser keeps, so the database holds nothing anybody could use.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import DEFAULT_TENANT, AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_signins
from hookyard.core.identity.returns import HOME, is_safe_return
from hookyard.core.identity.session_rules import word
from hookyard.core.identity.signin_port import Question, Reply, SignInProvider
from hookyard.core.identity.store_signins import Pending
from hookyard.core.identity.users import Opened, Profile
from hookyard.core.identity.visits import Visits
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, Invalid, NotFound
from hookyard.kit.signing import hmac_sha256, same

LIFE_MS = 600_000
AT_MOST = 20_000
SPARE = 1_000
MAX_WORD = 512
AGAIN = "start the sign-in again"
# spec: RFC 6749, 4.1.2.1, and GitHub's own.
_SAID = {
    "access_denied": "the sign-in was cancelled at the provider",
    "application_suspended": "the provider has suspended this application; tell its operator",
    "redirect_uri_mismatch": "the callback address is not one the provider knows; tell the "
    "operator to register it, and to check HOOKYARD_PUBLIC_URL",
    "temporarily_unavailable": "the provider is not available now; try again later",
}

log = structlog.get_logger("hookyard.identity")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the secret it keeps until it is back."""

    address: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """The query of a callback as it came; "" where a parameter is missing."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The session of who signed in, and where they wanted to go."""

    opened: Opened
    return_to: str


class SignIn:
    """Begins and finishes sign-ins. `providers` by the name of their route."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, SignInProvider],
        visits: Visits,
        audit: Audit,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._providers = providers
        self._visits = visits
        self._audit = audit
        self._clock = clock
        self._random_bytes = random_bytes

    @property
    def names(self) -> tuple[str, ...]:
        """The providers people can sign in with."""
        return tuple(self._providers)

    async def start(self, name: str, return_to: str | None, redirect_uri: str) -> Begun:
        """The first step. NotFound for a provider that is not set up, Invalid
        (`bad_return_to`) for a way back that leaves this server."""
        provider = self._provider(name)
        back = return_to or HOME
        if not is_safe_return(back):
            raise Invalid("return_to must be a path of this server", code="bad_return_to")
        browser, state = word(self._random_bytes(32)), word(self._random_bytes(32))
        question = Question(redirect_uri, state, _nonce(browser, state), _verifier(browser, state))
        address = await provider.address(question)
        now_ms = self._clock.now_ms()
        pending = Pending(_sha(state), _sha(browser), provider.issuer, back, now_ms + LIFE_MS)
        await self._database.write(lambda unit: _remember(unit, pending, now_ms))
        return Begun(address, browser)

    async def finish(
        self,
        name: str,
        callback: Callback,
        browser: str,
        redirect_uri: str,
        *,
        old_cookie: str | None,
        client: str,
    ) -> Finished:
        """The last step: the state is used up, whatever comes of it. Invalid with a code that
        starts with `signin_` when it comes to nothing."""
        provider = self._provider(name)
        try:
            pending = await self._taken(provider, callback, browser)
            profile = await self._profile(provider, callback, browser, redirect_uri)
        except HookyardError as error:
            await self._refused(provider.issuer, error)
            raise
        opened = await self._visits.open(profile, old_cookie, client, self._clock.now_ms())
        return Finished(opened, pending.return_to)

    async def _taken(self, provider: SignInProvider, callback: Callback, browser: str) -> Pending:
        if not 0 < len(callback.state) <= MAX_WORD or not callback.state.isascii():
            raise Invalid(f"the address has no state of a sign-in; {AGAIN}", code="signin_state")
        pending = await self._database.write(
            lambda unit: store_signins.take(unit, _sha(callback.state))
        )
        if pending is None:
            raise Invalid(
                f"this sign-in is unknown or was used before; {AGAIN}", code="signin_state"
            )
        if self._clock.now_ms() >= pending.expires_at_ms:
            raise Invalid(f"this sign-in took more than ten minutes; {AGAIN}", code="signin_late")
        if not same(_sha(browser).encode(), pending.browser_sha256.encode()):
            raise Invalid(
                f"this sign-in was begun in another browser, or cookies are off; {AGAIN}",
                code="signin_browser",
            )
        is_mixed = callback.issuer and callback.issuer != provider.issuer
        if pending.issuer != provider.issuer or is_mixed:
            raise Invalid(
                f"the answer is from another provider than the one asked; {AGAIN}",
                code="signin_issuer",
            )
        return pending

    async def _profile(
        self, provider: SignInProvider, callback: Callback, browser: str, redirect_uri: str
    ) -> Profile:
        if callback.error:
            said = _SAID.get(callback.error, "the provider refused the sign-in")
            raise Invalid(f"{said}; {AGAIN}", code="signin_denied")
        if not 0 < len(callback.code) <= 4 * MAX_WORD or not callback.code.isprintable():
            raise Invalid(f"the address has no code of a sign-in; {AGAIN}", code="signin_code")
        verifier, nonce = _verifier(browser, callback.state), _nonce(browser, callback.state)
        reply = Reply(callback.code, verifier, nonce, redirect_uri, callback.issuer)
        return await provider.profile(reply)

    async def _refused(self, issuer: str, error: HookyardError) -> None:
        log.warning("signin_refused", issuer=issuer, code=error.problem_code, reason=error.detail)
        if error.problem_code == "signin_state":
            # why: anybody can send made-up states; they must not fill the trail.
            return
        entry = AuditEntry(
            "system:signin", "signin", f"issuer:{issuer}", AuditOutcome.REFUSED, error.detail,
            {"code": error.problem_code}, DEFAULT_TENANT,
        )  # fmt: skip
        now_ms = self._clock.now_ms()
        await self._database.write(lambda unit: self._audit.record(unit, entry, now_ms))

    def _provider(self, name: str) -> SignInProvider:
        found = self._providers.get(name)
        if found is None:
            raise NotFound(f"signing in with {name} is not set up here", code="signin_not_set_up")
        return found


def _remember(unit: Unit, pending: Pending, now_ms: int) -> None:
    """# why: strangers may begin as many as they like, so the oldest give way."""
    store_signins.remove_expired(unit, now_ms)
    if store_signins.count(unit) >= AT_MOST:
        store_signins.remove_oldest(unit, SPARE)
    store_signins.add(unit, pending)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _derived(browser: str, label: bytes, state: str) -> str:
    return word(hmac_sha256(browser.encode("utf-8", "surrogatepass"), label, state.encode()))


def _verifier(browser: str, state: str) -> str:
    """# spec: RFC 7636, 4.1: 43 to 128 unreserved characters; these are 43."""
    return _derived(browser, b"pkce ", state)


def _nonce(browser: str, state: str) -> str:
    return _derived(browser, b"nonce ", state)
