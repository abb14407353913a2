"""The simulated issuer: clients, people and keys from Python, the protocol over loopback HTTP.

`with Issuer() as issuer:` serves it; `issuer.address` is what to configure as the issuer.
"""

import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.server import Connections, Server
from hookyard_sandbox.oidc.app import make_app
from hookyard_sandbox.oidc.desk import CODE_MS, Desk
from hookyard_sandbox.oidc.model import Client, Faults, Person
from hookyard_sandbox.oidc.signing import SigningKey

TOKEN_S = 300


class Issuer:
    """One issuer. `path` is where under the host it lives, as `/realm`."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        port: int = 0,
        path: str = "",
        algorithm: str = "RS256",
        random_text: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self.clock = clock or SystemClock()
        self.faults = Faults()
        self.requests: list[str] = []
        self.person: Person | None = None
        self._algorithm = algorithm
        self._made = 0
        self._stranger = SigningKey("stranger", algorithm, number=-1)
        self.keys: list[SigningKey] = [self._new_key()]
        self.desk = Desk(self, random_text)
        self._server = Server(make_app(self, path), Connections(), port)
        self.address = f"http://127.0.0.1:{self._server.port}{path}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()

    def register(self, client_id: str, *redirect_uris: str, secret: str | None = None) -> Client:
        """A client that may use these redirects and no others."""
        client = Client(client_id, redirect_uris, secret)
        self.desk.clients[client_id] = client
        return client

    def sign_in_as(self, person: Person | None) -> None:
        """Who sits before the browser from now on; None: somebody who declines."""
        self.person = person

    def rotate(self, *, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on; the old ones stay published only if kept."""
        self.keys = [self._new_key(), *(self.keys if keep_old else ())]
        return self.keys[0]

    def now_ms(self) -> int:
        """The time on the issuer's clock."""
        return self.clock.now_ms() + self.faults.skew_ms

    def token(self, audience: str, subject: str, **more: Json) -> str:
        """A signed token, with the faults that are switched on."""
        now_s = self.now_ms() // 1000
        claims: dict[str, Json] = {
            "iss": self.address,
            "aud": audience,
            "sub": subject,
            "iat": now_s,
            "exp": now_s + TOKEN_S,
        }
        merged = claims | more | self.faults.claims
        return self._signer().sign(
            {name: value for name, value in merged.items() if value is not None},
            self.faults.header,
        )

    def actions_token(self, audience: str, **more: Json) -> str:
        """A token as GitHub Actions gives to a job, of a push to the main branch of acme/shop.

        # spec: docs.github.com, "OpenID Connect", the claims of an OIDC token.
        """
        facts: dict[str, Json] = {
            "repository": "acme/shop",
            "repository_id": "1001",
            "repository_owner": "acme",
            "repository_owner_id": "501",
            "repository_visibility": "private",
            "ref": "refs/heads/main",
            "ref_type": "branch",
            "sha": "a" * 40,
            "event_name": "push",
            "workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
            "job_workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
            "run_id": "77001",
            "run_attempt": "1",
            "runner_environment": "github-hosted",
            "actor": "octocat",
            "jti": secrets.token_hex(8),
        }
        return self.token(audience, "repo:acme/shop:ref:refs/heads/main", **(facts | more))

    def discovery(self) -> JsonObject:
        """The issuer's document."""
        base = self.address
        document: dict[str, Json] = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self._algorithm],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic", "client_secret_post", "none",
            ],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }  # fmt: skip
        return document | self.faults.discovery

    def key_set(self) -> JsonObject:
        """The published keys."""
        return {"keys": [key.public() for key in self.keys]}

    def _signer(self) -> SigningKey:
        return self._stranger if self.faults.signer else self.keys[0]

    def _new_key(self) -> SigningKey:
        self._made += 1
        return SigningKey(f"key-{self._made}", self._algorithm, number=self._made)


__all__ = ["CODE_MS", "Client", "Issuer", "Person"]
