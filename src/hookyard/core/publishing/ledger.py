"""The write budget kept in the database: one for each installation of the App, for all features."""

from collections.abc import Mapping

from hookyard.adapters.database.port import Unit
from hookyard.core.publishing import budget, store
from hookyard.core.publishing.budget import WRITE, BudgetLimits, Cost, Wait
from hookyard.core.publishing.model import Urgency
from hookyard.core.publishing.rows import EffectRow


class WriteLedger:
    """Takes writes from the budget, learns from refusals, and foretells when writes would be done.

    Other rooms that write to GitHub (campaigns opening pull requests) must use it too.
    """

    def __init__(self, app_id: int, limits: BudgetLimits) -> None:
        self._app_id = app_id
        self._limits = limits

    def take(
        self,
        unit: Unit,
        installation_id: int,
        row: EffectRow,
        now_ms: int,
        cost: Cost = WRITE,
    ) -> Wait | None:
        """Count one write for this effect, or record on it which limit holds it until when."""
        scope = self._scope(installation_id)
        state = store.lock_budget(unit, scope)
        ahead = store.ahead_of(unit, scope, row, now_ms)
        verdict = budget.decide(state, self._limits, row.urgency, now_ms, cost, ahead)
        if isinstance(verdict, Wait):
            store.hold(unit, row.id, store.Held(scope, verdict.limit, verdict.until_ms))
            return verdict
        store.save_budget(unit, scope, verdict.state, now_ms)
        return None

    def learn(
        self,
        unit: Unit,
        installation_id: int,
        row: EffectRow,
        kind: str,
        until_ms: int,
        now_ms: int,
    ) -> None:
        """GitHub refused a call for a limit: nobody writes before `until_ms`, then more slowly."""
        scope = self._scope(installation_id)
        state = store.lock_budget(unit, scope)
        state = budget.limited(state, self._limits, kind, until_ms, now_ms)
        store.save_budget(unit, scope, state, now_ms)
        store.hold(unit, row.id, store.Held(scope, state.blocked_by, until_ms))

    def eta(
        self,
        unit: Unit,
        installation_id: int,
        urgency: Urgency,
        writes: int,
        now_ms: int,
        cost: Cost = WRITE,
    ) -> int:
        """When this many more writes of this urgency would all have gone out, at the earliest."""
        state = store.budget(unit, self._scope(installation_id))
        return budget.eta(state, self._limits, urgency, now_ms, writes, cost)

    def standing(self, unit: Unit, installation_id: int, now_ms: int) -> Mapping[str, int]:
        """What is used and what holds now, for metrics and pages."""
        state = store.budget(unit, self._scope(installation_id))
        minute, hour = budget.effective(state, self._limits, now_ms)
        return {
            "minute_used": state.minute.used(now_ms),
            "minute_limit": minute,
            "hour_used": state.hour.used(now_ms),
            "hour_limit": hour,
            "points_used": state.points.used(now_ms),
            "points_limit": self._limits.points_per_minute,
            "blocked_until_ms": state.blocked_until_ms,
        }

    def _scope(self, installation_id: int) -> str:
        return f"{self._app_id}:{installation_id}"
