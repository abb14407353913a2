"""Counts no-op jobs inside a worker, whichever engine runs it, and says when a fifth and four
fifths of them had run.

Used by the peers too, so it imports nothing. `TALLY_TOTAL` jobs are in the queue; at four fifths
the two instants and the CPU between them go to the file `TALLY_FILE`, renamed into place so that
whoever waits for it reads all of it.
"""

import json
import os
import threading
import time
from pathlib import Path


class Tally:
    """One for each worker process. `one` may be called on any thread."""

    def __init__(self, total: int, file: str) -> None:
        self._file = file
        self._first, self._last = total // 5, total - total // 5
        self._count = 0
        self._lock = threading.Lock()
        self._begun = (0.0, 0.0)

    def one(self) -> None:
        """A job has run."""
        with self._lock:
            self._count += 1
            if self._count == self._first:
                self._begun = self._now()
            elif self._count == self._last:
                self._write()

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), time.process_time()

    def _write(self) -> None:
        (began, cpu), (ended, cpu_then) = self._begun, self._now()
        jobs = self._last - self._first
        found = {
            "jobs_s": jobs / (ended - began),
            "cpu_us": (cpu_then - cpu) / jobs * 1e6,
        }
        new = Path(f"{self._file}.new")
        new.write_text(json.dumps(found), "utf-8")
        new.rename(self._file)


def from_environment() -> Tally:
    """The tally of this worker process."""
    return Tally(int(os.environ["TALLY_TOTAL"]), os.environ["TALLY_FILE"])
