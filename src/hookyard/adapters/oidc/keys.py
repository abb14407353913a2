"""Keys as configured or published → pinned keys. Weak ones, and those of another use, are out."""

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key

from hookyard.adapters.oidc.port import ASYMMETRIC, SYMMETRIC, Keys, PinnedKey
from hookyard.kit.json import JsonObject, as_list, as_object, as_text

MIN_SECRET = 32
MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192
MAX_KEYS = 64

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_PUBLIC = {"kty", "kid", "n", "e", "crv", "x", "y"}


class BadKey(ValueError):
    """A key that must not be used; the message says why and never shows it."""


def pin_secret(
    secret: str | bytes, algorithms: Iterable[str] = ("HS256",), *, least: int = MIN_SECRET
) -> PinnedKey:
    """A shared secret. BadKey when it has fewer bytes than `least` or is a key of the public kind.

    # why: a public key in PEM taken for a secret is what makes algorithm confusion work.
    """
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < least:
        raise BadKey(f"a shared secret needs at least {least} bytes")
    if raw.lstrip().startswith((b"-----BEGIN", b"ssh-", b"ecdsa-")):
        raise BadKey("a PEM or SSH key cannot be a shared secret")
    return PinnedKey(None, frozenset(algorithms) & SYMMETRIC, OctKey.import_key(raw))


def pin_pem(pem: str, algorithms: Iterable[str], kid: str | None = None) -> PinnedKey:
    """A public key in PEM. BadKey when it is none, is private, weak, or fits no algorithm."""
    text = pem.strip().replace("\\n", "\n")
    if "PRIVATE KEY" in text:
        raise BadKey("this is a private key; configure the public one")
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return _pin(kind.import_key(text), algorithms, kid)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, BadKey):
                raise
    raise BadKey("not a public key in PEM form")


def pin_jwk(jwk: JsonObject, algorithms: Iterable[str]) -> PinnedKey:
    """A public key as JWK. BadKey when it is of another use, symmetric, private, weak, or unfit."""
    if as_text(jwk.get("use")) not in ("", "sig"):
        raise BadKey("the key is not for signatures")
    if jwk.get("key_ops") is not None and "verify" not in as_list(jwk.get("key_ops")):
        raise BadKey("the key is not for verifying")
    if as_text(jwk.get("kty")) == "oct" or "d" in jwk:
        raise BadKey("the key is secret, and must not be published")
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise BadKey("the key's id is no text")
    # why: only what makes up the key is handed on; `alg` narrows what it may be used with.
    members: dict[str, str | list[str]] = {
        name: as_text(jwk[name]) for name in _PUBLIC if name in jwk
    }
    try:
        key = import_key(members)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadKey(f"not a public key ({type(error).__name__})") from None
    own = as_text(jwk.get("alg"))
    return _pin(key, {own} & set(algorithms) if own else algorithms, kid)


def pin_jwks(jwks: JsonObject, algorithms: Iterable[str]) -> Keys:
    """Every usable key of a published set, MAX_KEYS at most; the unusable ones are left out."""
    wanted = frozenset(algorithms) & ASYMMETRIC
    found: list[PinnedKey] = []
    for entry in as_list(jwks.get("keys"))[:MAX_KEYS]:
        try:
            found.append(pin_jwk(as_object(entry), wanted))
        except BadKey:
            continue
    return tuple(found)


def _pin(key: Key, algorithms: Iterable[str], kid: str | None) -> PinnedKey:
    fitting = frozenset(algorithms) & _algorithms_of(key)
    if not fitting:
        raise BadKey("the key fits none of the algorithms")
    return PinnedKey(kid, fitting, key)


def _algorithms_of(key: Key) -> frozenset[str]:
    """What a key can be used with; BadKey when it is weak."""
    if isinstance(key, RSAKey):
        raw = key.raw_value
        bits = raw.key_size if isinstance(raw, RSAPublicKey | RSAPrivateKey) else 0
        if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            raise BadKey(f"an RSA key needs {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
        return _RSA
    if isinstance(key, ECKey):
        return frozenset({_CURVES[key.curve_name]} if key.curve_name in _CURVES else ())
    if isinstance(key, OKPKey) and as_text(key.dict_value.get("crv")) == "Ed25519":
        return frozenset({"EdDSA", "Ed25519"})
    return frozenset()
