"""A token as it is sealed for the shared tier, and read back only for what it was minted for."""

from dataclasses import dataclass, field

import msgspec

from hookyard.adapters.github.auth import AccessToken
from hookyard.core.identity.model import DEFAULT_TENANT
from hookyard.core.sealing.model import Place

TABLE, COLUMN = "token_cells", "cell"


class _Content(msgspec.Struct, array_like=True):
    """What a cell holds; the key is in it, so that a row that points elsewhere is found out."""

    app: str
    installation_id: int
    scope_key: str
    value: str
    minted_at_ms: int
    expires_at_ms: int
    permissions: dict[str, str]
    repositories: tuple[str, ...] | None


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(_Content).decode


@dataclass(frozen=True, slots=True)
class Opened:
    """A token out of the shared tier, and which scope it was minted for."""

    app: str
    scope_key: str
    token: AccessToken = field(repr=False)


def place_of(mint_id: str) -> Place:
    """Where a mint's cell stands. Apps are not of one tenant, so their tokens are not either."""
    return Place(DEFAULT_TENANT, TABLE, COLUMN, mint_id)


def content(app: str, scope_key: str, token: AccessToken) -> bytes:
    """What is sealed."""
    made = _Content(
        app,
        token.installation_id,
        scope_key,
        token.value,
        token.minted_at_ms,
        token.expires_at_ms,
        dict(token.permissions),
        token.repositories,
    )
    return _ENCODE(made)


def read(raw: bytes, mint_id: str) -> Opened:
    """The token again; msgspec.DecodeError for anything else."""
    found = _DECODE(raw)
    token = AccessToken(
        found.installation_id,
        found.value,
        found.minted_at_ms,
        found.expires_at_ms,
        found.permissions,
        found.repositories,
        mint_id,
    )
    return Opened(found.app, found.scope_key, token)
