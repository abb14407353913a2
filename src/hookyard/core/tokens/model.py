"""Types of installation tokens: what may be asked for, and why none can be had."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from hookyard.adapters.github.port import GitHubRefused
from hookyard.kit.errors import HookyardError, Invalid, NotFound
from hookyard.kit.json import JsonObject

MAX_REPOSITORIES = 500
MAX_TOKEN_CHARS = 1000
LEVELS: Mapping[str, int] = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is narrowed to, normalised so that equal scopes compare equal.

    `repositories` are names without owner, lower case, sorted; None means all of the
    installation's. `permissions` are (name, access) pairs, sorted; None means all granted.
    """

    repositories: tuple[str, ...] | None = None
    permissions: tuple[tuple[str, str], ...] | None = None

    @property
    def key(self) -> str:
        """The same for equal scopes, another for any other; 64 characters."""
        names = "*" if self.repositories is None else ",".join(self.repositories)
        pairs = "*"
        if self.permissions is not None:
            pairs = ",".join(f"{name}={access}" for name, access in self.permissions)
        return sha256(f"{names}\n{pairs}".encode()).hexdigest()


WHOLE = Scope()


def scope_of(
    repositories: Iterable[str] | None = None, permissions: Mapping[str, str] | None = None
) -> Scope:
    """A scope from what a caller asked; Invalid when it names too much or nothing.

    # spec: docs.github.com, "Create an installation access token": up to 500 repositories.
    """
    names = None
    if repositories is not None:
        names = tuple(sorted({name.rpartition("/")[2].strip().lower() for name in repositories}))
        if not names or "" in names:
            raise Invalid("name at least one repository, or leave the list out")
        if len(names) > MAX_REPOSITORIES:
            raise Invalid(f"a token can name at most {MAX_REPOSITORIES} repositories")
        if not all(_is_word(name) for name in names):
            raise Invalid("a repository's name has letters, digits, `.`, `_` and `-`")
    if permissions is not None and not permissions:
        raise Invalid("name at least one permission, or leave them out")
    for name, access in (permissions or {}).items():
        if access not in LEVELS or not _is_word(name):
            raise Invalid("a permission is a name with read, write or admin")
    pairs = None if permissions is None else normal_permissions(permissions)
    return Scope(names, pairs)


def normal_permissions(permissions: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Permissions as a scope holds them: sorted, without what comes with every token anyway.

    # spec: docs.github.com, "Choosing permissions for a GitHub App": metadata read is mandatory.
    """
    kept = {n: a for n, a in permissions.items() if (n, a) != ("metadata", "read")}
    return tuple(sorted((kept or permissions).items()))


def _is_word(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum()


class InstallationUnavailable(GitHubRefused):
    """The installation gives no tokens. `reason` is `gone` or `suspended`."""

    def __init__(self, installation_id: int, reason: str, status: int, message: str) -> None:
        self.installation_id = installation_id
        self.reason = reason
        super().__init__(status, message)


class InstallationGone(InstallationUnavailable):
    """The App is not installed there any more, or never was."""


class InstallationSuspended(InstallationUnavailable):
    """The account's owner suspended the installation."""


class MintState(StrEnum):
    """`asked` before GitHub is; `lost` when the process died before it heard the answer."""

    ASKED = "asked"
    MINTED = "minted"
    FAILED = "failed"
    LOST = "lost"
    REVOKED = "revoked"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks for a token, as the policy sees them. `claims` are those of a verified OIDC token.

    `label` is `kind:id`.
    """

    kind: str
    id: str
    name: str = ""
    tenant: str = "default"
    claims: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How audit and logs name them."""
        return f"{self.kind}:{self.id}"


OURSELVES = Who("system", "hookyard", "Hookyard itself")


@dataclass(frozen=True, slots=True)
class Place:
    """An installation as GitHub tells of it: whose it is, and what it was granted.

    `app_permissions` is what the App itself asks of every installation.
    """

    installation_id: int
    app_id: int
    account: str
    granted: Mapping[str, str]
    app_permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mint:
    """One mint as recorded; never the token, only its SHA-256 (hexadecimal).

    `app` is the App's number with its host, as 12@api.github.com.
    """

    id: str
    tenant: str
    state: MintState
    app: str
    installation_id: int
    account: str
    actor: str
    rule: str
    scope: Scope
    campaign: str
    asked_at_ms: int
    minted_at_ms: int | None = None
    expires_at_ms: int | None = None
    token_sha256: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: tuple[str, ...] | None = None
    revoked_at_ms: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """Who a mint is made for, and by which rule."""

    who: Who = OURSELVES
    account: str = ""
    rule: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One recorded request: the first time an actor got a mint, or a refusal.

    `asked` is the scope as the caller named it, `scope` as it was given; `granted` are the
    installation's permissions at that time.
    """

    id: str
    at_ms: int
    who: Who
    installation_id: int
    account: str
    scope: Scope
    asked: Scope
    campaign: str
    allowed: bool
    rule: str
    reason: str
    mint_id: str
    granted: Mapping[str, str] = field(default_factory=dict)


class MintRefused(HookyardError):
    """The token is not given out. `facts` says what was asked and what there is."""

    code = "mint_refused"
    status = 403

    def __init__(
        self, detail: str, *, code: str | None = None, facts: JsonObject | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.facts = facts or {}


class InstallationUnknown(NotFound):
    """No App here has this installation, or it lies outside what the caller may reach."""

    code = "installation_unknown"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for: an installation by id, or an account (`installation_id` 0).

    `owners` are those that repositories were named with; each must be the account's own. `app`
    names one of several Apps, "" whichever fits.
    """

    installation_id: int
    account: str = ""
    app: str = ""
    scope: Scope = WHOLE
    owners: tuple[str, ...] = ()
    min_ttl_s: float = 0.0
    campaign: str = ""
