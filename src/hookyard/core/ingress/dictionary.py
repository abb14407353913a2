"""Dictionaries: what bodies of deliveries have in common, learnt from those that came before.

# why: webhooks of one organisation repeat most of themselves (addresses, names, templates). With a
# dictionary of 32 KiB, zstd packs bodies it has not seen in a third of the time and a quarter of
# the room (docs/decisions/0050 has the figures). A packed frame names its dictionary by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import zstandard

LEVEL = 1
SHORT_BODY = 64 * 1024
LEAST_SAMPLES = 64
SIZES = (8 * 1024, 16 * 1024, 32 * 1024)
WORTH = 0.85
FIRST_ID, LAST_ID = 32_768, 2**31 - 1
WATCHED = 500
MUCH_WORSE, LEAST_LOSS = 1.5, 100


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """A trained dictionary. `id` is what frames name it by."""

    id: int
    data: zstandard.ZstdCompressionDict

    @staticmethod
    def of(content: bytes) -> "Dictionary":
        """The dictionary in these bytes; ValueError when they are none."""
        data = zstandard.ZstdCompressionDict(content)
        if data.dict_id() == 0:
            raise ValueError("the stored dictionary is damaged")
        return Dictionary(data.dict_id(), data)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A dictionary that is worth having: bytes of the test bodies packed before and with it."""

    content: bytes
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Nothing new was learnt, and why."""

    reason: str


class Compressor:
    """zstd level 1 with reused contexts; one per thread. Short bodies go by the dictionary, and
    are counted, with their bytes before and after."""

    def __init__(self) -> None:
        self._plain = zstandard.ZstdCompressor(level=LEVEL)
        self._short = self._plain
        self.dictionary: int | None = None
        self.count = self.size = self.packed = 0

    def use(self, dictionary: Dictionary | None) -> None:
        """Pack short bodies with this dictionary from now on; None: without."""
        self._short = self._plain if dictionary is None else _compressor(dictionary)
        self.dictionary = None if dictionary is None else dictionary.id

    def __call__(self, body: bytes) -> bytes:
        size = len(body)
        if size > SHORT_BODY:
            return self._plain.compress(body)
        packed = self._short.compress(body)
        self.count += 1
        self.size += size
        self.packed += len(packed)
        return packed


class Watch:
    """Whether bodies have come to be packed worse than they were with the same dictionary."""

    def __init__(self, compressor: Compressor) -> None:
        self._compressor = compressor
        self.reset()

    def reset(self) -> None:
        """Hold later bodies against those that come next, of which the best `WATCHED` count."""
        self._best: float | None = None
        self._mark()

    def is_worse(self) -> bool:
        """Whether the newest bodies, `WATCHED` or more, take half as much again as the best did;
        False as long as fewer came since it was last asked, or without a dictionary."""
        it = self._compressor
        count, size = it.count - self._count, it.size - self._size
        if count < WATCHED or it.dictionary is None or not size:
            return False
        packed = it.packed - self._packed
        self._mark()
        share = packed / size
        if self._best is None or share < self._best:
            self._best = share
        return share > self._best * MUCH_WORSE and packed - self._best * size > LEAST_LOSS * count

    def _mark(self) -> None:
        it = self._compressor
        self._count, self._size, self._packed = it.count, it.size, it.packed


def wanted(payload: bytes) -> int:
    """The number of the dictionary a packed body needs; 0 for none, and for what is no frame."""
    try:
        return zstandard.get_frame_parameters(payload).dict_id
    except zstandard.ZstdError:
        return 0


def decompress(payload: bytes, limit: int, dictionary: Dictionary | None = None) -> bytes:
    """The body of a stored payload; ValueError when it is damaged, larger than `limit` bytes, or
    needs a dictionary other than this one."""
    try:
        size = zstandard.frame_content_size(payload)
        if 0 <= size <= limit:
            known = zstandard.ZstdDecompressor(dict_data=dictionary.data if dictionary else None)
            return known.decompress(payload, max_output_size=max(size, 1))
    except zstandard.ZstdError:
        raise ValueError("the stored payload is damaged") from None
    raise ValueError("the stored payload is not one of ours")


def learn(
    bodies: Sequence[bytes], present: Dictionary | None, random: Random, *, stale: bool = False
) -> Learnt | Kept:
    """Train on three quarters of the bodies and try on the rest; takes some tens of milliseconds.

    A dictionary is worth having when it saves 15 % over `present`; where that one is `stale`,
    when it saves 15 % over none.
    """
    if len(bodies) < LEAST_SAMPLES:
        return Kept(f"{len(bodies)} bodies are too few to learn from")
    mixed = list(bodies)
    random.shuffle(mixed)
    tried, known = mixed[: len(mixed) // 4], mixed[len(mixed) // 4 :]
    base = _packed(tried, None if stale else present)
    found: list[tuple[int, bytes]] = []
    for size in SIZES:
        content = _trained(known, size, random.randrange(FIRST_ID, LAST_ID))
        if content is not None:
            found.append((_packed(tried, Dictionary.of(content)), content))
    if not found:
        return Kept("the bodies are too few or too short to learn from")
    after, content = min(found, key=lambda pair: pair[0])
    if after > base * WORTH:
        return Kept(f"a new dictionary would pack {base} bytes as {after}: not worth it")
    return Learnt(content, base, after)


def _trained(bodies: Sequence[bytes], size: int, dict_id: int) -> bytes | None:
    try:
        return zstandard.train_dictionary(size, [*bodies], level=LEVEL, dict_id=dict_id).as_bytes()
    except zstandard.ZstdError:
        return None


def _packed(bodies: Sequence[bytes], dictionary: Dictionary | None) -> int:
    compressor = Compressor()
    compressor.use(dictionary)
    return sum(len(compressor(body)) for body in bodies)


def _compressor(dictionary: Dictionary) -> zstandard.ZstdCompressor:
    dictionary.data.precompute_compress(level=LEVEL)
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary.data)
