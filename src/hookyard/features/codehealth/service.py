"""Use cases of code health: keep reports, assess a commit, look it up."""

from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import CheckRunEffect, EffectRequests, Urgency
from hookyard.core.repositories.config import ConfigInvalid, HealthConfig
from hookyard.features.codehealth import store
from hookyard.features.codehealth.model import (
    Assessment,
    Base,
    BaseHow,
    Changes,
    Comparison,
    Conclusion,
    Gate,
    HealthStored,
    Origin,
    Reading,
    Report,
    Standing,
    Told,
)
from hookyard.features.codehealth.policies import Held, policy_of
from hookyard.features.codehealth.render import check_run
from hookyard.features.codehealth.rules import compare, current, judge, score
from hookyard.features.codehealth.store import Kept
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, id_in, page_of

WAITING = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """What to assess: a commit, for one pull request or (`number` None) by itself.

    `bases` are the commits to compare with, the wished one first where `base_asked` names it.
    """

    repository: str
    number: int | None
    head_sha: str
    from_fork: bool
    base_asked: str | None
    bases: tuple[str, ...]
    changes: Changes
    held: Held
    author: str | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report to store, its findings packed already: that takes long for large ones."""

    origin: Origin
    reading: Reading
    packed: bytes | None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What an assessment is made of: the reports of a commit, and those of its base."""

    head: tuple[Report, ...]
    base: Base
    theirs: tuple[Report, ...] | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """An assessment and the check run that shows it, None where none is wanted."""

    subject: Subject
    assessment: Assessment
    check: CheckRunEffect | None


def weigh(subject: Subject, material: Material) -> Weighed:
    """Compare, score and judge. Pure; for large reports it takes a second, so not in a unit."""
    head, changes = material.head, subject.changes
    comparison = compare(head, material.theirs, changes)
    found = Assessment(
        repository=subject.repository,
        number=subject.number,
        head_sha=subject.head_sha,
        base=material.base,
        comparison=comparison,
        score=score(comparison, changes.lines),
        gate=_gate(subject.held, head, comparison, material.base),
        from_fork=subject.from_fork or any(one.origin.from_fork for one in head),
        changed_lines=changes.lines,
        problems=_problems(head),
    )
    wanted = subject.number is not None and _wants_check(subject.held)
    return Weighed(subject, found, check_run(found, head, changes) if wanted else None)


class CodeHealth:
    """Keeps reports and what they come to. `told` hears of every assessment, in its unit."""

    def __init__(self, ids: IdMaker, effects: EffectRequests, told: Told | None = None) -> None:
        self._ids = ids
        self._effects = effects
        self._told = told

    def keep(self, unit: Unit, kept: KeptReport, now_ms: int) -> None:
        """Store a report, read or not."""
        origin = kept.origin
        store.lock(unit, origin.repository, origin.head_sha)
        report = Report(self._ids.new(now_ms), origin, kept.reading, now_ms, kept.delivery_id)
        store.add_report(unit, report, kept.packed)

    def gather(self, unit: Unit, subject: Subject) -> Material:
        """What is stored of a commit and of the nearest one to compare it with."""
        head = current(store.reports_of(unit, subject.repository, subject.head_sha))
        base, theirs = self._base(unit, subject)
        return Material(head, base, theirs)

    def record(self, unit: Unit, weighed: Weighed, now_ms: int) -> None:
        """Store an assessment, ask for its check run, tell who listens.

        Only pull requests get a check, unless `health: check: false` says otherwise.
        """
        found, subject = weighed.assessment, weighed.subject
        store.lock(unit, subject.repository, subject.head_sha)
        kept_id = store.save_assessment(unit, self._ids.new(now_ms), found, now_ms)
        if weighed.check is not None:
            self._effects.request(
                unit, weighed.check, urgency=Urgency.CHECK, delivery_id=subject.delivery_id
            )
        if self._told is not None:
            self._told(unit, _stored(kept_id, found, subject))

    def known_bases(self, unit: Unit, repository: str, shas: tuple[str, ...]) -> set[str]:
        """Which of these commits have a readable report of our own runs."""
        return store.trusted_shas(unit, repository, shas)

    def waiting_for(self, unit: Unit, repository: str, sha: str) -> list[tuple[int, str]]:
        """Pull requests that start from this commit and lacked its report; number and head."""
        return store.waiting_for(unit, repository, sha, WAITING)

    def newest(self, unit: Unit, repository: str, number: int) -> Kept | None:
        """The newest assessment of a pull request, or None."""
        return store.newest_of(unit, repository, number)

    def reports(self, unit: Unit, repository: str, head_sha: str) -> tuple[Report, ...]:
        """The reports of a commit that count, by name."""
        return current(store.reports_of(unit, repository, head_sha))

    def history(
        self, unit: Unit, repository: str, number: int | None, cursor: str | None, limit: int
    ) -> Page[Kept]:
        """Assessments of a repository, newest first."""
        rows = store.page(unit, repository, number, id_in(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def purge(self, unit: Unit, before_ms: int) -> int:
        """Let go of what is older; how many rows went."""
        return store.purge(unit, before_ms)

    def _base(self, unit: Unit, subject: Subject) -> tuple[Base, tuple[Report, ...] | None]:
        """The nearest commit with a report. A fork's own reports are never a base."""
        asked = subject.base_asked
        known = store.trusted_shas(unit, subject.repository, subject.bases)
        for away, sha in enumerate(subject.bases, 0 if asked else 1):
            if sha in known:
                how = BaseHow.BASE if sha == asked else BaseHow.ANCESTOR
                found = store.reports_of(unit, subject.repository, sha)
                ours = [one for one in found if not one.origin.from_fork]
                return Base(how, sha, asked, away), current(ours)
        return Base(BaseHow.NONE, None, asked), None


def _gate(held: Held, head: tuple[Report, ...], comparison: Comparison, base: Base) -> Gate:
    if isinstance(held, ConfigInvalid):
        return Gate(Conclusion.FAILURE, (f"the configuration cannot be used: {held}",))
    return judge(head, comparison, base, policy_of(held))


def _wants_check(held: Held) -> bool:
    return not isinstance(held, HealthConfig) or held.check


def _problems(head: tuple[Report, ...]) -> tuple[str, ...]:
    return tuple(
        f"{one.origin.slot}: {one.reading.code}" for one in head if hasattr(one.reading, "code")
    )


def _stored(kept_id: str, found: Assessment, subject: Subject) -> HealthStored:
    counts = {each: len(found.comparison.of(each)) for each in Standing}
    return HealthStored(
        repository=found.repository,
        head_sha=found.head_sha,
        number=found.number,
        assessment_id=kept_id,
        conclusion=found.gate.conclusion,
        reason=found.gate.reasons[0],
        new=counts[Standing.NEW],
        unknown=counts[Standing.UNKNOWN],
        fixed=counts[Standing.FIXED],
        carried=counts[Standing.CARRIED],
        from_fork=found.from_fork,
        author=subject.author,
        delivery_id=subject.delivery_id,
    )
