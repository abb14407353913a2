"""Fairness between the parties of a lane: who has been served least comes next.

Start-time fair queueing over a number: every job is given a turn when it becomes ready, and a
lane serves priority, then turn, then age. A party's jobs take turns one after another, beginning
at the turn the lane is at; so a party with one job waits for one job of each other party, however
many those have. Work of no party (the way in, the calendar) takes the lane's own turn.

# spec: Goyal, Vin, Cheng: Start-time Fair Queueing, SIGCOMM 1996, with every job of equal length.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from hookyard.adapters.database.port import Row, Unit
from hookyard.core.jobs import store_fairness
from hookyard.core.jobs.model import Lane

FULL_CLAIMS = 8
MAX_PARTY = 200


def party_of(party: str | None, repository: str | None) -> str | None:
    """Whose job it is: who was named, else the repository's owner; None belongs to nobody."""
    if party is not None:
        return party.replace("\x00", "\ufffd")[:MAX_PARTY] or None
    owner = (repository or "").partition("/")[0].lower()
    return owner.replace("\x00", "\ufffd")[:MAX_PARTY] or None


class Fairness:
    """Gives turns, and moves lanes on as their jobs are claimed.

    What it keeps of its own only spares statements: the turn it last saw each lane at, and for how
    many claims a lane has been full.
    """

    def __init__(self) -> None:
        self._seen: dict[Lane, int] = {}
        self._full: dict[Lane, int] = {}

    def take(self, unit: Unit, lane: str, party: str | None, count: int = 1) -> int | None:
        """The first of `count` turns in a row for a party; None, the lane's own, for nobody."""
        if party is None:
            return None
        return store_fairness.take_turns(unit, lane, party, count)

    def take_many(self, unit: Unit, jobs: Sequence[tuple[str, str | None]]) -> list[int | None]:
        """The turn of each (lane, party), in the order given."""
        wanted: dict[tuple[str, str], int] = {}
        for lane, party in jobs:
            if party is not None:
                wanted[lane, party] = wanted.get((lane, party), 0) + 1
        following = {
            (lane, party): store_fairness.take_turns(unit, lane, party, count)
            for (lane, party), count in sorted(wanted.items())
        }
        turns: list[int | None] = []
        for lane, party in jobs:
            if party is None:
                turns.append(None)
                continue
            turns.append(following[lane, party])
            following[lane, party] += 1
        return turns

    def served(
        self,
        unit: Unit,
        turns: Iterable[tuple[Lane, int]],
        ready: Mapping[Lane, int],
        full_at: int,
    ) -> None:
        """Move lanes on to the turns just claimed; a lane is full that had `full_at` jobs ready.

        # why: work of nobody takes the turn its lane is at, so a flood of it would keep a lane
        # at that turn, and parties waiting, for as long as it lasts; a lane that stays full for
        # some claims is moved on by one.
        """
        reached: dict[Lane, int] = {}
        for lane, turn in turns:
            reached[lane] = max(turn, reached.get(lane, 0))
        for lane, highest in reached.items():
            turn = highest
            self._full[lane] = self._full.get(lane, 0) + 1 if ready[lane] >= full_at else 0
            if self._full[lane] >= FULL_CLAIMS:
                self._full[lane] = 0
                turn = max(turn, self._seen.get(lane, 0)) + 1
            if turn > self._seen.get(lane, 0):
                store_fairness.advance(unit, lane.value, turn, known=self._seen.get(lane, 0) > 0)
                unit.after_commit(lambda lane=lane, turn=turn: self._see(lane, turn))  # type: ignore[misc]

    def rejoin(self, unit: Unit, ready: Sequence[Row]) -> None:
        """Give jobs that became ready a turn that is not past; (id, lane, party, turn) of each.

        # why: ten thousand jobs let go at once, each with a turn of long ago, would all go before
        # everybody else's.
        """
        owned = [
            (str(lane), str(party), int(str(turn)), str(job_id))
            for job_id, lane, party, turn in ready
            if party is not None
        ]
        if not owned:
            return
        at = store_fairness.lanes_at(unit, sorted({lane for lane, *_ in owned}))
        late = sorted(job for job in owned if job[2] < at[job[0]])
        given: list[tuple[str, int]] = []
        for (lane, party), jobs in groupby(late, key=lambda job: job[:2]):
            ids = [job[3] for job in jobs]
            first = store_fairness.take_turns(unit, lane, party, len(ids))
            given.extend((job_id, first + index) for index, job_id in enumerate(ids))
        if given:
            store_fairness.give_turns(unit, given)

    def rejoin_keys(self, unit: Unit, keys: Sequence[str]) -> None:
        """The same for the ready jobs of these keys."""
        if keys:
            self.rejoin(unit, store_fairness.ready_of_keys(unit, keys))

    def rejoin_ids(self, unit: Unit, job_ids: Sequence[str]) -> None:
        """The same for these jobs, as far as they are ready."""
        self.rejoin(unit, store_fairness.ready_of_ids(unit, job_ids))

    def tidy(self, unit: Unit) -> None:
        """Forget parties whose turns are past."""
        store_fairness.tidy(unit)

    def _see(self, lane: Lane, turn: int) -> None:
        self._seen[lane] = max(turn, self._seen.get(lane, 0))
