"""Changed symbols of every language, renames, moves, and what is only layout."""

import pytest

from .samples import SAMPLES, Sample, measured


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)
def test_symbols_of_every_language_are_told_apart(sample: Sample) -> None:
    found = measured(sample.path, sample.old, sample.new)
    assert (found.problem, found.note, found.precision) == ("", "", "syntax")
    shown = tuple(
        (s.change.value, s.kind, s.name, " ".join(s.boundaries), s.signature_changed)
        for s in (one.change for one in found.symbols)
    )
    assert shown == sample.expected
