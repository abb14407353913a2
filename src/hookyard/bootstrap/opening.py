"""Settings → adapters: each opened once, with an error that names the setting when it cannot."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hookyard import __version__, registry
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.signer import JwtSigner, PemSigner
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.adapters.telemetry.otlp import open_sink
from hookyard.adapters.telemetry.traces import Traces
from hookyard.bootstrap.engine import open_postgres
from hookyard.bootstrap.keeping import open_signer
from hookyard.bootstrap.listeners import CallListeners
from hookyard.core.identity.admin_key import AdminKey, load_or_create_admin_key
from hookyard.core.identity.keys import digest
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.sources import PlainSecrets, load_sources
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.publishing.model import AppIdentity
from hookyard.core.repositories.permissions import Permissions
from hookyard.core.tokens.apps_file import read_apps
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.settings import Settings
from hookyard.settings.places import signing_key

MAIN_APP = "main"


@dataclass(slots=True)
class GitHubApp:
    """A configured App: its client, its tokens, what it is called and where it is.

    `calls` hears of its own exchanges with GitHub.
    """

    client: GitHubClient
    jwt: AppJwt
    tokens: InstallationTokens
    permissions: Permissions
    identity: AppIdentity
    name: str
    host: str
    calls: CallListeners

    async def close(self) -> None:
        """Close its connections, and those to whatever signs for it."""
        await self.client.close()
        await self.jwt.close()


async def open_database(settings: Settings) -> Database:
    """The configured engine, not yet migrated."""
    if settings.database.url is not None:
        return open_postgres(settings, settings.database.url, spreading_random())
    make_data_dir(settings.data_dir)
    try:
        return SqliteDatabase(settings.data_dir / "hookyard.db")
    except Unavailable as error:
        raise ConfigurationError(f"HOOKYARD_DATA_DIR: {error.detail}") from None


def make_data_dir(path: Path) -> None:
    """The data folder, for its owner alone."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"HOOKYARD_DATA_DIR: cannot make {path}: {error.strerror}"
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(f"HOOKYARD_DATA_DIR: {path} cannot be written by this account")


def open_logs(settings: Settings) -> JobLogFiles:
    """The folder of the job logs."""
    folder = settings.worker.task_logs_dir or settings.data_dir / "logs"
    try:
        return JobLogFiles(folder)
    except OSError as error:
        name = "TASK_LOGS_DIR" if settings.worker.task_logs_dir else "HOOKYARD_DATA_DIR"
        raise ConfigurationError(f"{name}: cannot make {folder}: {error.strerror}") from None


def sources_text(settings: Settings) -> str | None:
    """The sources file, None where none is set."""
    if settings.sources.file is None:
        return None
    try:
        return settings.sources.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"HOOKYARD_SOURCES_FILE: cannot read {settings.sources.file}: {type(error).__name__}"
        ) from None


def read_sources(settings: Settings, environ: Mapping[str, str]) -> dict[str, SourceConfig]:
    """Every configured source by id."""
    options = {"app_slug": settings.github.app_slug} if settings.github.app_slug else {}
    plain = [
        PlainSecrets(name, tuple(secret.reveal() for secret in found), options)
        for name, found in (
            ("github", settings.sources.github),
            ("jira", settings.sources.jira),
            ("slack", settings.sources.slack),
            ("sentry", settings.sources.sentry),
        )
    ]
    found = load_sources(plain, sources_text(settings), environ, registry.PROVIDERS_BY_NAME)
    return {source.id: source for source in found}


def open_github(
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    calls: CallListeners,
    *,
    checked: bool = False,
) -> GitHubApp | None:
    """The GitHub App, or None when none is configured. `checked`: its key was read before.

    `environ` has what signs us in to a key service.
    """
    given = settings.github
    if given.app_id is None:
        return None
    if not given.app_id.isdigit():
        raise ConfigurationError("GITHUB_APP_ID must be the App's number, as its settings show it")
    if given.signer is not None:
        signer: JwtSigner = open_signer(given.signer, environ, clock)
    elif given.private_key is not None:
        signer = PemSigner(given.private_key.reveal(), checked=checked)
    else:
        return None
    return open_app(settings, int(given.app_id), given.app_slug or "", signer, clock, calls)


