"""What the client needs from whoever mints installation tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, eq=False)
class AccessToken:
    """An installation token; its value never shows in a repr. Instants are on our clock.

    `permissions` and `repositories` are what GitHub granted; `repositories` None means all of
    the installation's. `mint_id` names the mint where mints are recorded.
    """

    installation_id: int
    value: str = field(repr=False)
    minted_at_ms: int
    expires_at_ms: int
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: tuple[str, ...] | None = None
    mint_id: str = ""


class TokenSource(Protocol):
    """Gives tokens for whole installations, and is told when GitHub refuses one."""

    async def token(self, installation_id: int) -> AccessToken:
        """A token that is good for at least the source's margin; GitHubError when none is."""
        ...

    def reject(self, token: AccessToken) -> None:
        """GitHub answered 401 to this token: never give it out again."""
        ...
