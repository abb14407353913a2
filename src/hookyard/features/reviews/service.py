"""Use cases of reviews: keep pull requests and their links, mark, flag, and look them up."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing.model import EffectRecord
from hookyard.features.reviews import store, store_verdicts
from hookyard.features.reviews.judging import Judging
from hookyard.features.reviews.model import Flag, Link, Mark, Policy, Pull
from hookyard.features.reviews.ports import EffectOf
from hookyard.features.reviews.sources import Sources
from hookyard.features.reviews.store import Review
from hookyard.features.reviews.store_verdicts import VerdictRow
from hookyard.kit.errors import Conflict, Invalid, NotFound
from hookyard.kit.ids import IdMaker
from hookyard.kit.names import MAX_NUMBER
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

MAX_REASON = 500
MAX_TITLE = 300
HISTORY = 50
FLAGS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """The pull request is stored as told; `is_new_head`: at a commit it did not have before."""

    review: Review
    is_new_head: bool = True


@dataclass(frozen=True, slots=True)
class Outdated:
    """A newer state of it is stored already; nothing was changed."""

    review: Review


@dataclass(frozen=True, slots=True)
class Unsure:
    """Another state of the same second is stored; only GitHub can say which one stands."""


Recorded: TypeAlias = Kept | Outdated | Unsure


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A pull request with all that is to be shown of it."""

    review: Review
    links: tuple[Link, ...]
    verdict: VerdictRow | None
    history: Sequence[VerdictRow]
    flags: tuple[Flag, ...]
    check: EffectRecord | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of pull requests."""

    review: Review
    verdict: VerdictRow | None


class Reviews:
    """Keeps pull requests. `judging` decides their verdicts."""

    def __init__(
        self, sources: Sources, judging: Judging, effect_of: EffectOf, ids: IdMaker
    ) -> None:
        self.judging = judging
        self._sources = sources
        self._effect_of = effect_of
        self._ids = ids

    def record(
        self,
        unit: Unit,
        pull: Pull,
        links: Sequence[Link],
        policy: Policy,
        now_ms: int,
        *,
        fetched: bool = False,
    ) -> Recorded:
        """Store a pull request as GitHub tells of it; an older word never replaces a newer one.

        `fetched`: just read from GitHub itself, so that it settles what is unsure.
        """
        store.lock(unit, pull.repository, pull.number)
        before = store.find(unit, pull.repository, pull.number)
        sha = hashlib.sha256(pull.body.encode("utf-8", "replace")).hexdigest()
        if before is not None and pull.updated_at_ms < before.pull.updated_at_ms:
            return Outdated(before)
        if before is not None and not fetched and _unsure(before, pull, sha):
            return Unsure()
        review = Review(
            id=before.id if before else self._ids.new(now_ms),
            pull=replace(pull, title=pull.title[:MAX_TITLE], body=""),
            body_sha=sha,
            policy=policy,
            recorded_at_ms=now_ms,
        )
        if before is not None:
            review = replace(
                review,
                verdict_id=before.verdict_id,
                effect_id=before.effect_id,
                judged_at_ms=before.judged_at_ms,
            )
        store.save(unit, review)
        store.save_links(unit, review.id, links, now_ms)
        return Kept(review, before is None or before.pull.head_sha != pull.head_sha)

    def find(self, unit: Unit, repository: str, number: int) -> ReviewView | None:
        """A pull request with its verdict, history, flags and check; None when it is not known."""
        review = store.find(unit, repository, number)
        if review is None:
            return None
        return ReviewView(
            review,
            store.links(unit, review.id),
            store_verdicts.get(unit, review.verdict_id) if review.verdict_id else None,
            store_verdicts.history(unit, review.id, HISTORY),
            store.flags(unit, review.id, FLAGS),
            self._effect_of(unit, review.effect_id) if review.effect_id else None,
        )

    def open_at(self, unit: Unit, repository: str, head_sha: str) -> Sequence[int]:
        """Numbers of open pull requests whose head is this commit."""
        found = store.by_head(unit, repository, head_sha)
        return [one.pull.number for one in found if one.pull.state == "open"]

    def list_page(
        self, unit: Unit, repository: str, state: str | None, cursor: str | None, limit: int
    ) -> Page[Summary]:
        """Known pull requests of a repository, highest number first."""
        before = None
        if cursor:
            before = max(0, min(int(decode_cursor(cursor, (int,))[0]), MAX_NUMBER))
        rows = store.page(unit, repository, state, before, limit + 1)
        ids = [row.verdict_id for row in rows if row.verdict_id is not None]
        verdicts = store_verdicts.many(unit, ids)
        items = tuple(Summary(row, verdicts.get(row.verdict_id or "")) for row in rows[:limit])
        more = encode_cursor(rows[limit - 1].pull.number) if len(rows) > limit else None
        return Page(items, more)

    def mark(
        self,
        unit: Unit,
        repository: str,
        number: int,
        criterion_id: str,
        actor: str,
        reason: str,
        now_ms: int,
    ) -> Mark:
        """Somebody checked a criterion by hand; it holds for what the text says today.

        NotFound where no such criterion stands; Invalid without a reason.
        """
        issue = self._sources.issue(unit, repository, number)
        wanted = next((one for one in issue.criteria if one.id == criterion_id), None)
        if wanted is None:
            raise NotFound(f"no criterion {criterion_id} stands in #{number}")
        mark = Mark(number, criterion_id, wanted.revision, actor, _reason(reason), now_ms)
        store.withdraw_marks(unit, repository, number, criterion_id, actor, now_ms)
        store.add_mark(unit, self._ids.new(now_ms), repository, mark)
        return mark

    def unmark(
        self, unit: Unit, repository: str, number: int, criterion_id: str, actor: str, now_ms: int
    ) -> None:
        """Take back a mark by hand; NotFound where there is none."""
        if not store.withdraw_marks(unit, repository, number, criterion_id, actor, now_ms):
            raise NotFound(f"nobody marked {criterion_id} of #{number}")

    def unlink(self, unit: Unit, repository: str, number: int, issue: int, actor: str) -> None:
        """Agree that a pull request no longer names an issue; NotFound where it still does."""
        review = store.find(unit, repository, number)
        found = review and store.release_link(unit, review.id, repository, issue, actor)
        if not found:
            raise NotFound(f"no link to #{issue} was removed here")

    def flag(
        self,
        unit: Unit,
        repository: str,
        number: int,
        actor: str,
        reason: str,
        now_ms: int,
        *,
        force: bool = False,
    ) -> Flag:
        """Flag the head for merge. The caller writes the audit trail, and says who may `force`.

        NotFound for a pull request not known; Conflict (`not_green`) with the reasons where its
        verdict is no success, unless forced; Conflict where it is closed or was not judged.
        """
        store.lock(unit, repository, number)
        review = store.find(unit, repository, number)
        if review is None:
            raise NotFound("no such pull request is known")
        if review.pull.state != "open":
            raise Conflict(f"the pull request is {review.pull.state}", code="not_open")
        verdict = store_verdicts.get(unit, review.verdict_id) if review.verdict_id else None
        reasons = _against(review, verdict)
        if reasons and not force:
            raise Conflict("; ".join(reasons), code="not_green")
        if force and not reason.strip():
            raise Invalid("flagging against the verdict needs a reason")
        flag = Flag(
            self._ids.new(now_ms),
            review.pull.head_sha,
            actor,
            " ".join(reason.split())[:MAX_REASON],
            forced=bool(reasons),
            verdict_id=review.verdict_id,
            at_ms=now_ms,
        )
        store.add_flag(unit, review.id, flag)
        return flag


def _against(review: Review, verdict: VerdictRow | None) -> list[str]:
    """Why a head may not be flagged."""
    if verdict is None or verdict.head_sha != review.pull.head_sha:
        return ["its head was not judged yet"]
    if verdict.conclusion == "success":
        return []
    failing = [
        f"{one.id} of #{one.issue} is {one.verdict.value}: {one.reason}"
        for one in verdict.judgement.criteria
        if not one.holds
    ]
    return [verdict.title, *failing[:10]]


def _unsure(before: Review, pull: Pull, body_sha: str) -> bool:
    """Whether two different words carry the same instant.

    # why: GitHub gives `updated_at` in whole seconds.
    """
    same_time = pull.updated_at_ms == before.pull.updated_at_ms
    known = replace(before.pull, body="", title="")
    return same_time and (before.body_sha != body_sha or replace(pull, body="", title="") != known)


def _reason(text: str) -> str:
    reason = " ".join(text.split())[:MAX_REASON]
    if not reason:
        raise Invalid("a mark by hand needs a reason")
    return reason