def open_app(
    settings: Settings,
    app_id: int,
    slug: str,
    signer: JwtSigner,
    clock: Clock,
    calls: CallListeners,
) -> GitHubApp:
    """An App on the host of the settings, by its id and what signs as it."""
    identity, host = AppIdentity(app_id, slug), settings.github.api_base_url
    return _open_app(settings, identity, MAIN_APP, host, signer, clock, calls)


def open_more_apps(
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    calls: CallListeners,
    *,
    checked: bool = False,
) -> list[GitHubApp]:
    """The Apps of the sources file, for tokens alone."""
    found, given = [], settings.github
    for app in read_apps(sources_text(settings), environ):
        if app.name == MAIN_APP:
            raise ConfigurationError(
                f"HOOKYARD_SOURCES_FILE: no App may be called {MAIN_APP}, as the one of "
                "GITHUB_APP_ID is"
            )
        if (str(app.id), app.api_base_url) == (given.app_id, given.api_base_url):
            raise ConfigurationError(
                f"HOOKYARD_SOURCES_FILE: the App {app.id} is that of GITHUB_APP_ID already"
            )
        named = f"the key of the App {app.name} in HOOKYARD_SOURCES_FILE"
        signer = (
            _key_service(f"{named}: signer", app.signer or "", environ, clock)
            if app.private_key is None
            else PemSigner(app.private_key.reveal(), checked=checked, named=named)
        )
        identity = AppIdentity(app.id, "")
        found.append(
            _open_app(settings, identity, app.name, app.api_base_url, signer, clock, calls)
        )
    return found


def _key_service(named: str, place: str, environ: Mapping[str, str], clock: Clock) -> JwtSigner:
    """A key that signs where it is; ConfigurationError for a place that is none."""
    try:
        return open_signer(signing_key(place), environ, clock)
    except ValueError as error:
        raise ConfigurationError(f"{named}: {error}") from None


def _open_app(
    settings: Settings,
    identity: AppIdentity,
    name: str,
    host: str,
    signer: JwtSigner,
    clock: Clock,
    calls: CallListeners,
) -> GitHubApp:
    own = CallListeners()
    own.listeners.append(calls)
    jwt = AppJwt(str(identity.app_id), signer, clock)
    wire = Wire(WireOptions(base_url=host))
    as_app = GitHubClient(wire, jwt, clock, random=spreading_random(), on_response=own)
    tokens = InstallationTokens(as_app, clock, margin_s=settings.tokens.margin_s)
    client = as_app.with_tokens(tokens)
    permissions = Permissions(client, clock)
    return GitHubApp(client, jwt, tokens, permissions, identity, name, host, own)


def open_traces(settings: Settings, clock: Clock) -> Traces | None:
    """Where traces go, or None: then nothing is traced and nothing pays for it."""
    if settings.otel_endpoint is None:
        return None
    return Traces(open_sink(settings.otel_endpoint, __version__), clock, spreading_random())


def load_admin_key(settings: Settings) -> tuple[str, AdminKey | None]:
    """The admin key's digest, and the key itself when it comes from the data folder."""
    make_data_dir(settings.data_dir)
    if settings.http.admin_key is not None:
        if len(settings.http.admin_key.reveal()) < 16:
            raise ConfigurationError("HOOKYARD_ADMIN_KEY must have at least 16 characters")
        return digest(settings.http.admin_key.reveal()), None
    key = load_or_create_admin_key(settings.data_dir / "admin.key")
    return digest(key.token), key


def spreading_random() -> Random:
    """For spreading retries in time; never for secrets."""
    return Random(secrets.randbits(64))  # noqa: S311
