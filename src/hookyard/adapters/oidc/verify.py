"""The one place where a token is accepted. Pure: keys and the instant come in as arguments.

A token is believed when one of the keys handed in, under an algorithm pinned to that very key,
signed it, and when it says what is expected. What its header says is used for nothing but to pick
among those keys.

# spec: RFC 7519 section 7.2, RFC 8725 (best current practices), OpenID Connect Core 3.1.3.7.
"""

from typing import TypeAlias

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from hookyard.adapters.oidc.port import (
    ALGORITHMS,
    MAX_TOKEN,
    MAX_TRIES,
    Claims,
    Expectations,
    Keys,
    PinnedKey,
    Refused,
)
from hookyard.adapters.oidc.segments import MAX_HEADER, Parts, read_object, take_apart
from hookyard.kit.json import Json, JsonObject, as_text
from hookyard.kit.signing import same

_LATEST_S = 2**53

Verified: TypeAlias = Claims | Refused


def verify(token: str, expectations: Expectations, keys: Keys, now_ms: int) -> Verified:
    """What the token says, or why it is not accepted. Any text may be passed."""
    parts = take_apart(token, expectations.types)
    if isinstance(parts, Refused):
        return parts
    candidates = _candidates(parts, keys)
    if isinstance(candidates, Refused):
        return candidates
    if not any(_is_signed(token, parts.algorithm, pinned) for pinned in candidates):
        return Refused("bad_signature")
    claims = read_object(parts.payload)
    if claims is None:
        return Refused("bad_claims", "the token's claims are no JSON object with unique names")
    wrong = (
        _wrong_issuer(claims, expectations)
        or _wrong_audience(claims, expectations)
        or _wrong_time(claims, expectations, now_ms)
        or _wrong_nonce(claims, expectations)
    )
    return wrong or _claims(claims, parts)


def _candidates(parts: Parts, keys: Keys) -> list[PinnedKey] | Refused:
    """The few keys that may have signed this: right algorithm, and the key id where both have one.

    # why: without an id every key would be tried; a bound keeps the work of a bad token small.
    """
    fitting = [pinned for pinned in keys if parts.algorithm in pinned.algorithms]
    if not fitting:
        return Refused("algorithm", "no key is configured here for the token's algorithm")
    if parts.kid is not None:
        fitting = [pinned for pinned in fitting if pinned.kid in (parts.kid, None)]
    if not fitting:
        return Refused("unknown_key", "the token was signed with a key that is not trusted here")
    return fitting[:MAX_TRIES]


def _is_signed(token: str, algorithm: str, pinned: PinnedKey) -> bool:
    try:
        jws.deserialize_compact(token, pinned.key, registry=_Only(algorithm))
    except (JoseError, ValueError, TypeError):
        return False
    return True


class _Only(JWSRegistry):
    """Knows a single algorithm. Headers were checked before; those it need not know are let be."""

    max_header_length = MAX_HEADER
    max_payload_length = MAX_TOKEN

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=(algorithm,), strict_check_header=False)
        self._only = algorithm

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != self._only or name not in ALGORITHMS:
            raise UnsupportedAlgorithmError("another algorithm than the one pinned")
        return self.algorithms[name]


def _wrong_issuer(claims: JsonObject, expected: Expectations) -> Refused | None:
    issuer = claims.get("iss")
    if issuer is not None and not isinstance(issuer, str):
        return Refused("bad_claims", "the claim iss must be a text")
    if expected.issuer is not None and issuer != expected.issuer:
        return Refused("issuer", "the token comes from another issuer than the one configured")
    return None


def _wrong_audience(claims: JsonObject, expected: Expectations) -> Refused | None:
    audiences = audiences_of(claims)
    if audiences is None:
        return Refused("bad_claims", "the claim aud must be a text or a list of texts")
    if not expected.audiences:
        # spec: RFC 7519 section 4.1.3: who is not named in `aud` must reject the token.
        is_named = bool(audiences) and not expected.any_audience
        return Refused("audience", _NO_AUDIENCE) if is_named else None
    if not set(expected.audiences) & set(audiences):
        return Refused("audience", "the token is meant for another audience; ask for one for here")
    party = claims.get("azp")
    if expected.authorized_party is not None:
        is_shared = len(audiences) > 1
        if (party is not None or is_shared) and party != expected.authorized_party:
            return Refused("party", "the token was issued to another client")
    return None


_NO_AUDIENCE = "the token names an audience, and none is configured here (JWT_AUDIENCE)"


def audiences_of(claims: JsonObject) -> tuple[str, ...] | None:
    """`aud` as a tuple: () when absent, None when it is neither a text nor a list of texts."""
    value = claims.get("aud")
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(as_text(one) for one in value)


def _wrong_time(claims: JsonObject, expected: Expectations, now_ms: int) -> Refused | None:
    instants = {name: _instant_ms(claims.get(name)) for name in ("exp", "nbf", "iat")}
    for name, instant in instants.items():
        if instant is None and claims.get(name) is not None:
            return Refused("bad_claims", f"the claim {name} must be a number of seconds")
    expires, begins, issued = instants["exp"], instants["nbf"], instants["iat"]
    skew_ms = expected.skew_s * 1000
    if expires is None:
        return Refused("no_expiry", "the token has no exp; tokens without an end are not accepted")
    if now_ms >= expires + skew_ms:
        return Refused("expired", _late("the token expired", now_ms - expires))
    if begins is not None and begins > now_ms + skew_ms:
        return Refused(
            "not_yet", _late("the token begins to be valid", begins - now_ms, "from now")
        )
    if issued is not None and issued > now_ms + skew_ms:
        return Refused("future", _late("the token was issued", issued - now_ms, "in the future"))
    return _too_long(expires, issued, expected)


def _too_long(expires: int, issued: int | None, expected: Expectations) -> Refused | None:
    if expected.max_lifetime_s is None:
        return None
    if issued is None:
        return Refused("no_issue_time", "the token has no iat, so how long it lasts is unknown")
    if not 0 <= expires - issued <= expected.max_lifetime_s * 1000:
        limit = expected.max_lifetime_s
        return Refused("too_long", f"the token lasts longer than {limit} s; ask for a shorter one")
    return None


def _late(what: str, by_ms: int, when: str = "ago") -> str:
    return f"{what} {by_ms // 1000} s {when}; ask for a new one, and compare the clocks"


def _instant_ms(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value * 1000) if 0 <= value < _LATEST_S else None


def _wrong_nonce(claims: JsonObject, expected: Expectations) -> Refused | None:
    if expected.nonce is None:
        return None
    nonce = as_text(claims.get("nonce"))
    if not same(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        return Refused("nonce", "the token belongs to another sign-in; begin again")
    return None


def _claims(claims: JsonObject, parts: Parts) -> Verified:
    subject = claims.get("sub")
    if subject is not None and not isinstance(subject, str):
        return Refused("bad_claims", "the claim sub must be a text")
    return Claims(
        issuer=as_text(claims.get("iss")),
        subject=as_text(subject),
        audiences=audiences_of(claims) or (),
        expires_at_ms=_instant_ms(claims.get("exp")) or 0,
        issued_at_ms=_instant_ms(claims.get("iat")),
        algorithm=parts.algorithm,
        kid=parts.kid,
        all=claims,
    )
