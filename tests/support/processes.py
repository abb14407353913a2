"""`hookyard` as a process of its own, and what it logs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hookyard.settings import SETTINGS

ADMIN = "the-admin-key-of-these-tests"
LIMIT_S = 60.0
NAMES = {name for setting in SETTINGS for name in setting.names}


class Process:
    """A `hookyard` process and the JSON lines it logs."""

    def __init__(self, folder: Path, *words: str, **environ: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in NAMES}
        given = {"HOOKYARD_DATA_DIR": "data", "HOOKYARD_ADMIN_KEY": ADMIN, **environ}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "hookyard", *words],
            env=kept | given,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, event: str) -> dict[str, object]:
        """Read its log up to this event."""
        errors: IO[str] | None = self.child.stderr
        assert errors is not None
        for line in errors:
            self.lines.append(line)
            if line.startswith("{") and json.loads(line)["event"] == event:
                return dict(json.loads(line))
        raise AssertionError(f"no {event!r}: {''.join(self.lines)}")

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self.child.stderr is not None
        self.lines += self.child.stderr.read().splitlines()
        return self.child.wait(LIMIT_S)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.child.send_signal(number)

    def close(self) -> None:
        """Leave nothing of it behind."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(LIMIT_S)
        assert self.child.stderr is not None
        self.child.stderr.close()


@contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Process]]:
    """Starts `hookyard` in a folder; whatever still runs at the end is killed."""
    made: list[Process] = []

    def begin(*words: str, **environ: str) -> Process:
        made.append(Process(folder, *words, **environ))
        return made[-1]

    try:
        yield begin
    finally:
        for process in made:
            process.close()
