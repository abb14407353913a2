"""Every attack on a JSON web token that we know of, by name; each ends in a typed refusal."""

import json

import pytest
from cryptography.hazmat.primitives import serialization

from hookyard.adapters.oidc.keys import BadKey, pin_jwk, pin_pem, pin_secret
from hookyard.adapters.oidc.port import Claims, Expectations, Keys, Refused
from hookyard.adapters.oidc.segments import peek
from hookyard.adapters.oidc.verify import verify
from tests.support.tokens import (
    AUDIENCE,
    ISSUER,
    NOW_MS,
    NOW_S,
    SECRET,
    b64,
    claims,
    ec_key,
    ed_key,
    hs_token,
    jwk_of,
    public_pem,
    raw_token,
    rs_token,
    rsa_key,
    signature_of,
    signed,
)

EXPECTED = Expectations(ISSUER, (AUDIENCE,))
RS: Keys = (pin_jwk(jwk_of(rsa_key()), ["RS256"]),)
HS: Keys = (pin_secret(SECRET),)


def refusal(token: str, keys: Keys = RS, expected: Expectations = EXPECTED) -> Refused:
    found = verify(token, expected, keys, NOW_MS)
    assert isinstance(found, Refused), found
    assert SECRET not in found.detail
    return found


def code(token: str, keys: Keys = RS, expected: Expectations = EXPECTED) -> str:
    return refusal(token, keys, expected).code


def test_good_tokens_of_every_family_are_accepted() -> None:
    ec, ed = ec_key(), ed_key()
    for token, keys in (
        (hs_token(), HS),
        (rs_token(), RS),
        (
            signed({"alg": "PS256"}, claims(), rsa_key()),
            (pin_pem(public_pem(rsa_key()), ["PS256"]),),
        ),
        (signed({"alg": "ES256"}, claims(), ec), (pin_pem(public_pem(ec), ["ES256"]),)),
        (signed({"alg": "EdDSA"}, claims(), ed), (pin_pem(public_pem(ed), ["EdDSA"]),)),
        (signed({"alg": "Ed25519"}, claims(), ed), (pin_jwk(jwk_of(ed), ["Ed25519"]),)),
    ):
        found = verify(token, EXPECTED, keys, NOW_MS)
        assert isinstance(found, Claims), found
        assert (found.issuer, found.subject, found.expires_at_ms) == (
            ISSUER,
            "ci",
            NOW_MS + 300_000,
        )


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
def test_algorithm_none_is_refused(alg: str) -> None:
    header = json.dumps({"alg": alg, "typ": "JWT"}).encode()
    body = json.dumps(claims()).encode()
    for signature in (b"", b"x", signature_of("HS256", b"", SECRET.encode())):
        assert code(raw_token(header, body, signature), RS + HS) == "algorithm"


def test_a_missing_signature_is_refused() -> None:
    head, body, _ = rs_token().split(".")
    assert code(f"{head}.{body}.") == "bad_signature"
    assert code(f"{head}.{body}") == "malformed"


@pytest.mark.parametrize("encoding", ["pem", "der", "jwk"])
def test_a_public_key_as_hmac_secret_is_refused(encoding: str) -> None:
    """Algorithm confusion: HS256 under the public RSA key, in the three ways it is written."""
    public = rsa_key().public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    as_secret = {
        "pem": public_pem(rsa_key()).encode(),
        "der": der,
        "jwk": json.dumps(jwk_of(rsa_key())).encode(),
    }[encoding]
    token = signed({"alg": "HS256", "kid": "one"}, claims(), as_secret)
    assert code(token, RS) == "algorithm"
    assert code(token, RS + HS) == "bad_signature"


def test_a_pem_configured_as_secret_is_refused_at_start() -> None:
    with pytest.raises(BadKey, match="PEM"):
        pin_secret(public_pem(rsa_key()))
    with pytest.raises(BadKey, match="32 bytes"):
        pin_secret("x" * 31)


def test_another_algorithm_of_the_same_key_is_refused() -> None:
    assert code(signed({"alg": "RS512", "kid": "one"}, claims(), rsa_key())) == "algorithm"
    assert code(signed({"alg": "PS256", "kid": "one"}, claims(), rsa_key())) == "algorithm"


