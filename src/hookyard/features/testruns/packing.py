"""A report's cases on their way to storage: packed in blocks, notable ones beside.

Cases that passed and name no criterion are only in the blocks: a report of 150,000 comes to some
dozens of rows.
"""

from collections.abc import Iterable, Mapping

import msgspec
import zstandard

from hookyard.features.testruns.keys import Keys
from hookyard.features.testruns.model import Block, Case, Notable, Outcome

BLOCK_CASES = 4_000
LEVEL = 1
MAX_CLAIMING = 20_000
MAX_FAILING = 5_000
MAX_UNPACKED = 512 * 1024 * 1024
_PLAIN_SKIPS = 1_000
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Case])

Names = tuple[str, str, str, int]


def names_of(case: Case) -> Names:
    """What tells a case from the others of its report."""
    return case.suite, case.classname, case.name, case.occurrence


class Packer:
    """A sink of `parse` that packs. `suspects` maps names to keys of cases that failed before."""

    def __init__(self, keys: Keys, suspects: Mapping[Names, str]) -> None:
        self.blocks: list[Block] = []
        self.notable: list[Notable] = []
        self.passed_now: list[str] = []
        self.left_out = 0
        self._keys = keys
        self._suspects = suspects
        self._held: list[Case] = []
        self._ordinal = 0
        self._claiming = 0
        self._failing = 0
        self._skipped = 0
        self._packer = zstandard.ZstdCompressor(level=LEVEL)

    def take(self, cases: list[Case]) -> None:
        """Some more cases."""
        passed, suspects = Outcome.PASSED, self._suspects
        for at, case in enumerate(cases):
            if case.ids or case.flaky or case.outcome is not passed:
                self._note(self._ordinal + at, case)
            if suspects and case.outcome is passed and not case.flaky:
                key = suspects.get(names_of(case))
                if key is not None:
                    self.passed_now.append(key)
        self._ordinal += len(cases)
        self._held.extend(cases)
        while len(self._held) >= BLOCK_CASES:
            self._flush(self._held[:BLOCK_CASES])
            del self._held[:BLOCK_CASES]

    def finish(self) -> None:
        """Pack what is left."""
        if self._held:
            self._flush(self._held)
            self._held = []

    def _note(self, ordinal: int, case: Case) -> None:
        if case.ids:
            self._claiming += 1
            fits = self._claiming <= MAX_CLAIMING
        elif case.outcome is Outcome.SKIPPED:
            self._skipped += 1
            fits = self._skipped <= _PLAIN_SKIPS
        else:
            self._failing += 1
            fits = self._failing <= MAX_FAILING
        if fits:
            self.notable.append(Notable(ordinal, self._keys.of(case), case))
        elif case.ids or case.outcome is not Outcome.SKIPPED:
            self.left_out += 1

    def _flush(self, cases: list[Case]) -> None:
        data = self._packer.compress(_ENCODER.encode(cases))
        self.blocks.append(Block(len(self.blocks), len(cases), data))


def unpack(data: bytes) -> list[Case]:
    """The cases of a block."""
    raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_UNPACKED)
    return _DECODER.decode(raw)


def passes_among(blocks: Iterable[bytes], wanted: Mapping[Names, str]) -> dict[str, int]:
    """How often each wanted case passed in these blocks, by its key."""
    found: dict[str, int] = {}
    for data in blocks:
        for case in unpack(data):
            if case.outcome is Outcome.PASSED and not case.flaky:
                key = wanted.get(names_of(case))
                if key is not None:
                    found[key] = found.get(key, 0) + 1
    return found
