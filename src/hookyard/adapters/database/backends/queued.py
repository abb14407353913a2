"""What waits for the writer: units, and items of batchers that become one unit together."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from hookyard.adapters.database.port import Sink, Unit


class Work:
    """One queued unit and where its result goes."""

    __slots__ = ("failed", "result", "sink", "work")
    short = False

    def __init__(self, work: Callable[[Unit], object], sink: Sink[object]) -> None:
        self.work = work
        self.sink = sink
        self.result: object = None
        self.failed: BaseException | None = None


class Batched:
    """One item of a batcher; neighbours of the same batcher run as one unit.

    `short` items may run on the event loop.
    """

    __slots__ = ("batcher", "failed", "item", "result", "short", "sink")

    def __init__(self, batcher: "Group", item: object, sink: Sink[object], *, short: bool) -> None:
        self.batcher = batcher
        self.item = item
        self.short = short
        self.sink = sink
        self.result: object = None
        self.failed: BaseException | None = None


Queued: TypeAlias = Work | Batched


class Group:
    """What a batcher's items run through, with the types put aside."""

    def __init__(self, work: "Callable[[Unit, Sequence[object]], Sequence[object]]") -> None:
        self.work = work
