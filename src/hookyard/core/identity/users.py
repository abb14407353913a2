"""Types of people: who signed in, by which identity, and the session they hold. Pure."""

from dataclasses import dataclass, field

from hookyard.core.identity.model import Actor


@dataclass(frozen=True, slots=True)
class Profile:
    """What an identity provider says of a person.

    (`issuer`, `subject`) is who it is; the rest is for people to read. `issuer` is the address of
    the provider: `https://github.com` or an OIDC issuer. `subject` is GitHub's number or `sub`.
    """

    issuer: str
    subject: str
    login: str
    name: str = ""
    email: str | None = None
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person as kept. The texts are those of the last sign-in; instants are milliseconds."""

    id: str
    tenant: str
    login: str
    name: str
    email: str | None
    avatar_url: str | None
    created_at_ms: int
    signed_in_at_ms: int


@dataclass(frozen=True, slots=True)
class Identity:
    """One way a user signs in."""

    issuer: str
    subject: str
    user_id: str
    login: str


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser as kept: never the cookie, only its SHA-256 (hexadecimal).

    `mark` is a digest of the grants its holder had when the cookie was given out; `client` is what
    the browser called itself. Its `id` is for lists and is no credential.
    """

    id: str
    token_sha256: str = field(repr=False)
    user_id: str
    tenant: str
    issuer: str
    subject: str
    mark: str
    client: str
    created_at_ms: int
    seen_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the cookie that opens it, known only now."""

    session: Session
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Held:
    """A live session, whose it is, and how they signed in."""

    session: Session
    user: User
    identity: Identity


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose cookie was good. `csrf_token` is what unsafe requests must send as a
    header; `replacement` is a cookie that takes the place of the one sent, when rights changed."""

    actor: Actor
    held: Held
    csrf_token: str = field(repr=False)
    replacement: Opened | None = None
