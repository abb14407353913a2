"""A stream of bytes cut into lines, and lines into batches. Pure.

Where a batch ends depends on the lines alone, not on how they arrived: whoever sends the same
lines again gets the same batches, and so the same keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE = 1024 * 1024
BATCH_LINES = 200
BATCH_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its number, the first is 1; `raw` is None for one that was too long to keep."""

    number: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that are written in one transaction; there is at least one."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> int:
        """The number of its first line."""
        return self.lines[0].number

    @property
    def content(self) -> bytes:
        """What is in it, to tell it from another batch."""
        return b"\n".join(
            b"%d %s" % (line.number, b"-" if line.raw is None else line.raw) for line in self.lines
        )


class Lines:
    """Cuts bytes as they come; holds one unfinished line and one unfinished batch."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._is_too_long = False
        self._number = 0
        self._batch: list[Line] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Batch]:
        """The batches that these bytes complete."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._keep(chunk[start:end])
            start = end + 1
            yield from self._line()
        self._keep(chunk[start:])

    def end(self) -> Iterator[Batch]:
        """What is left when the bytes are over; a last line needs no line feed."""
        if self._tail or self._is_too_long:
            yield from self._line()
        if self._batch:
            yield self._cut()

    def _keep(self, piece: bytes) -> None:
        if self._is_too_long or len(self._tail) + len(piece) > MAX_LINE:
            self._is_too_long = True
            self._tail.clear()
        else:
            self._tail += piece

    def _line(self) -> Iterator[Batch]:
        self._number += 1
        raw = bytes(self._tail).strip(b" \t\r")
        if raw or self._is_too_long:
            self._batch.append(Line(self._number, None if self._is_too_long else raw))
            self._size += len(raw)
        self._tail.clear()
        self._is_too_long = False
        if len(self._batch) >= BATCH_LINES or self._size >= BATCH_BYTES:
            yield self._cut()

    def _cut(self) -> Batch:
        found = Batch(tuple(self._batch))
        self._batch, self._size = [], 0
        return found
