"""Thousands of seeds: whatever goes wrong, the promises hold.

`HOOKYARD_SIM_SEEDS` says how many, `HOOKYARD_SIM_FIRST` from which on; the chunks are what several
test processes share out among themselves.
"""

import os

import pytest

from tests.simulation.run import simulate

SEEDS = int(os.environ.get("HOOKYARD_SIM_SEEDS", "2000"))
FIRST = int(os.environ.get("HOOKYARD_SIM_FIRST", "1"))
CHUNKS = max(1, min(16, SEEDS))
SLOWEST_S = 1.0


@pytest.mark.timeout(max(600, SEEDS // CHUNKS * SLOWEST_S))
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds_whatever_goes_wrong(chunk: int) -> None:
    found: list[str] = []
    for seed in range(FIRST + chunk, FIRST + SEEDS, CHUNKS):
        result = simulate(seed)
        if result.findings:
            words = "; ".join(f"{f.what}: {f.facts}" for f in result.findings[:3])
            found.append(f"{words}\n  again: python -m tests.simulation {seed} --trace")
    assert not found, "\n".join(found)
