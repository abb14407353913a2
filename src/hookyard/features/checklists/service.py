"""Use cases of checklists: record what an issue's words say, and look it up."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import (
    CommentEffect,
    EffectRecord,
    EffectRequests,
    Urgency,
)
from hookyard.features.checklists import store, store_history
from hookyard.features.checklists.align import Alignment, align
from hookyard.features.checklists.model import (
    MAX_REASON,
    Checklist,
    ChecklistChanged,
    ChecklistFilter,
    ChecklistSummary,
    Criterion,
    History,
    Outcome,
    Outdated,
    Reading,
    Recorded,
    Unsure,
    Waiver,
    WaiverKind,
    Wish,
)
from hookyard.features.checklists.past import settled, waiver_reason
from hookyard.features.checklists.render import CONCERN, render
from hookyard.features.checklists.text import one_line
from hookyard.kit.errors import Conflict, NotFound
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, number_in, page_of
from hookyard.kit.text import storable

MAX_TITLE = 300
MAX_LOGIN = 100
MAX_URL = 500
_NO_WISH = Wish()
_ALL = ChecklistFilter()

Told: TypeAlias = Callable[[Unit, ChecklistChanged], None]


@dataclass(frozen=True, slots=True)
class ChecklistView:
    """A checklist and the state of its comment on GitHub, where one was asked for."""

    checklist: Checklist
    comment: EffectRecord | None


def tell_nobody(unit: Unit, changed: ChecklistChanged) -> None:
    """Where no room above wants to hear of changes."""


class Checklists:
    """Keeps checklists. `effect_of` looks up an effect by id; `told` hears of every change that
    can be seen, inside the unit that makes it, and may only enqueue."""

    def __init__(
        self,
        ids: IdMaker,
        effects: EffectRequests,
        effect_of: Callable[[Unit, str], EffectRecord | None],
        told: Told = tell_nobody,
    ) -> None:
        self._ids = ids
        self._effects = effects
        self._effect_of = effect_of
        self._told = told

    def record(
        self,
        unit: Unit,
        reading: Reading,
        now_ms: int,
        wish: Wish = _NO_WISH,
    ) -> Outcome:
        """Align a reading with what is kept, store it, and ask for the comment if it changed.

        An older text never replaces a newer one. Recording the same reading twice changes nothing.
        """
        store.lock(unit, reading.repository, reading.number)
        before = store.find(unit, reading.repository, reading.number)
        sha = _sha(reading.issue.body)
        refused = _refused(before, reading, sha)
        if refused is not None:
            return refused
        standing = before.criteria if before else ()
        aligned = align(standing, reading.extraction.items, before.next_id if before else 1)
        checklist = self._merged(before, reading, aligned, sha, now_ms)
        checklist, wordings = settled(unit, checklist, aligned)
        if wish.comment is not None:
            checklist = replace(checklist, comments=wish.comment)
        checklist, effect_id = self._publish(unit, checklist, wish)
        store.save(unit, checklist, aligned.retired)
        store_history.add_wordings(unit, checklist.id, wordings)
        if checklist.revision != (before.revision if before else 0):
            self._tell(unit, checklist, wish.delivery_id)
        return Recorded(
            checklist=checklist,
            added=aligned.added,
            retired=tuple(criterion.id for criterion in aligned.retired),
            revised=aligned.revised,
            effect_id=effect_id,
        )

    def waive(
        self,
        unit: Unit,
        repository: str,
        number: int,
        criterion_id: str,
        actor: str,
        reason: str,
        now_ms: int,
        delivery_id: str | None = None,
    ) -> Waiver:
        """Let a criterion stand without evidence for as long as it means what it does today.

        `actor` is a label ("user:7"). Asking twice with the same words gives the same waiver.
        NotFound for an unknown issue or a criterion that does not stand; Invalid without a reason;
        Conflict when somebody waived it already. The caller writes the audit trail.
        """
        checklist, criterion = self._standing(unit, repository, number, criterion_id)
        why = waiver_reason(reason)
        held = criterion.decided
        if held is not None and (held.by, held.reason) == (actor, why):
            return held
        if held is not None:
            raise Conflict(f"{criterion_id} is waived already, by {held.by}")
        waiver = Waiver(
            WaiverKind.PERSON, actor, why, now_ms, criterion.meaning, self._ids.new(now_ms)
        )
        store_history.add_waiver(unit, checklist.id, criterion_id, waiver)
        self._redecide(unit, checklist, criterion_id, waiver, now_ms, delivery_id)
        return waiver

    def unwaive(
        self,
        unit: Unit,
        repository: str,
        number: int,
        criterion_id: str,
        actor: str,
        reason: str,
        now_ms: int,
        delivery_id: str | None = None,
    ) -> Waiver:
        """Withdraw a waiver; it stays on record with who withdrew it. `reason` may be "".

        NotFound as for `waive`, and where nobody waived it; Conflict where the issue's text
        itself waives it, which only an edit of the issue can change.
        """
        checklist, criterion = self._standing(unit, repository, number, criterion_id)
        held = criterion.decided
        if held is None and criterion.struck:
            raise Conflict(f"{criterion_id} is struck out in the issue; edit the issue instead")
        if held is None:
            raise NotFound(f"nobody waived {criterion_id}")
        why = one_line(storable(reason))[:MAX_REASON]
        ended = replace(held, withdrawn_by=actor, withdrawn_reason=why, withdrawn_at_ms=now_ms)
        store_history.withdraw(unit, ended)
        self._redecide(unit, checklist, criterion_id, None, now_ms, delivery_id)
        return ended

    def history(self, unit: Unit, repository: str, number: int, criterion_id: str) -> History:
        """Every revision and waiver of a criterion, standing or retired; NotFound else."""
        checklist = store.find(unit, repository, number)
        found = store.find_criterion(unit, checklist.id, criterion_id) if checklist else None
        if checklist is None or found is None:
            raise NotFound("there is no such criterion")
        criterion, retired_at_ms = found
        return History(
            criterion,
            retired_at_ms,
            store_history.wordings_of(unit, checklist.id, criterion_id),
            store_history.waivers_of(unit, checklist.id, criterion_id),
        )

    def lose(
        self,
        unit: Unit,
        repository: str,
        number: int,
        gone: str,
        now_ms: int,
        delivery_id: str | None = None,
    ) -> bool:
        """Note that the issue is no longer there, and why. False when no checklist was known."""
        store.lock(unit, repository, number)
        before = store.find(unit, repository, number)
        if before is None:
            return False
        if before.gone != gone:
            after = replace(before, gone=gone, revision=before.revision + 1, updated_at_ms=now_ms)
            store.save(unit, after, ())
            self._tell(unit, after, delivery_id)
        return True

    def move(
        self,
        unit: Unit,
        origin: tuple[str, int],
        target: tuple[str, int],
        now_ms: int,
        delivery_id: str | None = None,
    ) -> bool:
        """Let a transferred issue keep its ids: what is kept of its old place goes to the new one.

        Places are (repository, number). False when nothing is kept of the old one, or something of
        the new one already.
        """
        for repository, number in sorted((origin, target)):
            store.lock(unit, repository, number)
        before = store.find(unit, *origin)
        if before is None or store.find(unit, *target) is not None:
            return False
        repository, number = target
        after = replace(
            before,
            repository=repository,
            number=number,
            revision=before.revision + 1,
            updated_at_ms=now_ms,
            effect_id=None,
            comment_sha=None,
            gone=None,
        )
        store.save(unit, after, ())
        self._tell(unit, replace(before, revision=after.revision), delivery_id)
        self._tell(unit, after, delivery_id)
        return True

    def follow(self, unit: Unit, old: str, new: str) -> int:
        """Give what is kept of a repository its new name; how many checklists that was.

        An issue that is known under the new name already keeps what is known there.
        """
        return store.rename(unit, old, new)

    def find(self, unit: Unit, repository: str, number: int) -> ChecklistView | None:
        """The checklist of an issue, or None when none is known."""
        checklist = store.find(unit, repository, number)
        if checklist is None:
            return None
        effect_id = checklist.effect_id
        return ChecklistView(checklist, self._effect_of(unit, effect_id) if effect_id else None)

    def list_page(
        self,
        unit: Unit,
        repository: str,
        cursor: str | None,
        limit: int,
        wanted: ChecklistFilter = _ALL,
    ) -> Page[ChecklistSummary]:
        """Known checklists of a repository that fit, highest number first."""
        rows = store.page(unit, repository, wanted, number_in(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.number)

    def _merged(
        self,
        before: Checklist | None,
        reading: Reading,
        alignment: Alignment,
        sha: str,
        now_ms: int,
    ) -> Checklist:
        base = before or Checklist(
            id=self._ids.new(now_ms),
            repository=reading.repository,
            number=reading.number,
            title="",
            body_sha="",
            confidence=reading.extraction.confidence,
            reason="",
            revision=0,
            next_id=1,
            issue_updated_at_ms=0,
            updated_at_ms=now_ms,
            effect_id=None,
            comment_sha=None,
            comments=True,
        )
        is_new = (
            before is None
            or alignment.changed
            or before.gone is not None
            or before.cut != reading.extraction.cut
        )
        return replace(
            base,
            repository=reading.repository,
            title=one_line(storable(reading.issue.title))[:MAX_TITLE],
            body_sha=sha,
            confidence=reading.extraction.confidence,
            reason=reading.extraction.reason,
            revision=base.revision + is_new,
            next_id=alignment.next_id,
            state=reading.issue.state,
            author=storable(reading.issue.author)[:MAX_LOGIN],
            url=storable(reading.issue.url)[:MAX_URL],
            cut=reading.extraction.cut,
            gone=None,
            issue_updated_at_ms=reading.issue.updated_at_ms,
            updated_at_ms=now_ms,
            criteria=alignment.criteria,
        )

    def _standing(
        self, unit: Unit, repository: str, number: int, criterion_id: str
    ) -> tuple[Checklist, Criterion]:
        store.lock(unit, repository, number)
        checklist = store.find(unit, repository, number)
        if checklist is None:
            raise NotFound("no checklist is known for this issue")
        for criterion in checklist.criteria:
            if criterion.id == criterion_id:
                return checklist, criterion
        raise NotFound(f"no criterion {criterion_id} stands in this issue")

    def _redecide(
        self,
        unit: Unit,
        checklist: Checklist,
        criterion_id: str,
        decided: Waiver | None,
        now_ms: int,
        delivery_id: str | None,
    ) -> None:
        """Store the list with a waiver that came or went, renew its comment, and tell."""
        criteria = tuple(
            replace(c, decided=decided) if c.id == criterion_id else c for c in checklist.criteria
        )
        after = replace(
            checklist, criteria=criteria, revision=checklist.revision + 1, updated_at_ms=now_ms
        )
        after, _ = self._publish(unit, after, Wish(delivery_id=delivery_id))
        store.save(unit, after, ())
        self._tell(unit, after, delivery_id)

    def _tell(self, unit: Unit, checklist: Checklist, delivery_id: str | None) -> None:
        self._told(
            unit,
            ChecklistChanged(
                checklist.repository, checklist.number, checklist.revision, delivery_id
            ),
        )

    def _publish(
        self,
        unit: Unit,
        checklist: Checklist,
        wish: Wish,
    ) -> tuple[Checklist, str | None]:
        is_needless = not checklist.criteria and checklist.effect_id is None
        if is_needless or not checklist.comments:
            return checklist, None
        body = render(checklist.criteria, checklist.reason, checklist.number)
        sha = _sha(body)
        if sha == checklist.comment_sha and not wish.again:
            return checklist, None
        effect_id = self._effects.request(
            unit,
            CommentEffect(checklist.repository, checklist.number, CONCERN, body),
            urgency=Urgency.INTERACTIVE,
            delivery_id=wish.delivery_id,
            again=wish.again,
        )
        return replace(checklist, effect_id=effect_id, comment_sha=sha), effect_id


def _refused(before: Checklist | None, reading: Reading, sha: str) -> Outdated | Unsure | None:
    if before is not None and before.gone is not None and not reading.fetched:
        # why: an event that was on its way when the issue left would bring it back.
        return Unsure()
    if before is None or reading.issue.updated_at_ms > before.issue_updated_at_ms:
        return None
    if reading.issue.updated_at_ms < before.issue_updated_at_ms:
        return Outdated(before.issue_updated_at_ms)
    return None if sha == before.body_sha or reading.fetched else Unsure()


def _sha(text: str) -> str:
    return hashlib.sha256(storable(text).encode()).hexdigest()