def test_an_embedded_jwk_is_refused() -> None:
    evil = rsa_key("evil")
    header = {"alg": "RS256", "kid": "one", "jwk": jwk_of(evil)}
    assert code(signed(header, claims(), evil)) == "header_key"
    # A key of the right kind does not make it better: nothing is taken out of the token.
    assert code(signed(header | {"jwk": jwk_of(rsa_key())}, claims(), rsa_key())) == "header_key"


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c"])
def test_a_key_to_be_fetched_is_refused(name: str) -> None:
    value: object = ["MIIB"] if name == "x5c" else "http://127.0.0.1:9/keys"
    header = {"alg": "RS256", "kid": "one", name: value}
    assert code(signed(header, claims(), rsa_key("evil"))) == "header_key"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../dev/null",
        "/proc/self/environ",
        "one' OR '1'='1",
        "' UNION SELECT 'k' --",
        "",
        "ONE",
    ],
)
def test_a_key_id_is_only_looked_up(kid: str) -> None:
    assert code(signed({"alg": "RS256", "kid": kid}, claims(), rsa_key())) == "unknown_key"


@pytest.mark.parametrize("kid", ["k" * 257, 7, ["one"], {"a": 1}, True])
def test_an_oversize_or_strange_key_id_is_refused(kid: object) -> None:
    assert code(signed({"alg": "RS256", "kid": kid}, claims(), rsa_key())) == "malformed"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "exp", None])
def test_a_critical_extension_is_refused(crit: object) -> None:
    header = {"alg": "RS256", "kid": "one", "crit": crit, "exp": NOW_S}
    assert code(signed(header, claims(), rsa_key())) == "crit"
    assert code(signed({"alg": "RS256", "kid": "one", "b64": False}, claims(), rsa_key())) == "crit"


def test_a_foreign_key_with_a_known_id_is_refused() -> None:
    assert code(rs_token("evil", "one")) == "bad_signature"
    assert code(rs_token("evil", None)) == "bad_signature"


def test_a_changed_payload_is_refused() -> None:
    head, _, signature = rs_token().split(".")
    body = b64(json.dumps(claims(sub="admin")).encode())
    assert code(f"{head}.{body}.{signature}") == "bad_signature"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"aud": None}, "audience"),
        ({"aud": "https://other.example"}, "audience"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"aud": AUDIENCE.upper()}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": [AUDIENCE, 1]}, "bad_claims"),
        ({"aud": {"a": AUDIENCE}}, "bad_claims"),
        ({"iss": None}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"iss": ISSUER + ".evil.example"}, "issuer"),
        ({"iss": [ISSUER]}, "bad_claims"),
        ({"exp": None}, "no_expiry"),
        ({"exp": NOW_S - 61}, "expired"),
        ({"exp": "9999999999"}, "bad_claims"),
        ({"exp": True}, "bad_claims"),
        ({"exp": -1}, "bad_claims"),
        ({"exp": 1e300}, "bad_claims"),
        ({"nbf": NOW_S + 61}, "not_yet"),
        ({"nbf": "soon"}, "bad_claims"),
        ({"iat": NOW_S + 61}, "future"),
        ({"iat": None}, "no_issue_time"),
        ({"iat": NOW_S, "exp": NOW_S + 3_601}, "too_long"),
        ({"iat": NOW_S + 50, "exp": NOW_S + 40}, "too_long"),
        ({"sub": 7}, "bad_claims"),
    ],
)
def test_claims_are_held_to_what_is_expected(more: dict[str, object], expected: str) -> None:
    absent = {name for name, value in more.items() if value is None}
    payload = {k: v for k, v in (claims() | more).items() if k not in absent}
    assert code(signed({"alg": "RS256", "kid": "one"}, payload, rsa_key())) == expected


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_ten_minutes_off_is_refused_with_what_to_do(minutes: int) -> None:
    there = NOW_S + minutes * 60
    found = refusal(rs_token(iat=there, exp=there + 300))
    assert found.code == ("future" if minutes > 0 else "expired")
    assert "clocks" in found.detail


def test_a_small_difference_of_clocks_is_let_through() -> None:
    for more in ({"iat": NOW_S - 300, "exp": NOW_S - 59}, {"iat": NOW_S + 59}, {"nbf": NOW_S + 59}):
        found = verify(rs_token(**more), EXPECTED, RS, NOW_MS)
        assert isinstance(found, Claims) is True, found


