"""A process of the demo's own: started apart from the terminal, watched, ended for certain."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Unavailable

CLOCK = SystemClock()
LOG_TAIL = 2000
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Holds back the signals that end us until the block is done.

    # why: an interrupt between the start of a process and its entry in our books would leave it
    # running for good.
    """
    held: list[int] = []
    before = {n: signal.signal(n, lambda number, _: held.append(number)) for n in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a process runs as, where that is not ourselves."""

    name: str
    uid: int
    gid: int


class Child:
    """One process. It leads a session, so that Ctrl-C in the terminal reaches the demo alone."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        environ: Mapping[str, str],
        account: Account | None = None,
    ) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603
                argv,
                env=dict(environ),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def log_text(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace")

    def await_ready(self, is_ready: Callable[[], bool], limit_s: float) -> None:
        """Return once it is; Unavailable with the end of its log when it ends or takes longer."""
        deadline = CLOCK.monotonic() + limit_s
        while self.is_alive and CLOCK.monotonic() < deadline:
            if is_ready():
                return
            time.sleep(0.05)  # why: another program is starting, and says so in its own time
        raise Unavailable(
            f"the demo's {self.name} did not start. The end of its log:\n"
            f"{self.log_text()[-LOG_TAIL:]}"
        )

    def kill(self) -> None:
        """kill -9: no goodbye, nothing flushed."""
        self._process.kill()
        self._process.wait()

    def ask_to_end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal that means it; `await_end` follows."""
        if self.is_alive:
            self._process.send_signal(number)

    def await_end(self, limit_s: float) -> None:
        """Until it has ended; past the limit it is killed, with whatever it had started."""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
