"""A ledger over each engine, with the clock in the test's hands."""

from random import Random

import pytest

from hookyard.core.jobs import store
from hookyard.core.jobs.model import JobKind
from hookyard.core.jobs.service import Ledger
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

assert store.JOBS is not None

KINDS = (
    JobKind("work", max_attempts=3, backoff=Backoff(base_s=10, floor_s=10, cap_s=40)),
    JobKind("once", max_attempts=1),
    JobKind("polite", skip_delayed=True, max_attempts=9, backoff=Backoff(base_s=10, floor_s=10)),
    JobKind("versioned", version=2),
)


class Bell:
    """Counts how often the ledger asked for workers to wake."""

    rung = 0

    def __call__(self) -> None:
        self.rung += 1


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def ledger(clock: ManualClock, ids: IdMaker, bell: Bell) -> Ledger:
    return Ledger(clock, ids, KINDS, Random(7), bell)
