"""Whose tokens are accepted: settings and the issuers file, with where each issuer's keys are."""

from collections.abc import Mapping
from pathlib import Path

from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.http.port import Outbound
from hookyard.adapters.oidc.port import KeySource, PinnedKeys
from hookyard.adapters.oidc.provider import Provider
from hookyard.core.identity.issuers import Issuer
from hookyard.core.identity.issuers_file import FileContext, PlainTrust, load_issuers
from hookyard.core.identity.trust import Trail, Trust
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import Settings


def open_outbound(settings: Settings) -> GuardedHttp:
    """The client for addresses that are not to be trusted; it connects at its first request."""
    return GuardedHttp(settings.trust.outbound_allow)


def read_issuers(settings: Settings, environ: Mapping[str, str]) -> tuple[Issuer, ...]:
    """Every trusted issuer; ConfigurationError names what is wrong."""
    given = settings.trust
    plain = PlainTrust(
        tuple(secret.reveal() for secret in given.jwt_secrets),
        given.jwt_issuer,
        given.jwt_audiences,
    )
    text = None
    if given.issuers_file is not None:
        try:
            text = given.issuers_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"HOOKYARD_ISSUERS_FILE: cannot read {given.issuers_file}: {type(error).__name__}"
            ) from None
    context = FileContext(environ, settings.http.public_url, _read_text)
    return load_issuers(plain, text, context)


def key_source(issuer: Issuer, outbound: Outbound) -> KeySource:
    """Where the keys of an issuer come from."""
    if issuer.pinned or issuer.issuer is None:
        return PinnedKeys(issuer.pinned)
    return Provider(issuer.issuer, outbound, issuer.algorithms, jwks_uri=issuer.jwks_uri)


def open_trust(
    issuers: tuple[Issuer, ...], outbound: Outbound, trail: Trail | None = None
) -> Trust | None:
    """Judges JSON web tokens; None where no issuer is trusted."""
    if not issuers:
        return None
    return Trust([(issuer, key_source(issuer, outbound)) for issuer in issuers], trail)


def _read_text(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8")
