"""What really happened outside the database: who asked for what, and what attempts said."""

from dataclasses import dataclass, field

from tests.support.chaos_model import Ack, Want


@dataclass(slots=True)
class Parcel:
    """One delivery as its sender knows it; it is sent until it is acknowledged."""

    name: str
    guid: str
    body: bytes
    headers: dict[bytes, bytes]
    want: Want
    acks: list[Ack] = field(default_factory=list)
    sends: int = 0
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """How an attempt ended by its handler's own account. `applies`: with a write of its own."""

    word: str
    applies: bool = False


@dataclass(slots=True)
class Book:
    """Filled while a simulation runs, read by the checks."""

    parcels: list[Parcel] = field(default_factory=list)
    enqueued: dict[str, str] = field(default_factory=dict)
    """Job ids whose request was answered, with the kind."""
    cancelled: set[str] = field(default_factory=set)
    """Jobs that somebody asked to cancel."""
    replayed: set[str] = field(default_factory=set)
    said: dict[tuple[str, int], Said] = field(default_factory=dict)
    asks_open: int = 0
    """Requests of people that are not answered yet, or never will be."""
