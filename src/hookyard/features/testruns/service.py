"""Use cases of test runs: record what an attempt's artifacts said, and look it up."""

from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.features.testruns.model import Claim, Found, Report, ResultsStored
from hookyard.kit.ids import IdMaker


def hear_nothing(_unit: Unit, _news: object) -> None:
    """A listener for where nobody listens."""


class TestRuns:
    """Keeps test results.

    `told` hears, in the unit that stored them, that results of an attempt are there; `also` is
    handed members of artifacts that are another room's. Both may only enqueue.
    """

    def __init__(
        self,
        ids: IdMaker,
        told: Callable[[Unit, ResultsStored], None] = hear_nothing,
        also: Callable[[Unit, Found], None] = hear_nothing,
    ) -> None:
        self._ids = ids
        self._told = told
        self._also = also

    def claims(self, unit: Unit, repository: str, head_sha: str) -> tuple[Claim, ...]:
        """Every case on this commit that names a criterion, of each run's newest attempt."""
        raise NotImplementedError

    def reports(self, unit: Unit, repository: str, head_sha: str) -> tuple[Report, ...]:
        """Every report and problem on this commit, of each run's newest attempt."""
        raise NotImplementedError
