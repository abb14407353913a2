"""What is asked of the outside, what comes back, and how it goes wrong.

OutboundError
├── OutboundRefused    it must not be sent: address, scheme or redirect; repeating will not help
└── OutboundFailed     no usable answer: unreachable, too slow, too large, another content type
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

KIB = 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `accept` lists the content types that are read (empty: any).

    `max_bytes` bounds the answer, `total_s` the whole exchange in seconds, however slowly it
    drips. `redirects` counts how many are followed, by GET only, each checked like the first
    address; on the way to another host the headers are left behind. `into` is handed the body of
    an answer with status 200 as it comes, and the answer then has none.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    accept: tuple[str, ...] = ("application/json",)
    max_bytes: int = 100 * KIB
    total_s: float = 10.0
    redirects: int = 0
    into: Callable[[bytes], object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, lower-case headers and body of the last exchange; `url` is where it came from."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = ""


class OutboundError(Exception):
    """A request to the outside gave no usable answer. `code` is for counters."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class OutboundRefused(OutboundError):
    """The request must not be sent there."""


class OutboundFailed(OutboundError):
    """No usable answer came."""


class Outbound(Protocol):
    """Sends requests to addresses that are not to be trusted."""

    async def send(self, ask: Ask) -> Answer:
        """One exchange; OutboundError says why there is no answer. Any status is an answer."""
        ...


class Resolve(Protocol):
    """Looks a host name up."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Every address of the host; OSError when it has none."""
        ...
