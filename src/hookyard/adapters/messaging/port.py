"""The messaging port: one message at a time, every outcome typed.

MessagingError
├── MessagingRefused    repeating will not help; `code` is the service's own word
├── MessagingLimited    a rate limit holds; nothing was done; `until_ms`
├── MessagingFailed     nothing was done: no connection, or the service says that it failed before
└── MessagingUnclear    it was sent and no usable answer came: it may stand there
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that stands: the conversation it is in, and its id there."""

    conversation: str
    id: str

    def __str__(self) -> str:
        return f"{self.conversation}:{self.id}"

    @classmethod
    def of(cls, text: str) -> "Posted":
        """Back from `str`."""
        conversation, _, found = text.partition(":")
        return cls(conversation, found)


class MessagingError(Exception):
    """The service did not do what was asked."""


class MessagingRefused(MessagingError):
    """The service refused; repeating will not help."""

    def __init__(self, code: str, hint: str = "") -> None:
        self.code = code
        super().__init__(f"refused: {code}" + (f"; {hint}" if hint else ""))


class MessagingLimited(MessagingError):
    """A rate limit holds until an instant; nothing was done."""

    def __init__(self, until_ms: int) -> None:
        self.until_ms = until_ms
        super().__init__(f"a rate limit holds until {until_ms}")


class MessagingFailed(MessagingError):
    """Nothing was done."""


class MessagingUnclear(MessagingError):
    """It may have been done. Look before repeating."""


class Messages(Protocol):
    """Sends messages. `target` is a person or a conversation; `key` names the message, so that it
    can be known again."""

    async def post(self, target: str, text: str, key: str) -> Posted:
        """A new message; raises MessagingError."""
        ...

    async def edit(self, posted: Posted, text: str, key: str) -> Posted:
        """Other words in the place of a message's; MessagingRefused when it is gone."""
        ...

    async def find(self, target: str, key: str, since_ms: int) -> Posted | None:
        """Our message of this key among those since an instant; None when there is none.

        MessagingRefused when we may not look there.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
