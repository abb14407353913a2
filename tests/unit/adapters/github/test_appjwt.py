"""App tokens are short, backdated, and follow GitHub's clock once it is known."""

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.signer import LocalSignature, PemSigner
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from tests.support.github import date_header, private_key, public_key

SAYS_SO = "'Expiration time' claim ('exp') is too far in the future"


def claims(token: str) -> dict[str, object]:
    decoded = jwt.decode(token, RSAKey.import_key(public_key()), algorithms=["RS256"])
    assert decoded.header["alg"] == "RS256"
    return dict(decoded.claims)


async def test_claims_leave_a_minute_on_both_sides(clock: ManualClock) -> None:
    now_s = clock.now_ms() // 1000
    got = claims(await AppJwt("42", private_key(), clock).token())
    assert got == {"iat": now_s - 60, "exp": now_s + 540, "iss": "42"}


async def test_token_is_reused_for_four_minutes_then_signed_anew(clock: ManualClock) -> None:
    app = AppJwt("42", private_key(), clock)
    first = await app.token()
    clock.advance(239)
    assert await app.token() == first
    clock.advance(2)
    assert await app.token() != first


@pytest.mark.parametrize("skew_s", [600, -600])
async def test_offset_is_learned_from_the_date_of_a_refusal(
    clock: ManualClock, skew_s: int
) -> None:
    app = AppJwt("42", private_key(), clock)
    theirs = clock.now_ms() + skew_s * 1000
    assert app.learn(date_header(theirs)["date"], SAYS_SO)
    assert app.offset_ms == skew_s * 1000
    assert claims(await app.token())["exp"] == theirs // 1000 + 540


def test_refusal_for_another_reason_teaches_nothing(clock: ManualClock) -> None:
    app = AppJwt("42", private_key(), clock)
    assert not app.learn(date_header(clock.now_ms() + 2000)["date"], "Bad credentials")
    assert not app.learn("yesterday", SAYS_SO)
    assert app.offset_ms == 0


def test_offset_known_already_is_not_worth_another_try(clock: ManualClock) -> None:
    app = AppJwt("42", private_key(), clock)
    date = date_header(clock.now_ms() + 600_000)["date"]
    assert app.learn(date, SAYS_SO)
    assert not app.learn(date, SAYS_SO)


async def test_key_with_escaped_newlines_is_read(clock: ManualClock) -> None:
    app = AppJwt("42", private_key().replace("\n", "\\n"), clock)
    assert claims(await app.token())["iss"] == "42"


@pytest.mark.parametrize("key", ["", "secret", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"])
def test_unusable_key_names_the_setting_and_not_the_key(clock: ManualClock, key: str) -> None:
    with pytest.raises(ConfigurationError, match="GITHUB_PRIVATE_KEY"):
        AppJwt("42", key, clock)


def test_public_key_cannot_sign(clock: ManualClock) -> None:
    with pytest.raises(ConfigurationError):
        AppJwt("42", public_key(), clock)


def test_key_is_not_in_the_repr(clock: ManualClock) -> None:
    assert repr(AppJwt("42", private_key(), clock)) == "AppJwt(app_id='42', offset_ms=0)"


class Elsewhere:
    """A key service: signs, and shows no key."""

    def __init__(self, alg: str = "RS256") -> None:
        self.alg = alg
        self.asked: list[bytes] = []

    async def sign(self, signing_input: bytes, /) -> LocalSignature:
        self.asked.append(signing_input)
        made = await PemSigner(private_key()).sign(signing_input)
        return LocalSignature(self.alg, made.signature)


async def test_key_may_stay_in_a_key_service(clock: ManualClock) -> None:
    service = Elsewhere()
    app = AppJwt("42", service, clock)
    assert claims(await app.token())["iss"] == "42"
    assert await app.token()
    assert len(service.asked) == 1


async def test_key_service_that_signs_otherwise_is_refused(clock: ManualClock) -> None:
    with pytest.raises(ConfigurationError, match="ES256"):
        await AppJwt("42", Elsewhere("ES256"), clock).token()
