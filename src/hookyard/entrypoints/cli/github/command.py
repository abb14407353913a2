"""`hookyard github setup` and `hookyard github rotate-webhook-secret`."""

import asyncio
import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.logs import keep_output_clean

if TYPE_CHECKING:
    from hookyard.settings import Settings

LOOK_S = 2.0


@click.group()
def github() -> None:
    """The GitHub App: registered with the right permissions, its webhook secret exchanged.

    \b
    Examples:
      hookyard github setup --organization acme --public-url https://hookyard.example.com
      hookyard github rotate-webhook-secret
    """


@github.command()
@click.option("--organization", default="", help="Who owns the App.  [default: you yourself]")
@click.option("--name", default="Hookyard", show_default=True, help="What the App is called.")
@click.option("--public-url", help="Where GitHub reaches this server (HOOKYARD_PUBLIC_URL).")
@click.option("--no-browser", is_flag=True, help="Print the address to open, and open nothing.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 60),
    default=30,
    show_default=True,
    help="How long to wait for GitHub's page.",
)
@json_option
def setup(
    organization: str,
    name: str,
    public_url: str | None,
    no_browser: bool,
    minutes: int,
    as_json: bool,
) -> None:
    """Register a GitHub App with what Hookyard needs, and store its key and secrets.

    Opens a page of this machine in the browser, which leads to GitHub; there you confirm. The
    App's key and secrets are stored in the first file: of HOOKYARD_SECRET_SOURCES, or in the data
    folder where no sources are listed. Then GitHub is asked for a ping, which has to arrive at the
    public URL: this command listens for it on HOOKYARD_HOST and HOOKYARD_PORT.

    While a server runs, use its page /setup instead. Ends with 1 when the App could not be made,
    or was made and stored and GitHub's ping does not arrive.

    \b
    Examples:
      hookyard github setup --organization acme --public-url https://hookyard.example.com
      hookyard github setup --no-browser --json
      GITHUB_API_BASE_URL=https://ghes.example.com/api/v3 hookyard github setup
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.bootstrap.registering import store_for
    from hookyard.core.registration.model import Wish
    from hookyard.core.registration.rules import checked
    from hookyard.entrypoints.cli.github.registering import Registering, registered

    keep_output_clean()
    settings = load_settings()
    if settings.github.app_id is not None:
        raise Failed(
            f"the App {settings.github.app_id} is configured already; take it out of the settings, "
            "or remove github-app.env from the data folder, before making another"
        )
    store = store_for(settings.secrets.sources, settings.data_dir)
    here = (public_url or settings.http.public_url or "").rstrip("/")
    if not here:
        raise Failed(
            "GitHub has to know where to send webhooks: give --public-url, or set "
            "HOOKYARD_PUBLIC_URL"
        )
    checked(Wish(name, organization, here, here))
    _refuse_beside_server(settings)
    plan = Registering(settings, store, name, organization, here, minutes * 60.0, no_browser)
    found = asyncio.run(registered(plan))
    if as_json:
        screen.as_json(found)
    else:
        screen.record((key.replace("_", " "), screen.plain(found[key])) for key in _SHOWN)
    if not found["delivered"]:
        raise Failed("the App is made and stored, but GitHub's ping did not arrive; see above")


_SHOWN = ("app_id", "slug", "owner", "stored_in", "ping", "install", "next")


def _refuse_beside_server(settings: "Settings") -> None:
    """A server that runs has a page of its own, which it also learns from."""
    import httpx2

    host = settings.http.host
    shown = "127.0.0.1" if _is_any(host) else host
    url = f"http://[{shown}]" if ":" in shown else f"http://{shown}"
    try:
        answer = httpx2.get(f"{url}:{settings.http.port}/health", timeout=LOOK_S, trust_env=False)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return
    if answer.status_code == 200:
        page = (settings.http.public_url or f"{url}:{settings.http.port}").rstrip("/")
        raise Failed(
            f"a server runs at {url}:{settings.http.port}: open {page}/setup, which asks for the "
            "admin key; or stop it, and run this again"
        )


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


@github.command("rotate-webhook-secret")
@click.option(
    "--seconds",
    type=click.IntRange(5, 3600),
    default=120,
    show_default=True,
    help="How long to wait for a delivery under the new secret.",
)
@json_option
def rotate_webhook_secret(seconds: int, as_json: bool) -> None:
    """Exchange the App's webhook secret, with none refused meanwhile.

    Stores a new secret beside the present one, so that both are accepted; has GitHub sign with it;
    waits until GitHub's record shows a delivery that it signed and the server took; and lets go of
    the former one. Killed anywhere, it leaves both accepted: run it again, and it goes on.

    The secret must lie in a file: source, as `hookyard github setup` stores it.

    \b
    Examples:
      hookyard github rotate-webhook-secret
      hookyard github rotate-webhook-secret --seconds 600 --json
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.cli.github.registering import exchanged
    from hookyard.settings import read_environment

    keep_output_clean()
    environ = read_environment(Path.cwd(), os.environ)
    found = asyncio.run(exchanged(load_settings(), environ, float(seconds)))
    if as_json:
        screen.as_json(found)
    elif found["finished"]:
        click.echo("The webhook secret is exchanged.")
    if not found["finished"]:
        raise Failed(screen.plain(found["detail"]))
