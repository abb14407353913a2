"""What sign-in needs of an identity provider."""

from dataclasses import dataclass, field
from typing import Protocol

from hookyard.core.identity.users import Profile


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser is sent to a provider with. Of `verifier` only its S256 challenge is sent."""

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, with what only this browser's sign-in knows. `issuer` is RFC 9207's `iss`,
    "" where the provider sent none."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str
    issuer: str = ""


class SignInProvider(Protocol):
    """One provider people sign in with."""

    @property
    def issuer(self) -> str:
        """Its address, which names it in the database."""
        ...

    async def address(self, question: Question) -> str:
        """Where the browser goes. Unavailable when the provider cannot be reached."""
        ...

    async def profile(self, reply: Reply) -> Profile:
        """Who it is. Invalid (`signin_refused`) when the provider does not vouch for the reply,
        Unavailable when it cannot be asked. Nothing it gave is kept."""
        ...
