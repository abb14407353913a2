"""Signing in with the simulated issuer, and every way in which an answer can be wrong."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.oidc.client import OidcApp, OidcClient, Outcome, SignedIn
from hookyard.adapters.oidc.errors import OidcError, OidcRefused, OidcUnavailable
from hookyard.adapters.oidc.pkce import Begun, begin, challenge_of
from hookyard.adapters.oidc.port import ASYMMETRIC, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.kit.clock import ManualClock
from hookyard.kit.json import Json
from hookyard.kit.secret import Secret
from hookyard_sandbox.oidc.issuer import Issuer, Person

BACK = "https://hookyard.example/auth/oidc/callback"
SECRET = "planted secret/+:&%"
ALICE = Person("u-1", "Alice", "alice@example.com", {"groups": ["admins"]})
BEGUN = Begun("planted-state", "planted-nonce", "planted-verifier-" + "v" * 43)


@dataclass
class Stage:
    """An issuer, one of its clients as Hookyard has it, and a browser."""

    issuer: Issuer
    outbound: GuardedHttp
    clock: ManualClock
    client: OidcClient

    def other(self, app: OidcApp) -> OidcClient:
        provider = Provider(self.issuer.address, self.outbound, ASYMMETRIC)
        return OidcClient(provider, app, self.outbound)

    async def browse(
        self, client: OidcClient | None = None, begun: Begun = BEGUN
    ) -> dict[str, str]:
        """Follow the address to the issuer; what comes back in the redirect."""
        address = await (client or self.client).address(begun, self.clock.now_ms())
        async with httpx2.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(address)
        assert answer.status_code == 302
        return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    async def finish(self, back: dict[str, str], begun: Begun = BEGUN) -> Outcome:
        return await self.client.finish(
            back["code"], begun, self.clock.now_ms(), issuer=back.get("iss")
        )

    async def sign_in(self) -> Outcome:
        return await self.finish(await self.browse())


@pytest.fixture
async def stage(clock: ManualClock) -> AsyncIterator[Stage]:
    with Issuer(clock, path="/realm") as issuer:
        issuer.register("hookyard", BACK, secret=SECRET)
        issuer.register("public", BACK)
        issuer.sign_in_as(ALICE)
        outbound = GuardedHttp(["127.0.0.1"])
        provider = Provider(issuer.address, outbound, ASYMMETRIC)
        client = OidcClient(provider, OidcApp("hookyard", BACK, Secret(SECRET)), outbound)
        yield Stage(issuer, outbound, clock, client)
        await outbound.close()


def refusal(found: Outcome) -> str:
    assert isinstance(found, Refused), found
    assert "planted" not in found.detail
    return found.code


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_person_signs_in(clock: ManualClock, algorithm: str) -> None:
    with Issuer(clock, algorithm=algorithm) as issuer:
        issuer.register("hookyard", BACK, secret=SECRET)
        issuer.sign_in_as(ALICE)
        outbound = GuardedHttp(["127.0.0.1"])
        provider = Provider(issuer.address, outbound, ASYMMETRIC)
        client = OidcClient(provider, OidcApp("hookyard", BACK, Secret(SECRET)), outbound)
        stage = Stage(issuer, outbound, clock, client)
        found = await stage.sign_in()
        assert isinstance(found, SignedIn), found
        assert (found.claims.subject, found.claims.text("name")) == ("u-1", "Alice")
        assert found.claims.texts("groups") == ("admins",)
        told = await client.userinfo(found, clock.now_ms())
        assert told["email"] == "alice@example.com"
        await outbound.close()


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic"], None])
async def test_the_secret_goes_the_way_the_issuer_likes(stage: Stage, methods: Json) -> None:
    stage.issuer.faults.discovery = {"token_endpoint_auth_methods_supported": methods}
    assert isinstance(await stage.sign_in(), SignedIn)


async def test_a_client_without_a_secret_signs_in_by_pkce_alone(stage: Stage) -> None:
    stage.client = stage.other(OidcApp("public", BACK))
    assert isinstance(await stage.sign_in(), SignedIn)


async def test_the_address_has_all_that_protects_the_sign_in(stage: Stage) -> None:
    address = await stage.client.address(BEGUN, stage.clock.now_ms())
    asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] == challenge_of(BEGUN.verifier)
    assert (asked["state"], asked["nonce"]) == (BEGUN.state, BEGUN.nonce)
    assert BEGUN.verifier not in address
    assert SECRET not in address


async def test_a_code_works_once(stage: Stage) -> None:
    back = await stage.browse()
    assert isinstance(await stage.finish(back), SignedIn)
    assert refusal(await stage.finish(back)) == "code"


async def test_a_code_of_another_sign_in_is_refused_by_pkce(stage: Stage) -> None:
    back = await stage.browse()
    mine = Begun(BEGUN.state, BEGUN.nonce, "another-verifier-" + "w" * 43)
    assert refusal(await stage.finish(back, mine)) == "code"


async def test_an_id_token_of_another_sign_in_is_refused_by_its_nonce(stage: Stage) -> None:
    back = await stage.browse()
    mine = Begun(BEGUN.state, "another-nonce", BEGUN.verifier)
    assert refusal(await stage.finish(back, mine)) == "nonce"


async def test_an_answer_of_another_issuer_is_not_exchanged(stage: Stage) -> None:
    """Mixed issuers: the code of one is never handed to the other."""
    back = await stage.browse()
    for iss in ("https://evil.example", "", None):
        found = await stage.client.finish(back["code"], BEGUN, stage.clock.now_ms(), issuer=iss)
        assert refusal(found) == "mixed_issuer"
    assert not any(line.endswith("/token") for line in stage.issuer.requests)


async def test_an_issuer_that_does_not_name_itself_is_taken_without(stage: Stage) -> None:
    stage.issuer.faults.strips_iss = True
    stage.issuer.faults.discovery = {"authorization_response_iss_parameter_supported": False}
    assert isinstance(await stage.sign_in(), SignedIn)


@pytest.mark.parametrize("code", ["", "x" * 2_049, "a b\n", "ß", "\x00"])
async def test_a_code_that_is_none_is_not_sent(stage: Stage, code: str) -> None:
    found = await stage.client.finish(
        code, BEGUN, stage.clock.now_ms(), issuer=stage.issuer.address
    )
    assert refusal(found) == "code"
    assert not any(line.endswith("/token") for line in stage.issuer.requests)


@pytest.mark.parametrize(
    ("claims", "header", "code"),
    [
        ({"nonce": None}, {}, "nonce"),
        ({"aud": "other"}, {}, "audience"),
        ({"aud": ["hookyard", "other"]}, {}, "party"),
        ({"azp": "other"}, {}, "party"),
        ({"iss": "https://evil.example"}, {}, "issuer"),
        ({"exp": 1}, {}, "expired"),
        ({"iat": None}, {}, "no_issue_time"),
        ({"sub": None}, {}, "bad_claims"),
        ({"sub": ""}, {}, "bad_claims"),
        ({}, {"alg": "none"}, "algorithm"),
        ({}, {"alg": "HS256"}, "algorithm"),
        ({}, {"kid": "made-up"}, "unknown_key"),
        ({}, {"typ": "at+jwt"}, "type"),
        ({}, {"crit": ["x"]}, "crit"),
        ({}, {"jwk": {"kty": "RSA"}}, "header_key"),
    ],
)
async def test_an_id_token_is_held_to_what_is_expected(
    stage: Stage, claims: dict[str, Json], header: dict[str, Json], code: str
) -> None:
    stage.issuer.faults.claims, stage.issuer.faults.header = claims, header
    assert refusal(await stage.sign_in()) == code


async def test_an_id_token_of_a_key_that_is_not_published_is_refused(stage: Stage) -> None:
    stage.issuer.faults.signer = True
    stage.issuer.faults.header = {"kid": "key-1"}
    assert refusal(await stage.sign_in()) == "bad_signature"


async def test_an_id_token_without_a_key_id_is_taken(stage: Stage) -> None:
    stage.issuer.faults.header = {"kid": None}
    assert isinstance(await stage.sign_in(), SignedIn)


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_clock_ten_minutes_off_says_so(stage: Stage, minutes: int) -> None:
    stage.issuer.faults.skew_ms = minutes * 60_000
    found = await stage.sign_in()
    assert isinstance(found, Refused)
    assert found.code == ("future" if minutes > 0 else "expired")
    assert "clocks" in found.detail


async def test_a_wrong_secret_is_the_set_ups_fault_and_stays_secret(stage: Stage) -> None:
    client = stage.other(OidcApp("hookyard", BACK, Secret("planted-wrong")))
    stage.client = client
    with pytest.raises(OidcRefused) as caught:
        await stage.sign_in()
    assert "invalid_client" in str(caught.value)
    assert "planted" not in str(caught.value)


async def test_an_issuer_in_trouble_is_unavailable(stage: Stage) -> None:
    back = await stage.browse()
    stage.issuer.faults.token_status = 500
    with pytest.raises(OidcUnavailable):
        await stage.finish(back)


async def test_an_issuer_without_pkce_is_not_used(stage: Stage) -> None:
    stage.issuer.faults.discovery = {"code_challenge_methods_supported": ["plain"]}
    with pytest.raises(OidcRefused) as caught:
        await stage.client.address(BEGUN, stage.clock.now_ms())
    assert caught.value.code == "no_pkce"


@pytest.mark.parametrize("endpoint", ["", "javascript:alert(1)", "//evil.example", "data:x"])
async def test_a_sign_in_page_that_is_no_page_is_not_sent_to(stage: Stage, endpoint: str) -> None:
    stage.issuer.faults.discovery = {"authorization_endpoint": endpoint}
    with pytest.raises(OidcRefused):
        await stage.client.address(BEGUN, stage.clock.now_ms())


async def test_the_secret_is_not_sent_to_an_address_inside(stage: Stage) -> None:
    back = await stage.browse()
    stage.issuer.faults.discovery = {"token_endpoint": "http://169.254.169.254/token"}
    client = stage.other(OidcApp("hookyard", BACK, Secret(SECRET)))
    with pytest.raises(OidcError) as caught:
        await client.finish(back["code"], BEGUN, stage.clock.now_ms(), issuer=back["iss"])
    assert caught.value.code.startswith("outbound_")


async def test_userinfo_about_somebody_else_is_not_believed(stage: Stage) -> None:
    found = await stage.sign_in()
    assert isinstance(found, SignedIn)
    stage.issuer.desk.people[found.access_token.reveal()] = Person("u-2", "Mallory")
    with pytest.raises(OidcRefused) as caught:
        await stage.client.userinfo(found, stage.clock.now_ms())
    assert caught.value.code == "userinfo_subject"


def test_each_sign_in_has_secrets_of_its_own() -> None:
    count = iter(range(100))
    begun = begin(lambda size: bytes([next(count)]) * size)
    assert len({begun.state, begun.nonce, begun.verifier}) == 3
    # spec: RFC 7636 section 4.1: a verifier has 43 to 128 characters.
    assert 43 <= len(begun.verifier) <= 128
    assert begun.verifier not in repr(begun)
    # spec: RFC 7636 appendix B.
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
