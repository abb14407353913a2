"""The table of GitHub's event shapes tells the events apart."""

import pytest

from hookyard.core.ingress.providers.github_shapes import SHAPES, mismatch


@pytest.mark.parametrize("event", sorted(SHAPES))
def test_the_smallest_payload_of_each_event_fits_it(event):
    assert mismatch(event, {key: {} for key in SHAPES[event].needs}) is None


@pytest.mark.parametrize("event", sorted(SHAPES))
def test_each_missing_key_is_named(event):
    for key in SHAPES[event].needs:
        rest = {other: {} for other in SHAPES[event].needs if other != key}
        reason = mismatch(event, rest)
        assert reason is not None
        assert key in reason


@pytest.mark.parametrize("event", sorted(name for name in SHAPES if SHAPES[name].lacks))
def test_each_foreign_key_is_named_and_null_counts_as_absent(event):
    base = dict.fromkeys(SHAPES[event].needs, "x")
    for key in SHAPES[event].lacks:
        reason = mismatch(event, {**base, key: {"id": 1}})
        assert reason is not None
        assert key in reason
        assert mismatch(event, {**base, key: None}) is None


def test_no_shape_contradicts_itself():
    assert not [name for name, shape in SHAPES.items() if shape.needs & shape.lacks]


def test_all_documented_events_of_the_corpus_are_known():
    assert len(SHAPES) == 58
