"""Checks of what lies outside: GitHub, its clock, the sources and their secrets, the public URL."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from hookyard.adapters.github.dates import http_date_ms
from hookyard.adapters.github.port import GitHubError, GitHubRefused
from hookyard.bootstrap import CallListeners, GitHubApp, open_github, read_sources
from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.providers.jira_auth import MODES
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.entrypoints.cli.remote import is_local
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, HookyardError
from hookyard.kit.json import as_object, as_text
from hookyard.settings import Settings

DRIFT_MS = 30_000
LEAST_SECRET = 16
WEAK = frozenset({"secret", "changeme", "password", "webhook", "hookyard", "test"})


async def github(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """The App's key signs, GitHub knows the App, and the clocks agree."""
    name = "GitHub App"
    try:
        app = open_github(settings, environ, clock, CallListeners())
    except ConfigurationError as error:
        return [bad(name, str(error), "download a key from the App's settings page")]
    if app is None:
        return [
            warn(
                name,
                "not set: nothing can be written to GitHub",
                "set GITHUB_APP_ID and GITHUB_PRIVATE_KEY",
            )
        ]
    try:
        return await _ask(app, settings, clock)
    finally:
        await app.close()


async def _ask(app: GitHubApp, settings: Settings, clock: Clock) -> list[Finding]:
    name, where = "GitHub App", settings.github.api_base_url
    try:
        answer = await app.client.call("GET", "/app")
    except (HookyardError, ConfigurationError) as error:
        fix = "check HOOKYARD_GITHUB_SIGNER, our credentials there and the right to sign"
        return [bad(name, f"{settings.github.signer}: {error}", fix)]
    except GitHubRefused as error:
        fix = "check GITHUB_APP_ID, that the key is the App's, and this machine's clock"
        return [
            bad(name, f"{where} refused the App ({error.status})", fix),
            _clocks(app.jwt.offset_ms),
        ]
    except GitHubError as error:
        return [bad(name, f"{where}: {error}", "check GITHUB_API_BASE_URL and the network")]
    slug = as_text(as_object(answer.data).get("slug"))
    given = settings.github.app_slug
    by = f", its tokens signed by {settings.github.signer}" if settings.github.signer else ""
    found = [ok(name, f"{slug} at {where}{by}")]
    if given is None and slug:
        found = [
            warn(name, f"{slug} at {where}; mentions are not read", f"set GITHUB_APP_SLUG={slug}")
        ]
    elif given is not None and given != slug:
        found = [bad(name, f"GITHUB_APP_SLUG is {given}, GitHub says {slug}", f"set it to {slug}")]
    date_ms = http_date_ms(answer.headers.get("date", ""))
    offset_ms = app.jwt.offset_ms if date_ms is None else date_ms - clock.now_ms()
    return [*found, _clocks(offset_ms)]


def _clocks(offset_ms: int) -> Finding:
    seconds = offset_ms / 1000
    if abs(offset_ms) >= DRIFT_MS:
        return bad(
            "clock",
            f"GitHub's clock is {seconds:+.0f} s from ours",
            "let NTP set this machine's clock; signed times have a window of minutes",
        )
    return ok("clock", f"GitHub's is {seconds:+.1f} s from ours")


def sources(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Each source with its URL, and whether its secrets are any good."""
    try:
        found = read_sources(settings, environ)
    except ConfigurationError as error:
        return [bad("sources", str(error), "mend the sources; without them nothing comes in")]
    if not found:
        return [
            warn(
                "sources",
                "none: nothing can come in",
                "set GITHUB_WEBHOOK_SECRET or HOOKYARD_SOURCES_FILE",
            )
        ]
    return [finding for source in found.values() for finding in _source(source, settings)]


def url_of(source: SourceConfig, settings: Settings) -> str:
    """Where the provider sends to."""
    http = settings.http
    base = http.public_url or f"http://{http.host}:{http.port}"
    own = "" if source.id == source.provider else f"/{source.id}"
    return f"{base}/webhooks/{source.provider}{own}"


def _source(source: SourceConfig, settings: Settings) -> Iterator[Finding]:
    name = f"source {source.id}"
    rotating = f", {len(source.secrets)} secrets" if len(source.secrets) > 1 else ""
    troubles = [*_secrets(name, source), *_options(name, source)]
    if troubles:
        yield from troubles
    else:
        yield ok(name, url_of(source, settings) + rotating)
    if source.provider in ("jira", "slack", "sentry") and not source.allow:
        yield warn(
            name,
            "nobody may give commands through it",
            "list people under `allow` in HOOKYARD_SOURCES_FILE",
        )


def _secrets(name: str, source: SourceConfig) -> Iterator[Finding]:
    marked = source.provider == "standard"
    for number, secret in enumerate(source.secrets, 1):
        which = f"secret {number}" if len(source.secrets) > 1 else "its secret"
        key = _decoded(secret) if marked or secret.startswith(b"whsec_") else secret
        if key is None:
            yield bad(
                name,
                f"{which} is not base64, so nothing can be verified with it",
                "copy it again from the sender: `whsec_` and base64 after it",
            )
        elif len(key) < LEAST_SECRET or key.decode("latin-1").lower() in WEAK:
            yield bad(
                name,
                f"{which} can be guessed ({len(key)} bytes)",
                "use 32 random bytes, as `openssl rand -hex 32` makes; two secrets while rotating",
            )


def _decoded(secret: bytes) -> bytes | None:
    try:
        return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _options(name: str, source: SourceConfig) -> Iterator[Finding]:
    mode = source.options.get("mode", "secret")
    if source.provider == "jira" and mode not in MODES:
        yield bad(name, f"no such mode {mode!r}", f"set option mode to one of {', '.join(MODES)}")


def public_url(settings: Settings) -> Finding:
    """Where people and providers reach this server."""
    name, url = "public URL", settings.http.public_url
    if url is None:
        return warn(name, "not set: links point to this machine", "set HOOKYARD_PUBLIC_URL")
    if is_local(url):
        return warn(
            name, f"{url} is this machine: providers cannot reach it", "use a tunnel or a name"
        )
    if urlsplit(url).scheme != "https":
        return warn(
            name, f"{url} is not https: keys travel in the open", "put a TLS proxy before it"
        )
    return ok(name, url)
