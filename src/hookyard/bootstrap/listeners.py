"""Small switchboards: parts that speak before their listeners exist."""

from collections.abc import Callable

from hookyard.adapters.github.report import CallReport, OnResponse
from hookyard.core.jobs.model import Job
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.runner import Runner


class CallListeners:
    """Whoever wants to hear of exchanges with GitHub; filled after the client is made."""

    def __init__(self) -> None:
        self.listeners: list[OnResponse] = []

    def __call__(self, report: CallReport) -> None:
        for listener in self.listeners:
            listener(report)


class EndListeners:
    """Whoever wants to hear of attempts that ended; filled after the runner is made."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Job, Step], None]] = []

    def __call__(self, job: Job, step: Step) -> None:
        for listener in self.listeners:
            listener(job, step)


class BatchListeners:
    """Whoever wants to hear how many deliveries shared a commit; called where the unit runs."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[int], None]] = []

    def __call__(self, count: int) -> None:
        for listener in self.listeners:
            listener(count)


class Waker:
    """Wakes the runner, and those of other processes; the ledger is made before it."""

    def __init__(self) -> None:
        self.runner: Runner | None = None
        self.announce: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.runner is not None:
            self.runner.wake()
        if self.announce is not None:
            self.announce()
