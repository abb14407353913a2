"""From a JSON web token to an actor: which issuer's it is, whether it is good, what it may do.

The issuer named in the token only picks what is configured for it; an issuer that is not
configured is asked nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from hookyard.adapters.oidc.port import Claims, Expectations, KeySource
from hookyard.adapters.oidc.port import Refused as BadToken
from hookyard.adapters.oidc.segments import peek
from hookyard.adapters.oidc.verify import verify
from hookyard.core.identity.issuers import Issuer, WorkloadTerms
from hookyard.core.identity.model import Actor, Authenticated, Refused
from hookyard.core.identity.service_tokens import service_actor
from hookyard.core.identity.workloads import workload_actor
from hookyard.kit.errors import Unavailable

RETRY_S = 10


@dataclass(frozen=True, slots=True)
class Accepted:
    """An actor by its token, good until an instant in milliseconds, and only while `keys` has not
    changed since `generation`."""

    actor: Actor
    until_ms: int
    keys: KeySource
    generation: int

    def is_good(self, now_ms: int) -> bool:
        """Whether this may still be taken from memory."""
        return now_ms < self.until_ms and self.keys.generation == self.generation


Judged: TypeAlias = Accepted | Refused


@dataclass(frozen=True, slots=True)
class _Trusted:
    issuer: Issuer
    keys: KeySource
    expected: Expectations


class Trail(Protocol):
    """Is told of refused tokens that a trusted issuer did sign."""

    async def refused(self, issuer_id: str, refusal: Refused, now_ms: int) -> None:
        """One refused token."""
        ...


# How `verify` refuses before it has found a signature that holds: anybody can send these.
UNSIGNED = frozenset(
    {"too_large", "malformed", "crit", "header_key", "type", "algorithm", "unknown_key"}
    | {"bad_signature"}
)


class Trust:
    """Every issuer whose tokens are accepted, with where its keys come from."""

    def __init__(
        self, issuers: Sequence[tuple[Issuer, KeySource]], trail: Trail | None = None
    ) -> None:
        self._trail = trail
        self._named: Mapping[str, _Trusted] = {
            issuer.issuer: _trusted(issuer, keys)
            for issuer, keys in issuers
            if issuer.issuer is not None
        }
        unnamed = [_trusted(issuer, keys) for issuer, keys in issuers if issuer.issuer is None]
        self._unnamed = unnamed[0] if unnamed else None

    async def judge(self, token: str, now_ms: int) -> Judged:
        """The actor of a token, or why there is none. Unavailable when its issuer's keys are."""
        said = peek(token)
        if isinstance(said, BadToken):
            return Refused(said.code, said.detail)
        trusted = self._named.get(said.issuer, self._unnamed)
        if trusted is None:
            return Refused("unknown_issuer", "tokens of this issuer are not accepted here")
        keys = await trusted.keys.keys(said.kid, now_ms)
        if isinstance(keys, BadToken):
            raise Unavailable(keys.detail, retry_after_s=RETRY_S)
        generation = trusted.keys.generation
        claims = verify(token, trusted.expected, keys, now_ms)
        if isinstance(claims, BadToken):
            return await self._refuse(trusted, Refused(claims.code, claims.detail), now_ms)
        actor = actor_of(trusted.issuer, claims)
        if isinstance(actor, Refused):
            return await self._refuse(trusted, actor, now_ms)
        return Accepted(actor, claims.expires_at_ms, trusted.keys, generation)

    async def _refuse(self, trusted: _Trusted, refusal: Refused, now_ms: int) -> Refused:
        if self._trail is not None and refusal.code not in UNSIGNED:
            await self._trail.refused(trusted.issuer.id, refusal, now_ms)
        return refusal


def actor_of(issuer: Issuer, claims: Claims) -> Authenticated:
    """What the claims of a verified token make of its bearer, by the issuer's terms."""
    if isinstance(issuer.terms, WorkloadTerms):
        return workload_actor(issuer.id, issuer.terms, claims)
    return service_actor(issuer.id, issuer.terms, claims)


def _trusted(issuer: Issuer, keys: KeySource) -> _Trusted:
    expected = Expectations(issuer.issuer, issuer.audiences, issuer.max_lifetime_s)
    return _Trusted(issuer, keys, expected)
