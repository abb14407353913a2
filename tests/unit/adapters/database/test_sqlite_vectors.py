"""Distances in SQL: those of the extension and our own agree, and either can be had."""

import math
import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.adapters.database.backends import sqlite_vectors
from hookyard.adapters.database.backends.sqlite_unit import open_connection
from hookyard.adapters.database.backends.sqlite_vectors import (
    NATIVE,
    PLAIN,
    cosine,
    distances,
    euclidean,
    teach_distances,
)

FLOATS = st.floats(-1e3, 1e3, width=32).map(lambda x: 0.0 if abs(x) < 1e-3 else x)


def packed(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def test_plain_distances() -> None:
    assert cosine(packed(1, 0), packed(0, 2)) == pytest.approx(1)
    assert cosine(packed(1, 0), packed(-3, 0)) == pytest.approx(2)
    assert cosine(packed(1, 1), packed(2, 2)) == pytest.approx(0)
    assert cosine(packed(0, 0), packed(2, 2)) is None
    assert cosine(packed(1, 2), None) is None
    assert cosine(None, packed(1, 2)) is None
    assert euclidean(packed(1, 1), packed(4, 5)) == 5
    assert euclidean(None, packed(4, 5)) is None
    assert euclidean(packed(3e38), packed(-3e38)) == pytest.approx(6e38, rel=1e-6)


@given(
    st.integers(1, 16).flatmap(lambda n: st.tuples(*[st.lists(FLOATS, min_size=n, max_size=n)] * 2))
)
def test_the_extension_agrees(pair: tuple[list[float], list[float]]) -> None:
    if distances() != NATIVE:
        pytest.skip("sqlite-vec cannot be loaded here")
    one, other = packed(*pair[0]), packed(*pair[1])
    raw = sqlite3.connect(":memory:")
    teach_distances(raw)
    try:
        row = raw.execute(
            "SELECT vec_distance_cosine(?1, ?2), vec_distance_L2(?1, ?2)", (one, other)
        ).fetchone()
    finally:
        raw.close()
    ours = (cosine(one, other), euclidean(one, other))
    assert (row[0] is None) == (ours[0] is None)
    assert row[0] is None or row[0] == pytest.approx(ours[0], abs=1e-4)
    assert row[1] == pytest.approx(ours[1], rel=1e-4, abs=1e-2)


def test_connections_that_read_know_them_whatever_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert distances() in (NATIVE, PLAIN)
    for has_extension in (True, False):
        if not has_extension:
            monkeypatch.setattr(sqlite_vectors, "_extension", lambda: None)
            monkeypatch.setattr(sqlite_vectors, "_is_native", lambda raw: False)
        raw, connection = open_connection(tmp_path / "a.db", read_only=True)
        far = raw.execute("SELECT vec_distance_L2(?, ?)", (packed(0, 3), packed(4, 0))).fetchone()
        assert math.isclose(far[0], 5, rel_tol=1e-6)
        connection.close()
        connection.engine.dispose()
        raw.close()
