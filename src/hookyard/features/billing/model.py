"""Types of billing: projects, what is bound to them, what they used and may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.core.identity.model import DEFAULT_TENANT

WARN_PERCENT = 80


class Meter(StrEnum):
    """What is counted. `minutes` are kept as milliseconds, `storage` in bytes."""

    JOBS = "jobs"
    MINUTES = "minutes"
    API_CALLS = "api_calls"
    MINTS = "mints"
    STORAGE = "storage"


class Period(StrEnum):
    """What a sum or a budget spans: a day or a calendar month, in UTC."""

    DAY = "day"
    MONTH = "month"


class WorkClass(StrEnum):
    """What a kind of job is, for sums and budgets.

    `agents` do work that costs; `analysis` reads what people and CI wrote; `effects` put outcomes
    on GitHub; `routing` is the way in; `upkeep` keeps the house. NONE is for other meters.
    """

    AGENTS = "agents"
    ANALYSIS = "analysis"
    EFFECTS = "effects"
    ROUTING = "routing"
    UPKEEP = "upkeep"
    NONE = ""


class Mark(StrEnum):
    """How far a budget is used: nearly, or all of it."""

    WARNED = "warned"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a project may use of one meter in one period, in the unit that is kept.

    A hard one stops work when it is used up; else it only warns.
    """

    period: Period
    meter: Meter
    amount: int
    hard: bool = True


@dataclass(frozen=True, slots=True)
class Project:
    """A billing project. Archived ones have no bindings and take no more use."""

    id: str
    tenant: str
    name: str
    warn_percent: int
    created_at_ms: int
    created_by: str
    changed_at_ms: int
    archived_at_ms: int | None = None
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project somebody asks for."""

    name: str
    warn_percent: int = WARN_PERCENT
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What is to be different; None leaves it. `budgets` take the place of all there were."""

    name: str | None = None
    warn_percent: int | None = None
    budgets: tuple[Budget, ...] | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """Repositories that belong to a project: one by name, or those of an owner by a pattern.

    `pattern` is lower case; `repository_id` is GitHub's, for one repository that is known.
    """

    id: str
    tenant: str
    project_id: str
    pattern: str
    repository_id: int | None
    created_at_ms: int
    created_by: str


@dataclass(frozen=True, slots=True)
class Book:
    """All bindings, made ready for look-ups. `globs` come in the order they are tried.

    `names` remembers what was looked up.
    """

    ids: Mapping[int, str] = field(default_factory=dict)
    plain: Mapping[str, str] = field(default_factory=dict)
    globs: Sequence[tuple[str, str]] = ()
    budgeted: frozenset[str] = frozenset()
    names: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing is bound at all."""
        return not (self.ids or self.plain or self.globs)


@dataclass(frozen=True, slots=True)
class Used:
    """An amount of one meter that a project used."""

    project_id: str
    meter: Meter
    work: WorkClass
    amount: int


@dataclass(frozen=True, slots=True)
class Sum:
    """What a project used of a meter in one period, which began on `start` (YYYY-MM-DD)."""

    project_id: str
    period: Period
    start: str
    meter: Meter
    work: WorkClass
    amount: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark as kept. `pause_id` names what holds the work, where it is held."""

    project_id: str
    period: Period
    start: str
    meter: Meter
    mark: Mark
    amount: int
    at_ms: int
    pause_id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands: `used` of its amount, and what that is worth. `until_ms` is the end of
    the period."""

    budget: Budget
    start: str
    used: int
    marks: frozenset[Mark]
    until_ms: int
    words: str


@dataclass(frozen=True, slots=True)
class BudgetNotice:
    """News about a budget, for whoever tells people."""

    project_id: str
    project: str
    mark: Mark
    title: str
    body: str
    tenant: str = DEFAULT_TENANT
