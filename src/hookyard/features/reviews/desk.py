"""Carries out commands about criteria: what each changes, and the answer to who gave it."""

from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import DEFAULT_TENANT
from hookyard.core.jobs.model import NewJob
from hookyard.core.jobs.port import JobRequests
from hookyard.core.publishing.defuse import code, defuse
from hookyard.core.publishing.model import (
    CommentEffect,
    Effect,
    EffectRequests,
    ReactionEffect,
)
from hookyard.features.checklists.jobs import job_for as extract_job
from hookyard.features.checklists.service import Checklists
from hookyard.features.reviews import store
from hookyard.features.reviews.commands import Misread, Order, read
from hookyard.features.reviews.explain import explained
from hookyard.features.reviews.model import CriterionVerdict
from hookyard.features.reviews.newjobs import pull_job, validate_job
from hookyard.features.reviews.service import Reviews, ReviewView
from hookyard.kit.errors import Conflict, HookyardError, Invalid, NotFound

EXPLAINED = "criteria-explained"
REFUSED = "refusal"


@dataclass(frozen=True, slots=True)
class Said:
    """A command somebody with the right gave. `comment_id` None: with a button of the check."""

    word: str
    text: str
    repository: str
    number: int
    comment_id: int | None
    login: str
    delivery_id: str | None
    is_button: bool = False

    @property
    def actor(self) -> str:
        """How audit and verdicts name them."""
        return f"github:{self.login}"


