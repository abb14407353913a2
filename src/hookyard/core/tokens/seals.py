"""What the token service needs of sealing."""

from typing import Protocol

from hookyard.core.sealing.model import Place


class Seals(Protocol):
    """Seals a value for its place in the database; `core.sealing` does it."""

    async def ready(self, tenant: str) -> None:
        """Have the tenant's keys at hand; Unavailable when they cannot be had."""
        ...

    def seal(self, place: Place, plaintext: bytes, /) -> bytes:
        """The sealed value."""
        ...

    async def unseal(self, place: Place, cell: bytes, /) -> bytes:
        """The value again; raises for one that was changed or stood elsewhere."""
        ...
