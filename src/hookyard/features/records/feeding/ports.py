"""What sending changes needs of other rooms and of the outside."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.adapters.http.port import Answer, Ask
from hookyard.core.sealing.model import Place

IsOver: TypeAlias = Callable[[Unit, str], bool]
"""Whether a job has ended, or is not known any more."""


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


class Web(Protocol):
    """Requests to addresses that are not to be trusted."""

    async def check(self, url: str) -> None:
        """OutboundError when a request must not, or could not, be sent there now."""
        ...

    async def send(self, ask: Ask) -> Answer:
        """One exchange; OutboundError says why there is no answer."""
        ...
