"""Projects, budgets and bindings as they look on the wire."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookyard.features.billing import rules
from hookyard.features.billing.model import (
    WARN_PERCENT,
    Binding,
    Budget,
    Mark,
    Meter,
    NewProject,
    Period,
    Project,
    ProjectChange,
    Standing,
)
from hookyard.kit.clock import to_rfc3339

ProjectName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._&/+-]{0,79}$")]
Percent = Annotated[int, Field(ge=1, le=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BudgetIn(_Body):
    """What may be used of a meter in a day or a calendar month (UTC): jobs, minutes, api_calls,
    mints, storage (bytes). A `hard` one stops agents' work when it is used up."""

    period: Period
    meter: Meter
    amount: Annotated[int, Field(ge=0, le=10**11)]
    hard: bool = True


class NewProjectIn(_Body):
    """A project to make; `warn_percent` is where budgets begin to warn."""

    name: ProjectName
    warn_percent: Percent = WARN_PERCENT
    budgets: Annotated[list[BudgetIn], Field(max_length=10)] = Field(default_factory=list)

    def wanted(self) -> NewProject:
        """The value."""
        return NewProject(self.name, self.warn_percent, budgets_in(self.budgets))


class ProjectChangeIn(_Body):
    """What is to be different; what is left out stays. `budgets` replace all there were."""

    name: ProjectName | None = None
    warn_percent: Percent | None = None
    budgets: Annotated[list[BudgetIn], Field(max_length=10)] | None = None

    def wanted(self) -> ProjectChange:
        """The value."""
        budgets = None if self.budgets is None else budgets_in(self.budgets)
        return ProjectChange(self.name, self.warn_percent, budgets)


class NewBindingIn(_Body):
    """Repositories to bind: `owner/name`, or a pattern with stars in the name, as `acme/shop-*`."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}/[A-Za-z0-9._*-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class BudgetOut:
    """A budget and how it stands: `used` of `amount` since `since`, `ok`, `warned` or `stopped`."""

    period: Literal["day", "month"]
    meter: Literal["jobs", "minutes", "api_calls", "mints", "storage"]
    amount: int | float
    hard: bool
    used: int | float
    since: str
    until: str
    state: Literal["ok", "warned", "stopped"]
    words: str


@dataclass(frozen=True, slots=True)
class ProjectOut:
    """A project, with how its budgets stand now."""

    id: str
    name: str
    warn_percent: int
    budgets: list[BudgetOut]
    created_at: str
    created_by: str
    changed_at: str
    archived_at: str | None


@dataclass(frozen=True, slots=True)
class ProjectsOut:
    """A page of projects, newest first."""

    items: list[ProjectOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BindingOut:
    """A binding; `repository_id` is GitHub's, for one repository that is known here."""

    id: str
    repository: str
    repository_id: int | None
    created_at: str
    created_by: str


@dataclass(frozen=True, slots=True)
class BindingsOut:
    """A page of bindings, oldest first."""

    items: list[BindingOut]
    next_cursor: str | None


def budgets_in(budgets: list[BudgetIn]) -> tuple[Budget, ...]:
    """Budgets in the units that are kept."""
    return tuple(
        Budget(b.period, b.meter, rules.inward(b.meter, b.amount), b.hard) for b in budgets
    )


def budget_out(found: Standing) -> BudgetOut:
    """A budget on the wire."""
    budget = found.budget
    state: Literal["ok", "warned", "stopped"] = "warned" if found.marks else "ok"
    return BudgetOut(
        period=budget.period.value,
        meter=budget.meter.value,
        amount=rules.outward(budget.meter, budget.amount),
        hard=budget.hard,
        used=rules.outward(budget.meter, found.used),
        since=found.start,
        until=to_rfc3339(found.until_ms),
        state="stopped" if Mark.STOPPED in found.marks else state,
        words=found.words,
    )


def project_out(project: Project, standings: list[Standing]) -> ProjectOut:
    """A project on the wire."""
    archived_at_ms = project.archived_at_ms
    return ProjectOut(
        id=project.id,
        name=project.name,
        warn_percent=project.warn_percent,
        budgets=[budget_out(found) for found in standings],
        created_at=to_rfc3339(project.created_at_ms),
        created_by=project.created_by,
        changed_at=to_rfc3339(project.changed_at_ms),
        archived_at=None if archived_at_ms is None else to_rfc3339(archived_at_ms),
    )


def binding_out(binding: Binding) -> BindingOut:
    """A binding on the wire."""
    return BindingOut(
        binding.id,
        binding.pattern,
        binding.repository_id,
        to_rfc3339(binding.created_at_ms),
        binding.created_by,
    )
