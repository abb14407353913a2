"""What a pause is, and whom it holds; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from hookyard.core.jobs.model import Lane, WaitingFor

MAX_REASON = 200
FOREVER_MS = 2**62


class PauseOf(StrEnum):
    """What a pause is of. `installation` is named by the account the App is installed on.

    `budget` is named by whose budget is used up; it begins and ends with that, and no person ends
    it.
    """

    KIND = "kind"
    LANE = "lane"
    REPOSITORY = "repository"
    INSTALLATION = "installation"
    BUDGET = "budget"


BY_PEOPLE = tuple(what for what in PauseOf if what is not PauseOf.BUDGET)
HeldFor: TypeAlias = Literal["pause", "budget"]


@dataclass(frozen=True, slots=True)
class NewPause:
    """A pause somebody asks for. `until_ms` None holds until it is resumed."""

    what: PauseOf
    name: str
    reason: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause as kept. Names of repositories and accounts are lower case."""

    id: str
    what: PauseOf
    name: str
    reason: str
    created_at_ms: int
    created_by: str
    until_ms: int | None

    @property
    def words(self) -> str:
        """The pause in words, as the holder of a job; the id at its end makes them its own."""
        if self.what is PauseOf.BUDGET:
            return f"{self.reason} ({self.id})"
        return f"{self.what.value} {self.name}, by {self.created_by}: {self.reason} ({self.id})"

    @property
    def held_for(self) -> HeldFor:
        """What the jobs it holds wait for."""
        return "budget" if self.what is PauseOf.BUDGET else "pause"

    def holds(
        self, kind: str, lane: Lane, repository: str | None, draws_on: str | None = None
    ) -> bool:
        """Whether a job with these is meant; `draws_on` names the budget that it uses up."""
        match self.what:
            case PauseOf.KIND:
                return kind == self.name
            case PauseOf.LANE:
                return lane.value == self.name
            case PauseOf.REPOSITORY:
                return (repository or "").lower() == self.name
            case PauseOf.INSTALLATION:
                return owner_of(repository) == self.name
            case PauseOf.BUDGET:
                return draws_on == self.name


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk over the ready jobs has come: behind this one, in the order of claims."""

    lane: Lane
    priority: int
    turn: int = -1
    job_id: str = ""


def owner_of(repository: str | None) -> str:
    """The account a repository belongs to, lower case; empty without one."""
    return (repository or "").partition("/")[0].lower()


def held_by(
    pauses: Iterable[Pause],
    kind: str,
    lane: Lane,
    repository: str | None,
    draws_on: str | None = None,
) -> WaitingFor | None:
    """What holds a job with these: of the pauses that mean it the one that lasts longest."""
    found = [pause for pause in pauses if pause.holds(kind, lane, repository, draws_on)]
    if not found:
        return None
    longest = max(found, key=lambda pause: (pause.until_ms or FOREVER_MS, pause.id))
    return WaitingFor(longest.held_for, longest.words, longest.until_ms)
