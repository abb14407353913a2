"""Checks of how people sign in: the client, the addresses they come back to, the issuer, clocks."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from hookyard.adapters.github.dates import http_date_ms
from hookyard.adapters.github.oauth import site_of
from hookyard.adapters.http.port import Ask, Outbound, OutboundError
from hookyard.adapters.oidc.discovery import address_of
from hookyard.adapters.oidc.errors import OidcError
from hookyard.adapters.oidc.port import ASYMMETRIC, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.bootstrap import open_outbound
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.entrypoints.cli.doctor.outside import DRIFT_MS
from hookyard.entrypoints.cli.remote import is_local
from hookyard.entrypoints.http.auth import CALLBACKS
from hookyard.kit.clock import Clock
from hookyard.settings import Settings

GITHUB, OIDC = "sign-in with GitHub", "sign-in with OIDC"
METHOD = "S256"


async def sign_in(settings: Settings, clock: Clock) -> list[Finding]:
    """Every way of signing in that is set up; nothing where none is."""
    given = settings.sign_in
    found: list[Finding] = []
    if given.github_client_id is not None:
        found += _redirect(GITHUB, settings, CALLBACKS["github"])
        found += _github_client(given.github_client_id, settings)
    if given.oidc_issuer is not None:
        found += _redirect(OIDC, settings, CALLBACKS["oidc"])
        outbound = open_outbound(settings)
        try:
            found += await _issuer(settings, outbound, clock)
        finally:
            await outbound.close()
    return found


def _redirect(name: str, settings: Settings, path: str) -> Iterator[Finding]:
    """The address people come back to; the provider must know it letter by letter."""
    url = settings.http.public_url
    if url is None:
        fix = f"set HOOKYARD_PUBLIC_URL, and {path} below it at the provider"
        yield bad(name, "HOOKYARD_PUBLIC_URL is not set: only this machine's browser can", fix)
    elif urlsplit(url).scheme != "https" and not is_local(url):
        fix = "put a TLS proxy before it, and set HOOKYARD_PUBLIC_URL to its https address"
        yield bad(name, f"{url} is not https: sessions would travel in the open", fix)
    else:
        yield ok(name, f"people come back to {url}{path}; the provider must list it like this")


def _github_client(client_id: str, settings: Settings) -> Iterator[Finding]:
    """# why: an App's client id is no number, and its App id is often taken for it."""
    if client_id.isdigit():
        fix = "copy the client id (as Iv23li…) from the App's settings page"
        yield bad(GITHUB, f"GITHUB_OAUTH_CLIENT_ID is {client_id}, which is an App's id", fix)
    else:
        yield ok(GITHUB, f"client {client_id} at {site_of(settings.github.api_base_url)}")


async def _issuer(settings: Settings, outbound: Outbound, clock: Clock) -> list[Finding]:
    issuer = settings.sign_in.oidc_issuer or ""
    provider = Provider(issuer, outbound, ASYMMETRIC)
    fix = "check OIDC_ISSUER letter by letter, HOOKYARD_OUTBOUND_ALLOW and the network"
    try:
        metadata = await provider.metadata(clock.now_ms())
    except OidcError as error:
        return [bad(OIDC, f"{issuer}: {error}", fix)]
    found: list[Finding] = []
    if not metadata.authorization_endpoint or not metadata.token_endpoint:
        found.append(bad(OIDC, f"{issuer} names no endpoints to sign in at", fix))
    methods = metadata.challenge_methods
    if methods is not None and METHOD not in methods:
        found.append(
            bad(OIDC, f"{issuer} does not say it takes PKCE by {METHOD}", "enable it there")
        )
    keys = await provider.keys(None, clock.now_ms())
    if isinstance(keys, Refused) or not keys:
        found.append(bad(OIDC, f"{issuer} publishes no key that may be used", fix))
    found += await _clock_of(issuer, outbound, clock)
    return found or [ok(OIDC, f"{issuer}, client {settings.sign_in.oidc_client_id}")]


async def _clock_of(issuer: str, outbound: Outbound, clock: Clock) -> list[Finding]:
    """Whether the issuer's clock agrees with ours: its tokens have a window of a minute."""
    try:
        answer = await outbound.send(Ask(address_of(issuer)))
    except OutboundError:
        return []
    date_ms = http_date_ms(answer.headers.get("date", ""))
    if date_ms is None:
        return []
    offset_ms = date_ms - clock.now_ms()
    if abs(offset_ms) < DRIFT_MS:
        return [ok(OIDC, f"{issuer}: reached, its clock is {offset_ms / 1000:+.1f} s from ours")]
    fix = "let NTP set this machine's clock; sign-ins fail when they differ by over a minute"
    return [warn(OIDC, f"the clock of {issuer} is {offset_ms / 1000:+.0f} s from ours", fix)]
