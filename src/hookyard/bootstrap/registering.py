"""Settings → where a new App's secrets are stored, and what speaks for the App while it is set up.

Only folders are written to. Vaults are read with rights that do not let us write, and the
environment cannot be written at all; where nothing else is listed, that is said with what to do.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec

from hookyard.adapters.github.apphook import AppHook
from hookyard.adapters.github.conversion import NewApp, convert
from hookyard.adapters.github.oauth import app_page, site_of
from hookyard.adapters.github.signer import PemSigner
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.adapters.http.certificates import trusted
from hookyard.adapters.secrets.backends.folder import FolderSource
from hookyard.adapters.secrets.port import PREVIOUS, SecretMissing, WritableSource
from hookyard.bootstrap.listeners import CallListeners
from hookyard.bootstrap.opening import GitHubApp, make_data_dir, open_app, open_github
from hookyard.core.registration.model import RegistrationRefused
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from hookyard.kit.signing import hmac_sha256
from hookyard.settings import KeptAt, Settings
from hookyard.settings.appfile import SECRETS_FOLDER, write_app_file

DEFAULT_API = "https://api.github.com"
PRIVATE_KEY = "HOOKYARD_GITHUB_PRIVATE_KEY"
WEBHOOK_SECRET = "HOOKYARD_GITHUB_WEBHOOK_SECRET"  # noqa: S105  a name
CLIENT_SECRET = "HOOKYARD_GITHUB_OAUTH_CLIENT_SECRET"  # noqa: S105  a name
_KNOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Store:
    """Where a new App is put: its secrets in a folder, what is no secret in the data folder."""

    folder: Path
    data_dir: Path
    why: str

    async def keep(self, app: NewApp, api_base_url: str, clock: Clock) -> None:
        """Store everything of an App; SecretDenied or ConfigurationError where that fails.

        The file that names the App comes last: without it none of the rest is in use.
        """
        make_data_dir(self.data_dir)
        source = FolderSource(self.folder, clock)
        for name, value in (
            (PRIVATE_KEY, app.private_key),
            (WEBHOOK_SECRET, app.webhook_secret),
            (CLIENT_SECRET, app.client_secret),
        ):
            if value:
                await source.put(name, value.encode())
        named = {
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_APP_SLUG": app.slug,
            "GITHUB_OAUTH_CLIENT_ID": app.client_id if app.client_secret else "",
            "GITHUB_API_BASE_URL": "" if api_base_url == DEFAULT_API else api_base_url,
        }
        try:
            write_app_file(self.data_dir, named)
        except OSError as error:
            raise ConfigurationError(
                f"HOOKYARD_DATA_DIR: {self.data_dir} cannot be written: {error.strerror}"
            ) from None


def store_for(listed: tuple[KeptAt, ...], data_dir: Path) -> Store:
    """Where secrets of a new App go, by the sources that are listed. RegistrationRefused where
    none of them can be written, with what to set."""
    if not listed:
        folder = data_dir / SECRETS_FOLDER
        return Store(folder, data_dir, f"{folder}: HOOKYARD_SECRET_SOURCES is not set")
    place = writable_in(listed)
    if place is None:
        names = ", ".join(map(str, listed))
        raise RegistrationRefused(
            f"the App's secrets cannot be stored: HOOKYARD_SECRET_SOURCES lists {names}, and only "
            f"file: can be written here. Set HOOKYARD_SECRET_SOURCES=file:{data_dir}/"
            f"{SECRETS_FOLDER},{names.replace(' ', '')}, or register the App by hand "
            "(docs/operate/github-app.md)",
            code="no_writable_source",
        )
    folder = Path(place.path).expanduser()
    return Store(folder, data_dir, f"{folder}: the first file: of HOOKYARD_SECRET_SOURCES")


def writable_in(listed: tuple[KeptAt, ...]) -> KeptAt | None:
    """The first source that can be written."""
    return next((place for place in listed if place.kind == "file"), None)


async def exchange_code(code: str, api_base_url: str) -> NewApp:
    """The App of a code. GitHubError as `convert`."""
    wire = Wire(WireOptions(base_url=api_base_url, total_s=30.0, max_body=1024 * 1024))
    try:
        return await convert(wire, code)
    finally:
        await wire.close()


@asynccontextmanager
async def speaking_as(settings: Settings, app: NewApp, clock: Clock) -> AsyncIterator[GitHubApp]:
    """The new App's own client, for as long as it is set up."""
    signer = PemSigner(app.private_key)
    opened = open_app(settings, app.id, app.slug, signer, clock, CallListeners())
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def configured_hook(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> AsyncIterator[AppHook]:
    """The configured App's webhook; ConfigurationError without an App."""
    app = open_github(settings, environ, clock, CallListeners())
    if app is None:
        raise ConfigurationError(
            "no App is configured: set GITHUB_APP_ID and its key, or run hookyard github setup"
        )
    try:
        yield AppHook(app.client)
    finally:
        await app.close()


def install_address(api_base_url: str, slug: str) -> str:
    """Where somebody installs the App."""
    return f"{app_page(api_base_url, slug)}/installations/new"


def website(settings: Settings) -> str:
    """The GitHub whose pages people see."""
    return site_of(settings.github.api_base_url)


def webhook_shelf(settings: Settings, clock: Clock) -> "Shelf":
    """Where the App's webhook secret is exchanged; RegistrationRefused where it cannot be."""
    kept = next((one for one in settings.secrets.kept if one.name == WEBHOOK_SECRET), None)
    for place in settings.secrets.sources:
        if place.kind == "file" and kept is not None and kept.source == str(place):
            return Shelf(FolderSource(Path(place.path).expanduser(), clock))
    where = kept.source if kept is not None and kept.source else "no source"
    raise RegistrationRefused(
        f"the webhook secret comes from {where}, which cannot be written here. Exchange it by "
        "hand: list the new one beside the old (GITHUB_WEBHOOK_SECRET=new,old), restart, set the "
        "new one on the App's page, and take the old one out once deliveries arrive",
        code="no_writable_source",
    )


class Shelf:
    """Implements `SecretShelf` on a source that can be written."""

    def __init__(self, source: WritableSource) -> None:
        self._source = source

    @property
    def label(self) -> str:
        """The source."""
        return self._source.label

    async def accepted(self) -> tuple[Secret, ...]:
        """The current one, and the previous where there is another."""
        found = [await self._source.get(WEBHOOK_SECRET)]
        with contextlib.suppress(SecretMissing):
            found.append(await self._source.get(WEBHOOK_SECRET, PREVIOUS))
        return tuple(dict.fromkeys(Secret(one.value.decode()) for one in found))

    async def add(self, secret: Secret) -> None:
        """Store it as the current one."""
        await self._source.put(WEBHOOK_SECRET, secret.reveal().encode(), keep_previous=True)

    async def drop_previous(self) -> None:
        """Accept the current one alone."""
        await self._source.drop_previous(WEBHOOK_SECRET)


async def knock(url: str, secret: Secret) -> int | None:
    """Send a ping of our own making to a webhook address, signed as GitHub signs."""
    body = msgspec.json.encode({"zen": "Hookyard asks itself whether it knows the new secret."})
    signature = hmac_sha256(secret.reveal().encode(), body).hex()
    headers = {
        "content-type": "application/json",
        "user-agent": "hookyard",
        "x-github-event": "ping",
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": f"sha256={signature}",
    }
    try:
        async with httpx2.AsyncClient(timeout=_KNOCK_S, verify=trusted(trust_env=True)) as http:
            return (await http.post(url, content=body, headers=headers)).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
