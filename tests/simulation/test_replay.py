"""The same seed is the same simulation, to the byte, in whatever process it runs."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import simulate, told

ROOT = Path(__file__).resolve().parents[2]
EVENT = re.compile(r" *\d+\.\d{6}  ")
SEEDS = tuple(range(11, 27))


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _replayed(seed: int, hash_seed: str) -> list[str]:
    """The trace as a process of its own prints it."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.simulation",
            str(seed),
            "--trace",
            "--count",
            str(len(SEEDS)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if EVENT.match(line)]


@pytest.mark.timeout(300)
def test_the_trace_of_a_seed_does_not_depend_on_the_process() -> None:
    here = [line for seed in SEEDS for line in told(simulate(seed))]
    traces = {_digest(_replayed(SEEDS[0], hash_seed)) for hash_seed in ("1", "4242")}
    assert len(here) > 100 * len(SEEDS) // 4
    assert traces == {_digest(here)}


def test_different_seeds_are_different_simulations() -> None:
    assert simulate(11).trace != simulate(12).trace


@pytest.mark.timeout(300)
def test_the_command_tells_a_seed_and_its_verdict() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "11", "--trace"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "worker-1.1     starts" in done.stdout
    assert "seed 11: 0 findings" in done.stdout
