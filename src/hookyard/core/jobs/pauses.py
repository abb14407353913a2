"""Pauses: nothing of a kind, a lane, a repository or an installation starts until it is resumed.

A claim passes what it took to `held_by` and puts back what a pause means, so that new and retried
jobs are caught too; running attempts end as they would. A pause that begins also moves what is
ready at that moment, and one that ends lets go what it held, both in chunks: a unit never
touches more than `CHUNK` jobs.
"""

from collections.abc import Callable, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import store_pauses
from hookyard.core.jobs.model import Job, Lane, WaitingFor
from hookyard.core.jobs.pauses_model import MAX_REASON, NewPause, Pause, PauseOf, Place, held_by
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, Invalid, NotFound
from hookyard.kit.ids import IdMaker

CHUNK = 1_000
COUNT_AT_MOST = 10_000
MOST_PAUSES = 500
LANES = tuple(Lane)
Draws = Callable[[Unit, str, str | None], str | None]


def draws_on_nothing(unit: Unit, kind: str, repository: str | None) -> str | None:
    """No work uses up a budget."""
    return None


class Pauses:
    """Use cases of pauses. `wake` is called on the event loop after the commit.

    `draws_on` says whose budget work of a kind and repository uses up; it is asked only while a
    budget holds something.
    """

    def __init__(self, clock: Clock, ids: IdMaker, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._ids = ids
        self._wake = wake
        self.draws_on: Draws = draws_on_nothing

    # --- people ---

    def start(self, unit: Unit, wanted: NewPause, by: str) -> Pause:
        """Pause; from its commit on no claim starts what is meant. Several may mean the same."""
        now_ms = self._clock.now_ms()
        if wanted.until_ms is not None and wanted.until_ms <= now_ms:
            raise Invalid("until must lie in the future")
        reason = " ".join(wanted.reason.replace("\x00", " ").split())[:MAX_REASON]
        if not reason:
            raise Invalid("a pause needs a reason: whoever asks why nothing happens will read it")
        # why: every claimed job is compared with each of them.
        is_budget = wanted.what is PauseOf.BUDGET
        there = () if is_budget else [p for p in self.active(unit) if p.what is not PauseOf.BUDGET]
        if len(there) >= MOST_PAUSES:
            raise Conflict(
                f"{MOST_PAUSES} pauses are in force; resume some", code="too_many_pauses"
            )
        pause = Pause(
            id=self._ids.new(now_ms),
            what=wanted.what,
            name=wanted.name.lower(),
            reason=reason,
            created_at_ms=now_ms,
            created_by=by,
            until_ms=wanted.until_ms,
        )
        store_pauses.add(unit, pause)
        return pause

    def get(self, unit: Unit, pause_id: str) -> Pause:
        """A pause in force; NotFound when there is none."""
        pause = store_pauses.get(unit, pause_id, self._clock.now_ms())
        if pause is None:
            raise NotFound("there is no such pause; it may have ended")
        return pause

    def active(self, unit: Unit) -> Sequence[Pause]:
        """Every pause in force, newest first."""
        return store_pauses.active(unit, self._clock.now_ms())

    def held(self, unit: Unit, pause: Pause) -> int:
        """How many jobs a pause holds now, counted up to `COUNT_AT_MOST`."""
        return store_pauses.held(unit, pause, COUNT_AT_MOST)

    def end(self, unit: Unit, pause_id: str) -> Pause:
        """Resume: nothing is held any more from its commit on; `let_go` frees what was."""
        pause = self.get(unit, pause_id)
        store_pauses.end(unit, pause_id, self._clock.now_ms())
        return pause

    # --- chunks ---

    def first_place(self, pause: Pause) -> Place:
        """Where a walk over what is ready begins."""
        lane = Lane(pause.name) if pause.what is PauseOf.LANE else LANES[0]
        return Place(lane, store_pauses.HIGHEST)

    def gather(self, unit: Unit, pause: Pause, place: Place) -> tuple[int, Place | None]:
        """Hold what is ready in the next chunk: how many, and where to go on; None at the end.

        It only spares claims the work: what is passed over is held when it is claimed.
        """
        rows = store_pauses.ready(unit, place, CHUNK)
        meant = [
            str(job_id)
            for job_id, kind, repository, _ in rows
            if pause.holds(str(kind), place.lane, None if repository is None else str(repository))
        ]
        count = store_pauses.hold(unit, meant, pause.words, pause.until_ms) if meant else 0
        if len(rows) == CHUNK:
            job_id, _, _, turn = rows[-1]
            return count, Place(place.lane, place.priority, int(str(turn)), str(job_id))
        return count, self._next_place(unit, pause, place)

    def _next_place(self, unit: Unit, pause: Pause, place: Place) -> Place | None:
        lane, below = place.lane, place.priority
        while True:
            priority = store_pauses.next_priority(unit, lane, below)
            if priority is not None:
                return Place(lane, priority)
            if pause.what is PauseOf.LANE or lane is LANES[-1]:
                return None
            lane, below = LANES[LANES.index(lane) + 1], store_pauses.HIGHEST

    def let_go(self, unit: Unit, pause: Pause) -> tuple[int, bool]:
        """Free a chunk of what an ended pause held: how many, and whether there is more.

        Once nothing is left the pause's row goes. One that is worked on elsewhere is left there.
        """
        now_ms = self._clock.now_ms()
        if not store_pauses.over(unit, now_ms, pause.id):
            return 0, False
        count = store_pauses.let_go(unit, pause, now_ms, CHUNK)
        if count < CHUNK:
            store_pauses.forget(unit, pause.id)
        unit.after_commit(self._wake)
        return count, count == CHUNK

    def sweep(self, unit: Unit) -> None:
        """Finish what ended by itself, or was left by a process that died."""
        for pause in store_pauses.over(unit, self._clock.now_ms()):
            self.let_go(unit, pause)

    # --- claims ---

    def obeyed(self, unit: Unit) -> Sequence[Pause]:
        """The pauses a claim must obey; none of them can end before the claim's commit."""
        return store_pauses.obeyed(unit, self._clock.now_ms())

    def holding(self, unit: Unit, pauses: Sequence[Pause], job: Job) -> WaitingFor | None:
        """What holds a claimed job; None lets it go."""
        if not pauses:
            return None
        draws_on = self.budget_of(unit, pauses, job.kind, job.repository)
        return held_by(pauses, job.kind, job.lane, job.repository, draws_on)

    def budget_of(
        self, unit: Unit, pauses: Sequence[Pause], kind: str, repository: str | None
    ) -> str | None:
        """Whose budget this work uses up, where one of these pauses is about budgets."""
        if any(pause.what is PauseOf.BUDGET for pause in pauses):
            return self.draws_on(unit, kind, repository)
        return None
