"""Decisions of billing, pure: whose a repository is, what counts, what a budget says."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from hookyard.core.jobs.model import Job
from hookyard.core.jobs.rules import AttemptEnd, Step
from hookyard.features.billing import periods
from hookyard.features.billing.model import (
    Binding,
    Book,
    Budget,
    Mark,
    Meter,
    Period,
    Project,
    Standing,
    Sum,
    WorkClass,
)
from hookyard.kit.globs import fits, is_pattern

MAX_BUDGET = 2**53
MS_PER_MINUTE = 60_000
DRAWS = frozenset({WorkClass.AGENTS, WorkClass.ANALYSIS})
"""Whose jobs and minutes use up a budget: work that was asked for. Effects and routing are free."""

STOPPED = frozenset({WorkClass.AGENTS})
"""What a used up budget holds. Never routing, effects of finished work, analysis or upkeep."""

ENDS = frozenset({AttemptEnd.SUCCEEDED, AttemptEnd.FAILED, AttemptEnd.CANCELLED})
WORDS: Mapping[Meter, str] = {
    Meter.JOBS: "jobs",
    Meter.MINUTES: "minutes",
    Meter.API_CALLS: "API calls",
    Meter.MINTS: "mints",
    Meter.STORAGE: "bytes",
}


def class_of(kind: str, known: Mapping[str, WorkClass]) -> WorkClass:
    """What a kind of job is; one that no server knows is work of agents elsewhere."""
    return known.get(kind, WorkClass.AGENTS)


def pattern_of(text: str) -> str | None:
    """A binding's pattern, lower case: `owner/name`, or `owner/` with stars in the name.

    None when it is neither. The owner is always written out.
    """
    pattern = text.strip().lower()
    owner, slash, name = pattern.partition("/")
    is_whole = slash and name and "/" not in name and "*" not in owner
    return pattern if is_whole and is_pattern(pattern) else None


def is_glob(pattern: str) -> bool:
    """Whether a pattern may fit several repositories."""
    return "*" in pattern


def book_of(bindings: Iterable[Binding], budgeted: Iterable[str]) -> Book:
    """All bindings, ready for look-ups. Of two patterns the one with more letters goes first."""
    ids: dict[int, str] = {}
    plain: dict[str, str] = {}
    globs: list[Binding] = []
    for binding in bindings:
        if is_glob(binding.pattern):
            globs.append(binding)
        elif binding.repository_id is not None:
            ids[binding.repository_id] = binding.project_id
        else:
            plain[binding.pattern] = binding.project_id
    globs.sort(key=lambda b: (-len(b.pattern.replace("*", "")), b.pattern.count("*"), b.pattern))
    return Book(ids, plain, [(b.pattern, b.project_id) for b in globs], frozenset(budgeted))


def project_of(book: Book, name: str, repository_id: int | None) -> str | None:
    """The one project a repository belongs to: by its id, else by its name, else by the closest
    pattern. `name` is its present name, lower case."""
    if repository_id is not None and (found := book.ids.get(repository_id)) is not None:
        return found
    if (found := book.plain.get(name)) is not None:
        return found
    return next((project for pattern, project in book.globs if fits(pattern, name)), None)


def run_ms(job: Job, step: Step, now_ms: int) -> int:
    """How long an attempt ran; one that was lost ran to the end of its lease at most."""
    if job.started_at_ms is None:
        return 0
    end_ms = now_ms
    if step.ended is AttemptEnd.LOST and job.leased_until_ms is not None:
        end_ms = min(now_ms, job.leased_until_ms)
    return max(0, end_ms - job.started_at_ms)


def used_of(budget: Budget, sums: Iterable[Sum], start: str) -> int:
    """How much of a budget is used, in the period that began on `start`."""
    return sum(
        found.amount
        for found in sums
        if (found.period, found.start, found.meter) == (budget.period, start, budget.meter)
        and (found.work is WorkClass.NONE or found.work in DRAWS)
    )


def marks_of(used: int, amount: int, warn_percent: int, *, hard: bool) -> frozenset[Mark]:
    """What so much use of a budget is worth."""
    if hard and used >= amount:
        return frozenset(Mark)
    return frozenset({Mark.WARNED} if used * 100 >= amount * warn_percent else ())


def standing(project: Project, budget: Budget, sums: Sequence[Sum], today: date) -> Standing:
    """How a budget stands today, with a sentence for people."""
    first = periods.start_of(budget.period, today)
    used = used_of(budget, sums, first.isoformat())
    marks = marks_of(used, budget.amount, project.warn_percent, hard=budget.hard)
    after = periods.next_start(budget.period, first)
    words = (
        f"budget: project {project.name} has used {shown(budget.meter, used)} of "
        f"{shown(budget.meter, budget.amount)} {WORDS[budget.meter]} "
        f"{'in' if budget.period is Period.MONTH else 'on'} {periods.named(budget.period, first)}"
    )
    return Standing(budget, first.isoformat(), used, marks, periods.instant(after), words)


def stop_words(found: Standing) -> str:
    """Why work is held, and what would let it go."""
    return f"{found.words}; until {periods.day_of(found.until_ms).isoformat()} or raise it"


def shown(meter: Meter, amount: int) -> str:
    """An amount for people, `1,000`: whole minutes are rounded down, so a limit is never shown as
    reached before it is."""
    return f"{amount // MS_PER_MINUTE if meter is Meter.MINUTES else amount:,}"


def outward(meter: Meter, amount: int) -> int | float:
    """A kept amount in the unit that is shown: minutes with three decimals, else as it is."""
    return round(amount / MS_PER_MINUTE, 3) if meter is Meter.MINUTES else amount


def inward(meter: Meter, amount: int) -> int:
    """A budget's amount in the unit that is kept."""
    return amount * MS_PER_MINUTE if meter is Meter.MINUTES else amount


def mint_names(account: str, repositories: Sequence[str] | None) -> list[str]:
    """The repositories a mint is for, lower case. One for all of an account counts for whatever
    has every repository of it: it is looked up as `account/*`."""
    if repositories is None:
        return [f"{account.lower()}/*"] if account else []
    return [name.lower() if "/" in name else f"{account}/{name}".lower() for name in repositories]
