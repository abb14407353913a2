"""Circuit breakers by the name of what they protect; they hold work, they do not fail it.

State lives in the process: each worker learns for itself, which needs no shared row and forgets
at a restart.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hookyard.core.jobs.model import JobKind, WaitingFor
from hookyard.kit.breaker import Breaker
from hookyard.kit.clock import Clock

PROBE_WAIT_MS = 1_000


class Breakers:
    """Keeps one `Breaker` for each dependency. `make` gives a new one its limits."""

    def __init__(self, clock: Clock, make: Callable[[str], Breaker] = Breaker) -> None:
        self._clock = clock
        self._make = make
        self._known: dict[str, Breaker] = {}

    def get(self, name: str) -> Breaker:
        """The breaker of a dependency; closed when nothing is known of it."""
        return self._known.get(name) or self._make(name)

    def all(self) -> Mapping[str, Breaker]:
        """Every breaker that has seen a call, for health and metrics."""
        return dict(self._known)

    def gate(self) -> "Callable[[JobKind], WaitingFor | None]":
        """A look at the breakers for one claim: why a kind may not start now, None lets it go.

        # why: a claim may be run again or rolled back, so it notes probes on its own copy; only
        # `started` marks them.
        """
        now_ms = self._clock.now_ms()
        seen = dict(self._known)

        def admit(kind: JobKind) -> WaitingFor | None:
            for name in kind.needs:
                breaker = seen.get(name) or self._make(name)
                if not breaker.may_call(now_ms):
                    until_ms = max(breaker.until_ms() or 0, now_ms + PROBE_WAIT_MS)
                    return WaitingFor("breaker", name, until_ms)
            for name in kind.needs:
                seen[name] = (seen.get(name) or self._make(name)).called(now_ms)
            return None

        return admit

    def started(self, kind: JobKind) -> None:
        """A job of this kind was let through and starts now."""
        for name in kind.needs:
            self._known[name] = self.get(name).called(self._clock.now_ms())

    def answered(self, kind: JobKind) -> None:
        """The dependencies of this kind did their part."""
        for name in kind.needs:
            self._known[name] = self.get(name).succeeded()

    def failed(self, kind: JobKind) -> None:
        """A dependency of this kind could not be used."""
        for name in kind.needs:
            self._known[name] = self.get(name).failed(self._clock.now_ms())

    def abandoned(self, kind: JobKind) -> None:
        """The attempt ended without a word on its dependencies: another may probe."""
        for name in kind.needs:
            self._known[name] = replace(self.get(name), probing=False)
