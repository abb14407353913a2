"""One process of Hookyard under attack: killed, frozen, drained, and started again."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.chaos_pause import pause

START_LIMIT_S = 120.0
DRAIN_LIMIT_S = 90.0
READY = b'"event":"ready"'
# why: a commit that was under way when its process froze may still be carried out by Postgres.
SETTLE_S = 0.003


class Part:
    """`hookyard` with some words. Agents it leaves behind end by themselves."""

    def __init__(self, name: str, words: Sequence[str], folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.environment: Mapping[str, str] = {}
        self.start_s = 2.0
        self._words = tuple(words)
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._read_from = 0
        self._was_ready = False

    @property
    def role(self) -> str:
        """What it does: its name without a number."""
        return self.name.partition("-")[0]

    @property
    def pid(self) -> int:
        """The process that runs now."""
        if self._process is None:
            raise LookupError(f"no {self.name} runs")
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was spawned."""
        return time.monotonic() - self._began

    @property
    def ended(self) -> int | None:
        """The exit code of a process that ended by itself."""
        return None if self._process is None else self._process.poll()

    def spawn(self) -> None:
        """Start it, and do not wait."""
        with self.log.open("ab") as log:
            self._read_from = log.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hookyard", *self._words],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._began = time.monotonic()
        self._was_ready = False

    def is_ready(self) -> bool:
        """Whether it has said so; remembers how long that took."""
        if not self._was_ready and self._process is not None:
            self._was_ready = READY in self.words()
            if self._was_ready:
                self.start_s = self.age_s
        return self._was_ready

    def is_late(self) -> bool:
        """Whether it should have said so long ago."""
        return not self.is_ready() and self.age_s > START_LIMIT_S

    def words(self) -> bytes:
        """What it has logged since it was spawned."""
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            return log.read()

    def wait_ready(self) -> None:
        """Wait until it can do its work."""
        while not self.is_ready():
            if self.is_late() or self.ended is not None:
                raise RuntimeError(f"{self.name} did not start:\n{self.tail()}")
            pause(0.02)

    def kill(self) -> None:
        """kill -9: no goodbye, nothing flushed. Fails when it had ended by itself."""
        process = self._process
        if process is None:
            raise LookupError(f"no {self.name} runs")
        if process.poll() is not None:
            code = process.returncode
            raise RuntimeError(f"{self.name} ended by itself ({code}):\n{self.tail()}")
        process.kill()
        process.wait()
        self._process = None

    def kill_if(self, holds: Callable[[], bool]) -> bool:
        """kill -9 where this holds while the process stands still; whether it was killed."""
        with self.frozen():
            pause(SETTLE_S)
            if not holds():
                return False
            self.kill()
        return True

    def drain(self) -> int:
        """SIGTERM, and its exit code."""
        self.ask_to_end()
        return self.await_end()

    def ask_to_end(self) -> None:
        """SIGTERM."""
        if self._process is None:
            raise LookupError(f"no {self.name} runs")
        self._process.terminate()

    def await_end(self) -> int:
        """Its exit code, when it was asked to end."""
        if self._process is None:
            raise LookupError(f"no {self.name} runs")
        try:
            code = self._process.wait(DRAIN_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name} did not end:\n{self.tail()}") from None
        self._process = None
        return code

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP; SIGCONT at the end, if it still runs then."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self._process is not None:
                os.kill(self.pid, signal.SIGCONT)

    def limit_files(self, size: int | None) -> None:
        """Let no file it writes grow over `size` bytes: a disk that is full. None lifts it."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        soft = hard if size is None else size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def stop(self) -> None:
        """Make sure that nothing is left."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
