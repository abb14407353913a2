"""Discovery and keys of an issuer, over loopback HTTP with the simulated one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.oidc.discovery import address_of, read_metadata
from hookyard.adapters.oidc.errors import OidcError, OidcRefused, OidcUnavailable
from hookyard.adapters.oidc.kept import Kept, Terms
from hookyard.adapters.oidc.keys import pin_jwks
from hookyard.adapters.oidc.port import Claims, Expectations, Keys, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.adapters.oidc.segments import peek
from hookyard.adapters.oidc.verify import Verified, verify
from hookyard.kit.clock import ManualClock
from hookyard_sandbox.oidc.issuer import Issuer
from tests.support.tokens import jwk_of, rsa_key


@dataclass
class Stage:
    """An issuer, and a provider that looks at it."""

    issuer: Issuer
    provider: Provider
    clock: ManualClock

    def asked(self, path: str) -> int:
        return sum(line.endswith(path) for line in self.issuer.requests)

    async def keys(self, kid: str | None = None) -> Keys | Refused:
        return await self.provider.keys(kid, self.clock.now_ms())

    async def check(self, token: str) -> Verified:
        now_ms = self.clock.now_ms()
        said = peek(token)
        assert not isinstance(said, Refused)
        keys = await self.provider.keys(said.kid, now_ms)
        assert not isinstance(keys, Refused)
        return verify(token, Expectations(self.issuer.address, ("me",)), keys, now_ms)


@pytest.fixture
async def stage(clock: ManualClock) -> AsyncIterator[Stage]:
    with Issuer(clock) as issuer:
        outbound = GuardedHttp(["127.0.0.1"])
        yield Stage(issuer, Provider(issuer.address, outbound, ["RS256"]), clock)
        await outbound.close()


async def test_a_token_of_the_issuer_is_accepted_by_its_published_key(stage: Stage) -> None:
    assert isinstance(await stage.check(stage.issuer.token("me", "ci")), Claims)
    assert (stage.asked("/jwks"), stage.asked("openid-configuration")) == (1, 1)


async def test_keys_are_kept_and_read_anew_when_they_are_old(stage: Stage) -> None:
    for _ in range(20):
        await stage.keys()
    assert stage.asked("/jwks") == 1
    stage.clock.advance(601)
    await stage.keys()
    assert stage.asked("/jwks") == 2


async def test_a_new_key_works_at_once_and_the_old_one_while_it_is_published(
    stage: Stage,
) -> None:
    old = stage.issuer.token("me", "ci")
    await stage.check(old)
    stage.clock.advance(31)
    stage.issuer.rotate()
    assert isinstance(await stage.check(stage.issuer.token("me", "ci")), Claims)
    assert isinstance(await stage.check(old), Claims)
    assert stage.provider.generation == 2


async def test_a_key_that_the_issuer_took_back_stops_working(stage: Stage) -> None:
    old = stage.issuer.token("me", "ci")
    await stage.check(old)
    stage.clock.advance(31)
    stage.issuer.rotate(keep_old=False)
    assert isinstance(await stage.check(stage.issuer.token("me", "ci")), Claims)
    found = await stage.check(old)
    assert isinstance(found, Refused)
    assert found.code == "unknown_key"


async def test_an_empty_key_set_stops_every_key(stage: Stage) -> None:
    old = stage.issuer.token("me", "ci")
    await stage.check(old)
    stage.issuer.keys.clear()
    stage.clock.advance(601)
    assert await stage.keys() == ()


async def test_unknown_key_ids_cause_one_look_in_half_a_minute(stage: Stage) -> None:
    await stage.keys()
    stage.clock.advance(31)
    for number in range(50):
        await stage.keys(f"made-up-{number}")
    assert stage.asked("/jwks") == 2
    stage.clock.advance(31)
    await stage.keys("made-up")
    assert stage.asked("/jwks") == 3


async def test_a_hundred_callers_cause_one_look(stage: Stage) -> None:
    found = await asyncio.gather(*(stage.keys("key-1") for _ in range(100)))
    assert all(not isinstance(keys, Refused) and len(keys) == 1 for keys in found)
    assert stage.asked("/jwks") == 1


async def test_a_caller_who_gives_up_does_not_end_the_look_of_the_others(stage: Stage) -> None:
    first = asyncio.create_task(stage.keys())
    await asyncio.sleep(0)
    second = asyncio.create_task(stage.keys())
    await asyncio.sleep(0)
    first.cancel()
    assert not isinstance(await second, Refused)
    assert stage.asked("/jwks") == 1


async def test_old_keys_are_used_while_the_issuer_is_away_but_not_for_ever(stage: Stage) -> None:
    await stage.keys()
    stage.issuer.faults.jwks_status = 500
    stage.clock.advance(3_000)
    assert not isinstance(await stage.keys(), Refused)
    assert isinstance(stage.provider.trouble, OidcUnavailable)
    stage.clock.advance(601)
    found = await stage.keys()
    assert isinstance(found, Refused)
    assert found.code == "keys_unavailable"
    stage.issuer.faults.clear()
    stage.clock.advance(11)
    assert not isinstance(await stage.keys(), Refused)
    assert stage.provider.trouble is None


async def test_an_issuer_that_fails_is_left_alone_for_a_while(stage: Stage) -> None:
    stage.issuer.faults.discovery_status = 503
    for _ in range(30):
        assert isinstance(await stage.keys("key-1"), Refused)
    assert stage.asked("openid-configuration") == 1
    stage.clock.advance(11)
    await stage.keys()
    assert stage.asked("openid-configuration") == 2


async def test_a_document_over_100_kib_is_not_read(stage: Stage) -> None:
    stage.issuer.faults.padding = 100 * 1024
    with pytest.raises(OidcUnavailable) as caught:
        await stage.provider.metadata(stage.clock.now_ms())
    assert caught.value.code == "too_large"
    stage.issuer.faults.padding = 90 * 1024
    stage.clock.advance(11)
    assert (await stage.provider.metadata(stage.clock.now_ms())).jwks_uri


@pytest.mark.parametrize("suffix", ["/", "/realm", "x", ".evil.example"])
async def test_a_document_of_another_issuer_is_not_believed(stage: Stage, suffix: str) -> None:
    stage.issuer.faults.discovery = {"issuer": stage.issuer.address + suffix}
    with pytest.raises(OidcRefused) as caught:
        await stage.provider.metadata(stage.clock.now_ms())
    assert caught.value.code == "issuer_mismatch"
    assert isinstance(await stage.keys(), Refused)


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "http://10.0.0.1/jwks", "file:///etc/passwd", "gopher://x/"],
)
async def test_keys_at_an_address_inside_are_not_fetched(stage: Stage, address: str) -> None:
    stage.issuer.faults.discovery = {"jwks_uri": address}
    assert isinstance(await stage.keys(), Refused)
    assert isinstance(stage.provider.trouble, OidcRefused)


async def test_a_document_that_leads_elsewhere_is_not_followed(stage: Stage) -> None:
    stage.issuer.faults.redirect_to = "http://127.0.0.1:9/.well-known/openid-configuration"
    with pytest.raises(OidcRefused) as caught:
        await stage.provider.metadata(stage.clock.now_ms())
    assert caught.value.code == "outbound_redirect"


async def test_without_leave_an_issuer_on_this_machine_is_not_asked(stage: Stage) -> None:
    outbound = GuardedHttp()
    provider = Provider(stage.issuer.address, outbound, ["RS256"])
    with pytest.raises(OidcError) as caught:
        await provider.metadata(stage.clock.now_ms())
    await outbound.close()
    assert "HOOKYARD_OUTBOUND_ALLOW" in str(caught.value)
    assert stage.issuer.requests == []


async def test_a_clock_set_back_does_not_keep_old_keys(stage: Stage) -> None:
    await stage.keys()
    stage.clock.advance(-7_200)
    assert not isinstance(await stage.keys(), Refused)
    assert stage.asked("/jwks") == 2


async def test_a_clock_set_back_does_not_put_the_next_look_off(stage: Stage) -> None:
    stage.issuer.faults.jwks_status = 500
    assert isinstance(await stage.keys(), Refused)
    stage.issuer.faults.clear()
    stage.clock.advance(-7_200)
    assert isinstance(await stage.keys(), Refused)
    stage.clock.advance(11)
    assert not isinstance(await stage.keys(), Refused)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"issuer":"https://i.example"}',
        b'{"issuer":"https://i.example","jwks_uri":7}',
        b'{"issuer":"https://e.example","issuer":"https://i.example","jwks_uri":"https://i/k"}',
    ],
)
def test_documents_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(OidcRefused):
        read_metadata(body, "https://i.example")


def test_the_document_lies_below_the_issuer() -> None:
    assert address_of("https://h/realm/") == "https://h/realm/.well-known/openid-configuration"


def test_unfit_keys_of_a_set_are_left_out() -> None:
    good = jwk_of(rsa_key(), "good")
    unfit: list[dict[str, object]] = [
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "ops", "key_ops": ["sign"]},
        good | {"kid": "alg", "alg": "RS512"},
        good | {"kid": "private", "d": "AQAB"},
        good | {"kid": 7},
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "oct"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "small"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off-curve"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "curve"},
        {"kty": "odd", "kid": "odd"},
        {},
    ]
    found = pin_jwks({"keys": [*unfit, good, "text", None]}, ["RS256", "HS256"])  # type: ignore[dict-item]
    assert [(pinned.kid, pinned.algorithms) for pinned in found] == [("good", frozenset({"RS256"}))]
    many = pin_jwks({"keys": [good] * 500}, ["RS256"])  # type: ignore[dict-item]
    assert len(many) == 64


async def test_what_never_came_is_an_error_and_not_a_value() -> None:
    async def fetch(now_ms: int) -> str:
        raise OidcUnavailable("away", "not there")

    kept: Kept[str] = Kept(fetch, Terms())
    for _ in range(2):
        with pytest.raises(OidcUnavailable):
            await kept.get(0)
