"""What the webhook route needs of whoever keeps its secrets fresh."""

from typing import Protocol


class Renewal(Protocol):
    """Secrets read again when a signature was refused: seldom, however many are refused."""

    def may_ask(self, source: str) -> bool:
        """Whether asking is of use now."""
        ...

    async def ask(self, source: str) -> bool:
        """Whether the source has other secrets now."""
        ...
