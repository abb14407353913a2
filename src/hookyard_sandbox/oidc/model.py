"""What the simulated issuer knows: clients, people, codes, and what goes wrong on request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hookyard.kit.json import Json


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client; without a secret it is a public one. Redirects match whole."""

    id: str
    redirect_uris: tuple[str, ...]
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    subject: str
    name: str = ""
    email: str = ""
    more: Mapping[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Code:
    """One authorization code, and all that it is bound to."""

    client: Client
    redirect_uri: str
    challenge: str
    nonce: str
    person: Person
    expires_ms: int
    token: str = ""


@dataclass(slots=True)
class Faults:
    """What goes wrong, while it is switched on.

    `claims` overrides claims of ID tokens (None takes one out); `header` those of their header.
    `signer` signs with a key that is not published. Each of the `*_status` answers with that
    status; `discovery` overrides members of the document; `padding` adds so many bytes to it and
    to the key set.
    """

    claims: dict[str, Json] = field(default_factory=dict)
    header: dict[str, Json] = field(default_factory=dict)
    discovery: dict[str, Json] = field(default_factory=dict)
    signer: bool = False
    padding: int = 0
    discovery_status: int = 200
    jwks_status: int = 200
    token_status: int = 200
    redirect_to: str = ""
    skew_ms: int = 0
    strips_iss: bool = False

    def clear(self) -> None:
        """Switch everything off."""
        fresh = Faults()
        for name in Faults.__slots__:
            setattr(self, name, getattr(fresh, name))
