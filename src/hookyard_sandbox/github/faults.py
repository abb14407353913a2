"""Things that go wrong on request, switched from Python or through `POST /_sandbox/faults`.

Kinds: `error` answers a status instead of applying the call, `error_after` applies it first;
`drop` breaks the connection instead of applying the call, `reset` applies it first; `slow` delays
it; `primary_limit` and `secondary_limit` refuse it as GitHub's limits do.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from hookyard.kit.clock import Clock

KINDS = ("error", "error_after", "drop", "reset", "slow", "primary_limit", "secondary_limit")


@dataclass(slots=True)
class Fault:
    """One fault for calls whose method and path match; `times` None means until cleared.

    Path patterns know `*`, which matches any characters. `wait_s` is how long a limit lasts.
    """

    kind: str
    times: int | None = 1
    method: str = "*"
    path: str = "*"
    status: int = 502
    message: str = "Server Error"
    delay_s: float = 1.0
    wait_s: int = 60
    retry_after: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if not 400 <= self.status <= 599:
            raise ValueError("a fault's status is 400 to 599")

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault is meant for this call."""
        spent = self.times is not None and self.times <= 0
        return not spent and self.method in ("*", method) and fnmatchcase(path, self.path)


@dataclass(slots=True)
class Faults:
    """The faults that are switched on, and how far the server's clock is off."""

    active: list[Fault] = field(default_factory=list)
    skew_ms: int = 0

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on; of several that match a call, the oldest comes first."""
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch everything off and set the clock right."""
        self.active.clear()
        self.skew_ms = 0

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, used up by one."""
        fault = next((f for f in self.active if f.matches(method, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault


class ServerClock:
    """GitHub's own clock: another clock, off by what the faults say."""

    def __init__(self, base: Clock, faults: Faults) -> None:
        self._base = base
        self._faults = faults

    def now_ms(self) -> int:
        return self._base.now_ms() + self._faults.skew_ms

    def monotonic(self) -> float:
        return self._base.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._base.sleep(seconds)
