"""Signing in with an issuer that is not ours and enforces PKCE: npm's oidc-provider."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from secrets import token_bytes
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.oidc.client import OidcApp, OidcClient, Outcome, SignedIn
from hookyard.adapters.oidc.errors import OidcRefused
from hookyard.adapters.oidc.pkce import Begun, begin
from hookyard.adapters.oidc.port import ASYMMETRIC, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.kit.clock import SystemClock
from hookyard.kit.secret import Secret
from tests.support.oidc_peer import Peer, require_peer, sign_in

pytestmark = pytest.mark.npm
BACK = "https://hookyard.example/auth/oidc/callback"


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    require_peer()
    with Peer(BACK) as running:
        yield running


@dataclass
class Stage:
    """Clients of the peer, and a clock that agrees with it."""

    peer: Peer
    outbound: GuardedHttp
    now_ms: int

    def client(self, client_id: str, secret: str | None = None) -> OidcClient:
        provider = Provider(self.peer.issuer, self.outbound, ASYMMETRIC)
        app = OidcApp(client_id, BACK, (secret and Secret(secret)) or None)
        return OidcClient(provider, app, self.outbound)

    async def sign_in(
        self, client: OidcClient, begun: Begun, other: Begun | None = None
    ) -> Outcome:
        address = await client.address(begun, self.now_ms)
        back = await sign_in(address, BACK)
        assert back["state"] == begun.state
        return await client.finish(
            back["code"], other or begun, self.now_ms, issuer=back.get("iss")
        )


@pytest.fixture
async def stage(peer: Peer) -> AsyncIterator[Stage]:
    outbound = GuardedHttp(["127.0.0.1"])
    yield Stage(peer, outbound, SystemClock().now_ms())
    await outbound.close()


@pytest.mark.parametrize(
    ("client_id", "secret"), [("confidential", "a secret of the peer"), ("public", None)]
)
async def test_a_person_signs_in(stage: Stage, client_id: str, secret: str | None) -> None:
    client = stage.client(client_id, secret)
    found = await stage.sign_in(client, begin(token_bytes))
    assert isinstance(found, SignedIn), found
    assert (found.claims.subject, found.claims.issuer) == ("alice", stage.peer.issuer)
    told = await client.userinfo(found, stage.now_ms)
    assert told["email"] == "alice@example.com"


async def test_another_verifier_is_refused_by_the_issuer(stage: Stage) -> None:
    client = stage.client("confidential", "a secret of the peer")
    begun, other = begin(token_bytes), begin(token_bytes)
    found = await stage.sign_in(client, begun, Begun(begun.state, begun.nonce, other.verifier))
    assert isinstance(found, Refused)
    assert found.code == "code"


async def test_another_nonce_is_refused_by_us(stage: Stage) -> None:
    client = stage.client("confidential", "a secret of the peer")
    begun = begin(token_bytes)
    found = await stage.sign_in(client, begun, Begun(begun.state, "another", begun.verifier))
    assert isinstance(found, Refused)
    assert found.code == "nonce"


async def test_a_code_works_once(stage: Stage) -> None:
    client = stage.client("confidential", "a secret of the peer")
    begun = begin(token_bytes)
    back = await sign_in(await client.address(begun, stage.now_ms), BACK)
    first = await client.finish(back["code"], begun, stage.now_ms, issuer=back["iss"])
    assert isinstance(first, SignedIn), first
    second = await client.finish(back["code"], begun, stage.now_ms, issuer=back["iss"])
    assert isinstance(second, Refused)


async def test_a_wrong_secret_is_the_set_ups_fault(stage: Stage) -> None:
    client = stage.client("confidential", "planted-wrong")
    with pytest.raises(OidcRefused, match="invalid_client") as caught:
        await stage.sign_in(client, begin(token_bytes))
    assert "planted" not in str(caught.value)


async def test_without_a_challenge_the_issuer_gives_no_code(stage: Stage) -> None:
    """The peer does enforce PKCE: what the tests above prove is not for nothing."""
    client = stage.client("confidential", "a secret of the peer")
    address = await client.address(begin(token_bytes), stage.now_ms)
    base, _, query = address.partition("?")
    asked = {k: v[0] for k, v in parse_qs(query).items() if not k.startswith("code_challenge")}
    back = await sign_in(f"{base}?{urlencode(asked)}", BACK)
    assert back["error"] == "invalid_request"
    assert "PKCE" in back["error_description"]
    assert urlsplit(base).hostname == "127.0.0.1"
