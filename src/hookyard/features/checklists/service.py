"""Use cases of checklists: record what an issue's words say, and look it up."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import (
    CommentEffect,
    EffectRecord,
    EffectRequests,
    Urgency,
)
from hookyard.features.checklists import store
from hookyard.features.checklists.align import Alignment, align
from hookyard.features.checklists.model import (
    Checklist,
    ChecklistSummary,
    Outcome,
    Outdated,
    Reading,
    Recorded,
    Unsure,
    Wish,
)
from hookyard.features.checklists.render import CONCERN, render
from hookyard.features.checklists.text import clean, one_line
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

MAX_TITLE = 300
_NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class ChecklistView:
    """A checklist and the state of its comment on GitHub, where one was asked for."""

    checklist: Checklist
    comment: EffectRecord | None


class Checklists:
    """Keeps checklists. `effect_of` looks up an effect by id."""

    def __init__(
        self,
        ids: IdMaker,
        effects: EffectRequests,
        effect_of: Callable[[Unit, str], EffectRecord | None],
    ) -> None:
        self._ids = ids
        self._effects = effects
        self._effect_of = effect_of

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
        alignment = align(standing, reading.extraction.items, before.next_id if before else 1)
        checklist = self._merged(before, reading, alignment, sha, now_ms)
        if wish.comment is not None:
            checklist = replace(checklist, comments=wish.comment)
        checklist, effect_id = self._publish(unit, checklist, reading, wish)
        store.save(unit, checklist, alignment.retired)
        return Recorded(
            checklist=checklist,
            added=alignment.added,
            retired=tuple(criterion.id for criterion in alignment.retired),
            revised=alignment.revised,
            effect_id=effect_id,
        )

    def find(self, unit: Unit, repository: str, number: int) -> ChecklistView | None:
        """The checklist of an issue, or None when none is known."""
        checklist = store.find(unit, repository, number)
        if checklist is None:
            return None
        effect_id = checklist.effect_id
        return ChecklistView(checklist, self._effect_of(unit, effect_id) if effect_id else None)

    def list_page(
        self, unit: Unit, repository: str, cursor: str | None, limit: int
    ) -> Page[ChecklistSummary]:
        """Known checklists of a repository, highest number first."""
        before = _number_of(cursor) if cursor else None
        rows = store.page(unit, repository, before, limit + 1)
        more = encode_cursor(rows[limit - 1].number) if len(rows) > limit else None
        return Page(tuple(rows[:limit]), more)

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
        is_new = before is None or alignment.changed
        return replace(
            base,
            repository=reading.repository,
            title=one_line(clean(reading.issue.title))[:MAX_TITLE],
            body_sha=sha,
            confidence=reading.extraction.confidence,
            reason=reading.extraction.reason,
            revision=base.revision + is_new,
            next_id=alignment.next_id,
            issue_updated_at_ms=reading.issue.updated_at_ms,
            updated_at_ms=now_ms,
            criteria=alignment.criteria,
        )

    def _publish(
        self,
        unit: Unit,
        checklist: Checklist,
        reading: Reading,
        wish: Wish,
    ) -> tuple[Checklist, str | None]:
        is_needless = not checklist.criteria and checklist.effect_id is None
        if is_needless or not checklist.comments:
            return checklist, None
        body = render(checklist.criteria, reading.extraction)
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
    if before is None or reading.issue.updated_at_ms > before.issue_updated_at_ms:
        return None
    if reading.issue.updated_at_ms < before.issue_updated_at_ms:
        return Outdated(before.issue_updated_at_ms)
    return None if sha == before.body_sha or reading.fetched else Unsure()


def _number_of(cursor: str) -> int:
    number = decode_cursor(cursor, (int,))[0]
    return max(0, min(int(number), 2**31 - 1))


def _sha(text: str) -> str:
    return hashlib.sha256(clean(text).encode()).hexdigest()
