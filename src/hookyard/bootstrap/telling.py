"""Which news of other rooms become notices: verdicts that turned, budgets that run out."""

from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.features.billing.model import BudgetNotice
from hookyard.features.notifications.model import Notice, Notify
from hookyard.features.reviews.judging import VerdictChanged

SUCCESS = "success"


def verdict_notices(notify: Notify, site: str) -> Callable[[Unit, VerdictChanged], None]:
    """Tells who opened a pull request when its criteria begin to hold, or hold no more.

    A first verdict that passes is no news.
    """

    def tell(unit: Unit, changed: VerdictChanged) -> None:
        pull, conclusion = changed.review.pull, changed.judgement.conclusion
        passes = conclusion == SUCCESS
        if passes and changed.before is None:
            return
        place = f"{pull.repository}#{pull.number}"
        kind = "criteria.passed" if passes else "criteria.failed"
        notice = Notice(
            kind=kind,
            repository=pull.repository,
            number=pull.number,
            title=f"Criteria of {place}: {changed.judgement.title}",
            body=changed.judgement.reason,
            url=f"{site}/{pull.repository}/pull/{pull.number}",
            for_logins=(pull.author,) if pull.author else (),
            key=f"{kind}:{place.lower()}",
        )
        notify(unit, notice)

    return tell


def budget_notices(notify: Notify) -> Callable[[Unit, BudgetNotice], None]:
    """Tells admins what a project's budget came to."""

    def tell(unit: Unit, news: BudgetNotice) -> None:
        notice = Notice(
            kind=f"budget.{news.mark.value}",
            repository=None,
            number=None,
            title=news.title,
            body=news.body,
            url=None,
            for_admins=True,
            key=f"budget:{news.project_id}:{news.mark.value}:{news.title}",
        )
        notify(unit, notice)

    return tell
