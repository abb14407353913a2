"""Benchmarks are not run here, but what they are made of is there."""

import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    "module", sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__main__")
)
def test_a_benchmark_finds_what_it_is_made_of(module: str) -> None:
    importlib.import_module(f"benchmarks.{module}")
