"""Answers worth asking again conditionally: a bounded, least-recently-used cache.

# spec: docs.github.com, "Best practices": an authorised conditional request that is answered 304
# does not count against the primary limit.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A 200 as it came: its tag, headers and raw JSON, so that every reader decodes its own."""

    etag: str
    headers: Mapping[str, str]
    body: bytes


class ETagCache:
    """Bounded by entries and by bytes of body; keyed by installation and full address."""

    def __init__(self, max_entries: int = 2000, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[int | None, str], Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, installation_id: int | None, url: str) -> Kept | None:
        """What is kept for this address, now the most recently used."""
        kept = self._kept.get((installation_id, url))
        if kept is not None:
            self._kept.move_to_end((installation_id, url))
        return kept

    def put(self, installation_id: int | None, url: str, kept: Kept) -> None:
        """Keep an answer, dropping the least recently used ones beyond the bounds."""
        self._drop((installation_id, url))
        if len(kept.body) > min(_LARGEST, self._max_bytes):
            return
        self._kept[(installation_id, url)] = kept
        self._bytes += len(kept.body)
        while len(self._kept) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def forget(self, installation_id: int) -> None:
        """Drop everything read through one installation."""
        for key in [key for key in self._kept if key[0] == installation_id]:
            self._drop(key)

    def _drop(self, key: tuple[int | None, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.body)
