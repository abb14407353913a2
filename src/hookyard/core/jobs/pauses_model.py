"""What a pause is, and whom it holds; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hookyard.core.jobs.model import Lane, WaitingFor

MAX_REASON = 200
FOREVER_MS = 2**62


class PauseOf(StrEnum):
    """What a pause is of. `installation` is named by the account the App is installed on."""

    KIND = "kind"
    LANE = "lane"
    REPOSITORY = "repository"
    INSTALLATION = "installation"


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
        return f"{self.what.value} {self.name}, by {self.created_by}: {self.reason} ({self.id})"

    def holds(self, kind: str, lane: Lane, repository: str | None) -> bool:
        """Whether a job with these is meant."""
        match self.what:
            case PauseOf.KIND:
                return kind == self.name
            case PauseOf.LANE:
                return lane.value == self.name
            case PauseOf.REPOSITORY:
                return (repository or "").lower() == self.name
            case PauseOf.INSTALLATION:
                return owner_of(repository) == self.name


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
    pauses: Iterable[Pause], kind: str, lane: Lane, repository: str | None
) -> WaitingFor | None:
    """What holds a job with these: of the pauses that mean it the one that lasts longest."""
    found = [pause for pause in pauses if pause.holds(kind, lane, repository)]
    if not found:
        return None
    longest = max(found, key=lambda pause: (pause.until_ms or FOREVER_MS, pause.id))
    return WaitingFor("pause", longest.words, longest.until_ms)
