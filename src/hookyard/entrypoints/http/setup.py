"""`/setup`: an App registered from a browser. The admin key is asked for at every beginning.

Before an App is configured the first page is open, and shows nothing; afterwards it is for those
who may change secrets. A registration belongs to the browser that began it, and to this process.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookyard.adapters.github.apphook import AppHook
from hookyard.adapters.github.conversion import NewApp
from hookyard.adapters.github.port import GitHubError
from hookyard.bootstrap import Yard
from hookyard.bootstrap.registering import (
    Store,
    exchange_code,
    install_address,
    speaking_as,
    store_for,
    website,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.core.identity.rules import may_enter
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.registration import trail
from hookyard.core.registration.model import Delivered, RegistrationRefused, Wish
from hookyard.core.registration.pending import LIFE_MS, Begun, Pending
from hookyard.core.registration.pinging import Pinging
from hookyard.core.registration.rules import WEBHOOK_PATH, checked
from hookyard.entrypoints.http import cookies, csrf, setup_views
from hookyard.entrypoints.http.auth import is_loopback, parameter, refusal
from hookyard.entrypoints.http.security import Guard
from hookyard.kit.errors import Conflict, Forbidden, HookyardError, Invalid, Unavailable

CALLBACK, RESULT = "/setup/callback", "/setup/result"
CHECK_S = 10.0
MAX_FIELD = 1_024


@dataclass(frozen=True, slots=True)
class _Made:
    """An App that was made here, for the browser that made it."""

    begun: Begun
    app: NewApp


class SetupPages:
    """The four routes."""

    def __init__(self, yard: Yard, guard: Guard) -> None:
        self._yard = yard
        self._guard = guard
        self._pending = Pending(yard.clock)
        self._made: _Made | None = None

    async def show(self, request: Request) -> Response:
        """`GET /setup`"""
        try:
            if self._is_configured():
                await self._admin(request)
                given = self._yard.settings.github
                api, slug = given.api_base_url, given.app_slug or ""
                return setup_views.configured_page(
                    given.app_id or "", slug, install_address(api, slug)
                )
            return setup_views.ask_page(str(self._store().folder))
        except HookyardError as error:
            return refusal(request, error)

    async def start(self, request: Request) -> Response:
        """`POST /setup`: a form with the admin key, the App's name and its organisation."""
        try:
            reason = csrf.origin_refusal(request, self._yard.settings.http.public_url)
            if reason is not None:
                raise Forbidden(reason, code=csrf.CODE)
            form = _form(await request.body())
            holder = await self._holder(form.get("key", ""), request)
            self._refuse_second()
            self._store()
            here = self._here(request)
            wish = checked(
                Wish(form.get("name", ""), form.get("organization", ""), here, here + CALLBACK)
            )
        except HookyardError as error:
            return refusal(request, error)
        begun = self._pending.start(wish, holder.label)
        response = setup_views.github_page(wish, website(self._yard.settings), begun.state)
        self._keep_browser(request, response, begun.browser)
        return response

    async def callback(self, request: Request) -> Response:
        """`GET /setup/callback?code=…&state=…`: GitHub sends the browser here."""
        try:
            browser = self._browser(request)
            begun = self._pending.take(parameter(request, "state"), browser)
            self._refuse_second()
            app = await self._exchanged(parameter(request, "code"))
            await self._store().keep(app, self._yard.settings.github.api_base_url, self._yard.clock)
            await self._take_in(app, begun.by)
        except HookyardError as error:
            return refusal(request, error)
        self._made = _Made(begun, app)
        return RedirectResponse(RESULT, 303)

    async def result(self, request: Request) -> Response:
        """`GET /setup/result`: what was made, and whether GitHub reaches us."""
        made = self._made
        try:
            if made is None or self._browser(request) != made.begun.browser:
                raise Forbidden("nothing was set up by this browser")
            delivered = await self._ping(made)
        except HookyardError as error:
            return refusal(request, error)
        api = self._yard.settings.github.api_base_url
        return setup_views.result_page(
            made.app,
            str(self._store().folder),
            delivered,
            install_address(api, made.app.slug),
            restart=True,
            again=RESULT,
        )

    def _is_configured(self) -> bool:
        return self._yard.settings.github.app_id is not None

    def _refuse_second(self) -> None:
        if self._is_configured() or self._made is not None:
            raise Conflict(
                "an App is configured already; take GITHUB_APP_ID out, or remove github-app.env "
                "from the data folder, and restart, before making another",
                code="app_configured",
            )

    async def _admin(self, request: Request) -> Actor:
        actor = await self._guard.admit(request, await self._guard.caller(request))
        return _may(actor, request)

    async def _holder(self, key: str, request: Request) -> Actor:
        actor = await self._guard.actor_of(f"Bearer {key}")
        return _may(await self._guard.admit(request, actor), request)

    def _store(self) -> Store:
        given = self._yard.settings
        return store_for(given.secrets.sources, given.data_dir)

    def _here(self, request: Request) -> str:
        """The address GitHub and the browser reach this server by, as sign-in has it."""
        public_url = self._yard.settings.http.public_url
        if public_url is not None:
            return public_url.rstrip("/")
        if not is_loopback(request.url.hostname or ""):
            raise Conflict(
                "set HOOKYARD_PUBLIC_URL, the address GitHub reaches this server by, and restart",
                code="public_url_missing",
            )
        return f"{request.url.scheme}://{request.url.netloc}"

    def _browser(self, request: Request) -> str:
        secure = cookies.is_secure(request, self._yard.settings.http.public_url)
        return cookies.read(request, cookies.SETUP, secure=secure) or ""

    def _keep_browser(self, request: Request, response: Response, browser: str) -> None:
        secure = cookies.is_secure(request, self._yard.settings.http.public_url)
        cookie = cookies.make(cookies.SETUP, browser, secure=secure, max_age_s=LIFE_MS // 1000)
        response.headers.append("set-cookie", cookie)

    async def _exchanged(self, code: str) -> NewApp:
        try:
            return await exchange_code(code, self._yard.settings.github.api_base_url)
        except GitHubError as error:
            raise RegistrationRefused(
                f"GitHub gave no App for its code: {error}. Begin again; where the App stands on "
                "GitHub already, delete it there first"
            ) from None

    async def _take_in(self, app: NewApp, by: str) -> None:
        """Take the App's webhooks from now on, so that its ping arrives, and note who made it."""
        yard, options = self._yard, {"app_slug": app.slug}
        secret = app.webhook_secret.encode()
        yard.add_source(SourceConfig("github", "github", (secret,), options))
        entry, now_ms = trail.made(app, by), yard.clock.now_ms()
        await yard.database.write(lambda unit: yard.audit.record(unit, entry, now_ms))

    async def _ping(self, made: _Made) -> Delivered:
        yard = self._yard
        try:
            async with speaking_as(yard.settings, made.app, yard.clock) as github:
                pinging = Pinging(AppHook(github.client), yard.clock, lambda _: None)
                return await pinging.wait(made.begun.wish.public_url + WEBHOOK_PATH, CHECK_S)
        except GitHubError as error:
            raise Unavailable(f"GitHub cannot be asked: {error}") from None


def _may(actor: Actor, request: Request) -> Actor:
    request.state.actor = actor
    decision = may_enter(actor, Action.SECRETS_WRITE, everywhere=True)
    if not decision.allowed:
        raise Forbidden(decision.reason)
    return actor


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form, each once; Invalid for anything else."""
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=8)
    except (UnicodeDecodeError, ValueError):
        raise Invalid("this is no form of ours") from None
    if any(len(values) != 1 or len(values[0]) > MAX_FIELD for values in found.values()):
        raise Invalid("a field is there twice or too long")
    return {name: values[0] for name, values in found.items()}
