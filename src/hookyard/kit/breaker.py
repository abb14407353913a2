"""A circuit breaker as a value: closed → open after failures in a row → half-open probe."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Breaker:
    """State of one dependency. Instants are milliseconds; every step returns a new value."""

    name: str
    threshold: int = 5
    cooldown_ms: int = 30_000
    failures: int = 0
    opened_at_ms: int | None = None
    probing: bool = False

    def state(self, now_ms: int) -> str:
        """`closed`, `open` or `half_open`."""
        if self.opened_at_ms is None:
            return "closed"
        return "half_open" if now_ms >= self.opened_at_ms + self.cooldown_ms else "open"

    def may_call(self, now_ms: int) -> bool:
        """Whether a call may go out now; half-open lets one probe through at a time."""
        state = self.state(now_ms)
        return state == "closed" or (state == "half_open" and not self.probing)

    def until_ms(self) -> int | None:
        """When an open breaker lets the next probe through."""
        return None if self.opened_at_ms is None else self.opened_at_ms + self.cooldown_ms

    def called(self, now_ms: int) -> "Breaker":
        """The state once a call has gone out."""
        return replace(self, probing=True) if self.state(now_ms) == "half_open" else self

    def succeeded(self) -> "Breaker":
        """The state after a success: closed."""
        return replace(self, failures=0, opened_at_ms=None, probing=False)

    def failed(self, now_ms: int) -> "Breaker":
        """The state after a failure: a failed probe opens again at once."""
        failures = self.failures + 1
        if self.probing or failures >= self.threshold:
            return replace(self, failures=failures, opened_at_ms=now_ms, probing=False)
        return replace(self, failures=failures)
