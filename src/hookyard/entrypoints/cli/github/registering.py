"""What the commands of the App do, once it is known that they may."""

import asyncio
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass

import click

from hookyard.adapters.github.apphook import AppHook
from hookyard.adapters.github.conversion import NewApp
from hookyard.adapters.github.port import GitHubError
from hookyard.bootstrap import migrate_as_set, open_database
from hookyard.bootstrap.registering import (
    Store,
    configured_hook,
    exchange_code,
    install_address,
    knock,
    speaking_as,
    webhook_shelf,
    website,
)
from hookyard.core.audit.service import Audit
from hookyard.core.registration import trail
from hookyard.core.registration.exchange import SecretExchange, Step
from hookyard.core.registration.model import Delivered, Wish
from hookyard.core.registration.pinging import Pinging
from hookyard.core.registration.rules import WEBHOOK_PATH, checked
from hookyard.entrypoints.cli.github.page import CommandPage, PingEar
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.screen import harmless
from hookyard.entrypoints.http import setup_views
from hookyard.entrypoints.worker.process import readable_database
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject
from hookyard.settings import Settings

BY = "system:cli"


@dataclass(frozen=True, slots=True)
class Registering:
    """One registration by the command."""

    settings: Settings
    store: Store
    name: str
    organization: str
    public_url: str
    patience_s: float
    no_browser: bool


async def registered(plan: Registering) -> JsonObject:
    """Make the App, store it, see whether GitHub reaches us; what came of it, without secrets."""
    settings, clock = plan.settings, SystemClock()

    def wish(redirect_url: str) -> Wish:
        return checked(Wish(plan.name, plan.organization, plan.public_url, redirect_url))

    page, ear = CommandPage(wish, website(settings), clock), PingEar()
    http = settings.http
    async with page.served() as address, ear.listening(http.host, http.port) as listens:
        _say(f"Open {address}")
        if not plan.no_browser:
            webbrowser.open(address)
        _say("Waiting for GitHub …")
        app = await _app_of(page, plan)
        ear.secret = app.webhook_secret.encode()
        await plan.store.keep(app, settings.github.api_base_url, clock)
        _say(f"The App {app.slug} is stored in {plan.store.why}.")
        delivered = await _pinged(plan, app, listens=listens)
        install = install_address(settings.github.api_base_url, app.slug)
        shown = setup_views.result_page(
            app, str(plan.store.folder), delivered, install, restart=False
        )
        page.finished.set_result(shown)
    await _note(settings, app)
    return {
        "app_id": app.id,
        "slug": app.slug,
        "owner": app.owner,
        "stored_in": str(plan.store.folder),
        "delivered": delivered.is_ok,
        "ping": delivered.detail,
        "install": install,
        "next": _next(plan),
    }


def _next(plan: Registering) -> str:
    if plan.settings.http.public_url is None:
        return f"set HOOKYARD_PUBLIC_URL={plan.public_url}, run `hookyard up`, install the App"
    return "run `hookyard up`, then install the App on the repositories it is for"


async def _app_of(page: CommandPage, plan: Registering) -> NewApp:
    try:
        async with asyncio.timeout(plan.patience_s):
            code = await page.code
    except TimeoutError:
        raise Failed(
            f"GitHub did not come back within {plan.patience_s / 60:g} minutes; run this again"
        ) from None
    try:
        return await exchange_code(code, plan.settings.github.api_base_url)
    except GitHubError as error:
        said = (
            f"GitHub gave no App for its code: {error}. Where the App stands on GitHub already, "
            "delete it there; then run this again"
        )
        page.finished.set_result(setup_views.refused_page(said, 502))
        raise Failed(said) from None


async def _pinged(plan: Registering, app: NewApp, *, listens: bool) -> Delivered:
    clock, http = SystemClock(), plan.settings.http
    if not listens:
        _say(f"{http.host}:{http.port} is taken, so whatever listens there answers the ping.")
    _say("Asking GitHub for a ping …")
    try:
        async with speaking_as(plan.settings, app, clock) as github:
            return await Pinging(AppHook(github.client), clock, _say).wait(
                plan.public_url + WEBHOOK_PATH
            )
    except GitHubError as error:
        return Delivered("not_sent", f"GitHub cannot be asked for a ping: {error}")


async def _note(settings: Settings, app: NewApp) -> None:
    """A line in the audit trail."""
    clock = SystemClock()
    with readable_database(settings):
        database = await open_database(settings)
        try:
            await migrate_as_set(settings, database)
            audit, now_ms = Audit(IdMaker()), clock.now_ms()
            await database.write(lambda unit: audit.record(unit, trail.made(app, BY), now_ms))
        finally:
            await database.close()


async def exchanged(
    settings: Settings, environ: Mapping[str, str], patience_s: float
) -> JsonObject:
    """Exchange the webhook secret; how far that came."""
    clock = SystemClock()
    shelf = webhook_shelf(settings, clock)

    def told(step: Step, line: str) -> None:
        _say(f"{step.value}: {line}")

    try:
        async with configured_hook(settings, environ, clock) as hook:
            stand = await SecretExchange(shelf, hook, knock, clock, told).run(patience_s)
    except GitHubError as error:
        raise Failed(
            f"{error}; every secret that was accepted still is. Run this again to go on"
        ) from None
    return {
        "step": stand.step.value if stand.step else None,
        "finished": stand.finished,
        "resumed": stand.resumed,
        "detail": stand.detail,
        "source": shelf.label,
    }


def _say(line: str) -> None:
    """A step, on standard error; JSON on standard output stays alone."""
    click.echo(harmless(line), err=True)