class Desk:
    """Does commands inside one unit; what cannot be done is answered with the reason."""

    def __init__(
        self,
        reviews: Reviews,
        checklists: Checklists,
        jobs: JobRequests,
        effects: EffectRequests,
        audit: Audit,
    ) -> None:
        self._reviews = reviews
        self._checklists = checklists
        self._jobs = jobs
        self._effects = effects
        self._audit = audit

    def carry_out(self, unit: Unit, said: Said, now_ms: int) -> str:
        """Do it and answer with a reaction; what came of it, in one sentence."""
        order = read(said.word, said.text)
        try:
            if isinstance(order, Misread) and not said.is_button:
                raise Invalid(order.reason)
            done = self._do(unit, said, order, now_ms)
        except HookyardError as refusal:
            self._refuse(unit, said, refusal.detail)
            return f"refused: {refusal.detail}"
        self._react(unit, said, "+1")
        return done

    def _do(self, unit: Unit, said: Said, order: Order | Misread, now_ms: int) -> str:
        view = self._reviews.find(unit, said.repository, said.number)
        if isinstance(order, Misread):
            return self._waive_failing(unit, said, view, now_ms)
        match order.word:
            case "revalidate":
                job = pull_job(
                    said.repository, said.number, cause=f"{said.login} asked for it", again=True
                )
                return self._enqueue(unit, said, job, "its verdict is looked at again")
            case "regenerate":
                return self._regenerate(unit, said, view)
            case "explain":
                return self._explain(unit, said, order, view)
            case "flag":
                return self._flag(unit, said, order, now_ms)
            case "unlink":
                return self._unlink(unit, said, order, view, now_ms)
            case _:
                return self._decide(unit, said, order, view, now_ms)

    def _decide(
        self, unit: Unit, said: Said, order: Order, view: ReviewView | None, now_ms: int
    ) -> str:
        """waive, unwaive, manual and unmark: about one criterion of one issue."""
        issue = self._issue_of(unit, said, order, view)
        what = order.criterion_id or ""
        where = (said.repository, issue, what, said.actor)
        match order.word:
            case "waive":
                self._checklists.waive(
                    unit, *where, order.reason, now_ms, delivery_id=said.delivery_id
                )
            case "unwaive":
                self._checklists.unwaive(
                    unit, *where, order.reason, now_ms, delivery_id=said.delivery_id
                )
            case "manual":
                self._reviews.mark(unit, *where, order.reason, now_ms)
            case _:
                self._reviews.unmark(unit, *where, now_ms)
        self._record(unit, said, f"criterion.{order.word}", f"{issue}:{what}", order.reason, now_ms)
        if order.word in ("manual", "unmark"):
            self._again(unit, said, issue)
        return f"{order.word} {what} of #{issue}"

    def _waive_failing(self, unit: Unit, said: Said, view: ReviewView | None, now_ms: int) -> str:
        """The button: waive every criterion of this pull request that does not hold."""
        if view is None or view.verdict is None:
            raise NotFound("this pull request was not judged yet")
        failing = [one for one in view.verdict.judgement.criteria if not one.holds]
        if not failing:
            raise Conflict("every criterion holds; there is nothing to waive")
        reason = f"with the button of the check on #{said.number}"
        waived = [one for one in failing if self._waived(unit, said, one, reason, now_ms)]
        if not waived:
            raise Conflict("none of them can be waived: the issue changed meanwhile")
        return f"waived {len(waived)} criteria"

    def _waived(
        self, unit: Unit, said: Said, one: CriterionVerdict, reason: str, now_ms: int
    ) -> bool:
        """Waive one criterion, unless it stands no more or somebody just did."""
        where = (said.repository, one.issue, one.id, said.actor)
        try:
            self._checklists.waive(unit, *where, reason, now_ms, delivery_id=said.delivery_id)
        except HookyardError:
            return False
        self._record(unit, said, "criterion.waive", f"{one.issue}:{one.id}", reason, now_ms)
        return True

    def _issue_of(self, unit: Unit, said: Said, order: Order, view: ReviewView | None) -> int:
        """The issue whose criterion is meant: named, commented on, or the only one linked."""
        if order.issue is not None:
            return order.issue
        if view is None:
            return said.number
        holders = [
            number
            for number in _linked(said, view)
            if (found := self._checklists.find(unit, said.repository, number)) is not None
            and any(one.id == order.criterion_id for one in found.checklist.criteria)
        ]
        if len(holders) == 1:
            return holders[0]
        if not holders:
            raise NotFound(f"no linked issue has a criterion {order.criterion_id}")
        first = f"{holders[0]}/{order.criterion_id}"
        raise Invalid(f"several linked issues have {order.criterion_id}; write {first} or the like")

    def _regenerate(self, unit: Unit, said: Said, view: ReviewView | None) -> str:
        numbers = [said.number]
        if view is not None:
            numbers = _linked(said, view)
        if not numbers:
            raise NotFound("no issue is linked to this pull request")
        for number in numbers:
            job = extract_job(said.repository, number, again=True)
            self._jobs.enqueue(unit, replace(job, delivery_id=said.delivery_id))
        names = ", ".join(f"#{number}" for number in numbers)
        return f"the criteria of {names} are read again"

    def _explain(self, unit: Unit, said: Said, order: Order, view: ReviewView | None) -> str:
        if view is None or view.verdict is None:
            raise NotFound("this is no pull request that was judged")
        lines = explained(view, order.criterion_id, order.issue)
        body = "\n".join(f"- {defuse(line)}" for line in lines)
        self._request(unit, said, CommentEffect(said.repository, said.number, EXPLAINED, body))
        return "explained in a comment"

    def _flag(self, unit: Unit, said: Said, order: Order, now_ms: int) -> str:
        flag = self._reviews.flag(
            unit, said.repository, said.number, said.actor, order.reason, now_ms
        )
        self._record(unit, said, "review.flag", flag.head_sha, order.reason, now_ms)
        return f"{flag.head_sha[:10]} is flagged for merge"

    def _unlink(
        self, unit: Unit, said: Said, order: Order, view: ReviewView | None, now_ms: int
    ) -> str:
        if view is None or order.issue is None:
            raise NotFound("this is no pull request that is known")
        self._reviews.unlink(unit, said.repository, said.number, order.issue, said.actor)
        self._record(unit, said, "review.unlink", str(order.issue), order.reason, now_ms)
        job = validate_job(said.repository, said.number, f"{said.login} agreed to a removed link")
        return self._enqueue(unit, said, job, f"the link to #{order.issue} is gone")

    def _again(self, unit: Unit, said: Said, issue: int) -> None:
        """Look again at every pull request the issue is linked to."""
        for review in store.by_issue(unit, said.repository, issue, 100):
            job = validate_job(said.repository, review.pull.number, f"a decision of {said.login}")
            self._jobs.enqueue(unit, replace(job, delivery_id=said.delivery_id))

    def _enqueue(self, unit: Unit, said: Said, job: NewJob, done: str) -> str:
        self._jobs.enqueue(unit, replace(job, delivery_id=said.delivery_id))
        return done

    def _record(
        self, unit: Unit, said: Said, action: str, about: str, reason: str, now_ms: int
    ) -> None:
        target = f"{said.repository}#{said.number}"
        detail = {"about": about}
        entry = AuditEntry(
            said.actor, action, target, reason=reason, detail=detail, tenant=DEFAULT_TENANT
        )
        self._audit.record(unit, entry, now_ms)

    def _refuse(self, unit: Unit, said: Said, reason: str) -> None:
        self._react(unit, said, "confused")
        body = f"@{_login(said.login)}: {code(said.word)} was not done. {defuse(reason)}."
        self._request(unit, said, CommentEffect(said.repository, said.number, REFUSED, body))

    def _react(self, unit: Unit, said: Said, content: str) -> None:
        if not said.is_button:
            effect = ReactionEffect(said.repository, said.number, said.comment_id, content)
            self._request(unit, said, effect)

    def _request(self, unit: Unit, said: Said, effect: Effect) -> None:
        self._effects.request(unit, effect, delivery_id=said.delivery_id)


def _linked(said: Said, view: ReviewView) -> list[int]:
    """Issues of the pull request's own repository that it is about; no others are read."""
    own = said.repository.lower()
    return [
        link.number for link in view.links if not link.removed and link.repository.lower() == own
    ]


def _login(login: str) -> str:
    """A GitHub login as it is, anything else made harmless."""
    return login if login.replace("-", "").isalnum() and login.isascii() else defuse(login)
