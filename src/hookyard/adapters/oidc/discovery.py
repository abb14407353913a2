"""What an issuer publishes of itself, and whether to believe it. Pure.

# spec: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414 section 3.3 (the issuer in the
# document is the one asked, to the letter); RFC 9207 (the issuer named in the answer of a sign-in).
"""

from dataclasses import dataclass

from hookyard.adapters.http.port import KIB
from hookyard.adapters.oidc.errors import OidcRefused
from hookyard.adapters.oidc.segments import strict_object
from hookyard.kit.json import JsonObject, as_list, as_text

MAX_BYTES = 100 * KIB
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The addresses of an issuer and how it likes to be asked; "" where it names none."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    challenge_methods: tuple[str, ...] | None = None
    names_itself: bool = False


def address_of(issuer: str) -> str:
    """Where an issuer's document is."""
    return issuer.rstrip("/") + WELL_KNOWN


def read_metadata(body: bytes, issuer: str) -> Metadata:
    """The document of this issuer and of no other; OidcRefused says what is wrong with it."""
    found = strict_object(body)
    if found is None:
        raise OidcRefused("bad_discovery", "the issuer's discovery document is no JSON object")
    if found.get("issuer") != issuer:
        raise OidcRefused(
            "issuer_mismatch",
            "the discovery document is of another issuer; configure the address exactly as the "
            "document's `issuer` says",
        )
    for name in ("jwks_uri", "authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
        if not isinstance(found.get(name, ""), str):
            raise OidcRefused("bad_discovery", f"the discovery document's {name} is no address")
    if not as_text(found.get("jwks_uri")):
        raise OidcRefused("bad_discovery", "the discovery document names no jwks_uri")
    return Metadata(
        issuer,
        as_text(found.get("jwks_uri")),
        as_text(found.get("authorization_endpoint")),
        as_text(found.get("token_endpoint")),
        as_text(found.get("userinfo_endpoint")),
        as_text(found.get("end_session_endpoint")),
        _words(found, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        _words(found, "code_challenge_methods_supported"),
        found.get("authorization_response_iss_parameter_supported") is True,
    )


def _words(found: JsonObject, name: str) -> tuple[str, ...] | None:
    if found.get(name) is None:
        return None
    return tuple(as_text(one) for one in as_list(found.get(name))[:50] if as_text(one))