@pytest.mark.parametrize(
    "payload",
    [
        b'{"iss":"evil","iss":"https://issuer.example","aud":"https://hookyard.example"}',
        b'{"iss":"https://issuer.example","a":{"roles":"viewer","roles":"admin"}}',
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b'{"exp":NaN}',
        b'{"exp":Infinity}',
        b"\xff\xfe",
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b"[" * 12_000,
        b'{"exp":' + b"9" * 6_000 + b"}",
    ],
)
def test_payloads_that_readers_read_differently_are_refused(payload: bytes) -> None:
    """Duplicate claims, other than objects, no JSON, and what makes a parser work."""
    token = signed({"alg": "RS256", "kid": "one"}, payload, rsa_key())
    assert code(token) in ("bad_claims", "too_large")


def test_duplicate_members_of_a_header_are_refused() -> None:
    header = b'{"alg":"none","alg":"RS256","kid":"one"}'
    body = json.dumps(claims()).encode()
    signing_input = f"{b64(header)}.{b64(body)}".encode()
    token = raw_token(header, body, signature_of("RS256", signing_input, rsa_key()))
    assert code(token) == "malformed"
    assert isinstance(peek(token), Refused)


def test_a_token_of_a_megabyte_is_refused_before_it_is_read() -> None:
    for token in ("e" * 1_000_000, "eyJ." * 250_000, f"{rs_token()}{'A' * 1_000_000}"):
        assert code(token) == "too_large"
        found = peek(token)
        assert isinstance(found, Refused)
        assert found.code == "too_large"


def test_another_spelling_of_a_good_token_is_refused() -> None:
    """Padding, blanks, other alphabets, and unused bits: each token has one spelling."""
    good = rs_token()
    head, body, signature = good.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    for other in (
        good + "=",
        good + "==",
        f" {good}",
        f"{good}\n",
        f"{head}.{body}.{signature[:-1]}{last}",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}..{body}.{signature}",
        good.replace("e", "е"),
    ):
        assert code(other) == "malformed"


def test_a_token_of_another_type_is_refused() -> None:
    for typ in ("dpop+jwt", "logout+jwt", "JOSE", 7):
        assert (
            code(signed({"alg": "RS256", "kid": "one", "typ": typ}, claims(), rsa_key())) == "type"
        )
    for typ in ("JWT", "jwt", "application/jwt", "at+jwt"):
        token = signed({"alg": "RS256", "kid": "one", "typ": typ}, claims(), rsa_key())
        assert isinstance(verify(token, EXPECTED, RS, NOW_MS), Claims)


def test_an_encrypted_token_is_refused() -> None:
    header = json.dumps({"alg": "RSA-OAEP", "enc": "A128GCM"}).encode()
    assert code(f"{b64(header)}.a.b.c.d") == "malformed"


def test_without_a_configured_audience_only_tokens_for_nobody_pass() -> None:
    anywhere = Expectations(None, ())
    assert isinstance(verify(hs_token(aud=None, iss=None), anywhere, HS, NOW_MS), Claims)
    assert "JWT_AUDIENCE" in refusal(hs_token(), HS, anywhere).detail


def test_an_id_token_of_another_client_or_sign_in_is_refused() -> None:
    mine = Expectations(ISSUER, ("me",), authorized_party="me", nonce="planted-nonce")
    good = {"aud": "me", "nonce": "planted-nonce"}
    assert isinstance(verify(rs_token(**good), mine, RS, NOW_MS), Claims)
    assert code(rs_token(**good | {"azp": "other"}), expected=mine) == "party"
    assert code(rs_token(**good | {"aud": ["me", "other"]}), expected=mine) == "party"
    for nonce in (None, "", "other", 7, ["planted-nonce"]):
        found = refusal(rs_token(**good | {"nonce": nonce}), expected=mine)
        assert found.code == "nonce"
        assert "planted" not in found.detail


def test_many_keys_without_an_id_are_tried_up_to_a_bound() -> None:
    others: Keys = tuple(
        pin_jwk(jwk_of(rsa_key(f"o{n % 2}"), f"o{n}"), ["RS256"]) for n in range(16)
    )
    assert code(rs_token(kid=None), others + RS) == "bad_signature"
    assert isinstance(verify(rs_token(), EXPECTED, others + RS, NOW_MS), Claims)


def test_nothing_secret_shows_in_a_repr() -> None:
    found = verify(hs_token(planted="planted-claim"), EXPECTED, HS, NOW_MS)
    shown = repr((HS, found, peek(hs_token()), Expectations(ISSUER, nonce="planted-nonce")))
    assert SECRET not in shown
    assert "planted" not in shown
