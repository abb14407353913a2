"""Proof key for code exchange, and what else a sign-in begins with. Pure.

# spec: RFC 7636 (method S256 only), RFC 9700 (best current practice of OAuth 2.0).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from hookyard.adapters.oidc.segments import encode

ENTROPY = 32


@dataclass(frozen=True, slots=True)
class Begun:
    """The three secrets of one sign-in: kept here until its answer comes, then spent."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def begin(random_bytes: Callable[[int], bytes]) -> Begun:
    """Fresh secrets of 256 bits each."""
    return Begun(*(encode(random_bytes(ENTROPY)) for _ in range(3)))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return encode(hashlib.sha256(verifier.encode("ascii")).digest())
