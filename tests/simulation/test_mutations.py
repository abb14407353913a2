"""A simulation that cannot fail proves nothing: each thing that is broken is found by some seed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import simulate

SEEDS = 400


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_what_is_broken_is_found(mutation: Callable[[], AbstractContextManager[Any]]) -> None:
    assert any(simulate(seed, mutation).findings for seed in range(1, SEEDS + 1))


def test_what_was_broken_is_whole_again() -> None:
    before = simulate(1).trace
    for mutation in MUTATIONS:
        with mutation():
            pass
    assert simulate(1).trace == before
