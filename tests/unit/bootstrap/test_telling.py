"""What rooms tell becomes notices for those it concerns."""

from hookyard.adapters.database.port import Unit
from hookyard.bootstrap.telling import budget_notices
from hookyard.features.billing.model import BudgetNotice, Mark
from hookyard.features.notifications.model import Notice


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def __call__(self, unit: Unit, notice: Notice) -> None:
        self.notices.append(notice)


def test_admins_hear_of_each_mark_of_a_budget_apart() -> None:
    heard = Heard()
    tell = budget_notices(heard)
    for mark in Mark:
        news = BudgetNotice("p1", "Shop", mark, f"Shop: {mark.value}", "900 of 1,000 minutes")
        tell(None, news)  # type: ignore[arg-type]
    assert [notice.kind for notice in heard.notices] == ["budget.warned", "budget.stopped"]
    assert all(notice.for_admins and notice.repository is None for notice in heard.notices)
    assert len({notice.key for notice in heard.notices}) == 2
