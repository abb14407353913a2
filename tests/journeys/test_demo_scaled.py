"""`hookyard demo --scaled` as a person runs it: what it shows, and that nothing of it is left."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

STARTED = re.compile(r"(gateway|worker-1|worker-2|relay|scheduler), process (\d+)")
Demo = subprocess.Popen[str]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """The demo, on its way; ended afterwards, whatever became of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hookyard", "demo", "--scaled", "--exit"],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def children(process: Demo) -> dict[int, str]:
    """Every process below it, Postgres and Redis included, by number."""
    return {
        found.pid: found.name() for found in psutil.Process(process.pid).children(recursive=True)
    }


def left(numbers: dict[int, str]) -> dict[int, str]:
    """Those that still run."""
    return {
        number: name
        for number, name in numbers.items()
        if psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    }


def read_to(process: Demo, text: str) -> str:
    """What it prints, up to and with the line that holds this."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"no {text!r} in {''.join(lines)}")


def folder_of(process: Demo) -> Path:
    """Its temporary folder, which a part of it has as working directory."""
    for found in psutil.Process(process.pid).children(recursive=True):
        if "serve" in found.cmdline():
            return Path(found.cwd())
    raise AssertionError("no part of it runs")


def test_another_worker_finishes_and_nothing_is_left(demo: Demo) -> None:
    text = read_to(demo, "all ready after")
    running, folder = children(demo), folder_of(demo)
    assert [name for name, _ in STARTED.findall(text)] == [
        "gateway", "worker-1", "worker-2", "relay", "scheduler",
    ]  # fmt: skip
    rest, _ = demo.communicate(timeout=110)
    assert demo.returncode == 0, rest
    assert "Every outcome landed, each once." in rest
    assert "✗" not in rest
    (dead,) = re.findall(r"(worker-\d), process \d+, is dead", rest)
    heir = {"worker-1": "worker-2", "worker-2": "worker-1"}[dead]
    assert f"{heir} finished what the dead one had begun" in rest
    assert int(re.findall(r"through Redis \((\d+) pointers\)", rest)[0]) > 0
    assert left(running) == {}
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_midway_it_stops_and_removes_everything(
    demo: Demo, number: signal.Signals
) -> None:
    read_to(demo, "gateway, process")
    running, folder = children(demo), folder_of(demo)
    assert {"postgres", "valkey-server"} <= set(running.values())
    demo.send_signal(number)
    rest, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "Interrupted; everything is stopped and removed." in rest
    assert "Traceback" not in rest
    assert left(running) == {}
    assert not folder.exists()
