"""Test results: 150,000 cases of JUnit XML, bare, stored, and beside what others parse them with.

Every reading is a process of its own, which says how many cases it made, its CPU seconds, and the
most memory it held. Each makes an object of every case with name, class, suite, outcome, time,
message and text. "stored" is the whole way of a report: read, mapped to criterion ids, packed,
and written to SQLite with its claims.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import Figures, Goal, compare
from benchmarks.setup import HERE, PYTHON

CASES = 150_000
PER_SUITE = 500
GOAL_MIB = 128
CONTENDERS: Mapping[str, tuple[str, ...]] = {
    "hookyard, bare": (sys.executable, "-m", "benchmarks.results_child", "bare"),
    "lxml iterparse": (str(PYTHON), "-m", "benchmarks.peers.junit_lxml"),
    "junitparser": (str(PYTHON), "-m", "benchmarks.peers.junit_junitparser"),
    "hookyard, stored": (sys.executable, "-m", "benchmarks.results_child", "stored"),
}


def measure(figures: Figures, rounds: int) -> None:
    """Interleaved rounds over one file."""
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="hookyard-bench-") as folder:
        path = Path(folder) / "junit.xml"
        write_report(path, CASES)
        size = path.stat().st_size
        for _ in range(rounds):
            for name, argv in CONTENDERS.items():
                found[name].append(_run(argv, path))
    seconds = {name: [run["cpu_s"] for run in runs] for name, runs in found.items()}
    ours, stored = seconds["hookyard, bare"], seconds["hookyard, stored"]
    for peer, wanted in (("lxml iterparse", 1.3), ("junitparser", 2.0)):
        figures.goals.append(
            compare("reading JUnit", peer, seconds[peer], ours, wanted, at_least=True)
        )
    figures.goals.append(
        compare("results stored", "bare reading", stored, ours, 3.0, at_least=False)
    )
    most = max(run["rss_mib"] for run in found["hookyard, stored"])
    figures.goals.append(
        Goal("results stored, memory", f"{GOAL_MIB} MiB", most / GOAL_MIB, 1.0, at_least=False)
    )
    figures.tables[f"test results: {CASES:,} cases, {size / 1e6:.1f} MB of JUnit XML"] = [
        {
            "by": name,
            "CPU s (least)": min(seconds[name]),
            "MB/s": size / 1e6 / min(seconds[name]),
            "memory MiB": max(run["rss_mib"] for run in runs),
        }
        for name, runs in found.items()
    ]


def _run(argv: tuple[str, ...], path: Path) -> Mapping[str, float]:
    done = subprocess.run(
        [*argv, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=HERE.parent,
        env={"PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"},
    )
    told: Mapping[str, float] = json.loads(done.stdout)
    if told["cases"] != CASES:
        raise RuntimeError(f"{argv} made {told['cases']} cases of {CASES}")
    return told


def write_report(path: Path, cases: int) -> None:
    """A report as pytest writes it: one case in a hundred failed, one in a thousand with an id."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="pytest tests">')
        for suite in range(cases // PER_SUITE):
            file.write(
                f'<testsuite name="pytest" errors="0" failures="5" skipped="0" tests="{PER_SUITE}"'
                ' time="12.345" timestamp="2026-01-02T03:04:05.678901" hostname="runner">'
            )
            for case in range(PER_SUITE):
                file.write(_case(suite, case, chance.random()))
            file.write("</testsuite>\n")
        file.write("</testsuites>\n")


def _case(suite: int, case: int, took_s: float) -> str:
    classname = f"tests.unit.package_{suite % 40}.test_module_{suite}.TestThing{case // 50}"
    mark = f"T{suite % 90 + 1}::" if case == 250 and suite % 2 else ""
    name = f"{mark}test_that_case_{case}_holds[parameter-{case % 7}]"
    inner = "/>"
    if case % 100 == 1:
        inner = (
            '><failure message="assert 1 == 2">def test():\n&gt;   assert 1 == 2\n'
            "E   assert 1 == 2\n</failure></testcase>"
        )
    return f'<testcase classname="{classname}" name="{name}" time="{took_s:.3f}" {inner}\n'
