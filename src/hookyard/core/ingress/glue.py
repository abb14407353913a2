"""The router's ports, answered by the rooms below it."""

from collections.abc import Callable

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import DEFAULT_TENANT, AuditEntry, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.ingress.decide import Routing
from hookyard.core.ingress.model import Event
from hookyard.core.ingress.rules import BOOKKEEPING
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.repositories.rules import permissions_changed_by
from hookyard.core.repositories.service import apply_installation_event
from hookyard.kit.clock import Clock
from hookyard.kit.json import dig
from hookyard.kit.names import is_sha


class ConfigAtRef:
    """`ConfigLookup` over the repositories room: a full sha is read as it is, a branch resolved."""

    def __init__(self, reader: ConfigReader) -> None:
        self._reader = reader

    async def read_config(
        self, installation_id: int, repository: str, ref: str
    ) -> RepositoryConfig | ConfigInvalid:
        """The configuration at a sha or branch."""
        if is_sha(ref):
            return (await self._reader.at(installation_id, repository, ref)).config
        return (await self._reader.at_ref(installation_id, repository, ref)).config


TOLD_MS = 60_000
TOLD_AT_MOST = 5_000


class EventInventory:
    """`Inventory`: installations and repositories follow GitHub's events; stale caches go.

    What an ordinary event says of its repository is written once a minute, not for every event.
    """

    def __init__(
        self,
        clock: Clock,
        forget_installation: Callable[[int], None] | None,
        forget_permissions: Callable[[str], None] | None,
    ) -> None:
        self._clock = clock
        self._forget_installation = forget_installation
        self._forget_permissions = forget_permissions
        self._told: dict[tuple[int | str | None, ...], int] = {}

    def apply(self, unit: Unit, event: Event) -> str:
        """Take in a GitHub event; "" for other providers."""
        if event.provider != "github":
            return ""
        now_ms = self._clock.now_ms()
        if self._was_told(unit, event, now_ms):
            return ""
        change = apply_installation_event(unit, event.name, event.action, event.payload, now_ms)
        installation = change.forget_installation
        scope = permissions_changed_by(event.name, event.payload)
        if installation is not None and self._forget_installation is not None:
            forget = self._forget_installation
            unit.after_commit(lambda: forget(installation))
        if scope is not None and self._forget_permissions is not None:
            forget_scope = self._forget_permissions
            unit.after_commit(lambda: forget_scope(scope))
        return change.reason

    def _was_told(self, unit: Unit, event: Event, now_ms: int) -> bool:
        if event.name in BOOKKEEPING or permissions_changed_by(event.name, event.payload):
            self._told.clear()
            return False
        facts = (
            event.installation_id,
            *(str(dig(event.payload, "repository", name))[:200] for name in _FACTS),
        )
        told_ms = self._told.get(facts)
        if told_ms is not None and now_ms - told_ms < TOLD_MS:
            return True
        if len(self._told) >= TOLD_AT_MOST:
            self._told.clear()
        unit.after_commit(lambda: self._told.__setitem__(facts, now_ms))
        return False


_FACTS = ("id", "full_name", "default_branch", "private", "archived")


class AuditedRefusals:
    """`Refusals`: every refused command leaves an audit entry."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    def record(self, unit: Unit, event: Event, routing: Routing, delivery_id: str) -> None:
        """One entry for each refused command of the event."""
        for ruling in routing.refused:
            command = ruling.command
            where = command.repository or event.repository or event.subject or event.provider
            target = f"{where}#{command.number}" if command.number is not None else where
            entry = AuditEntry(
                actor=f"{event.provider}:{command.actor or command.actor_id or 'unknown'}",
                action=f"command.{command.name[:60]}",
                target=target,
                outcome=AuditOutcome.REFUSED,
                reason=ruling.reason,
                detail={"delivery_id": delivery_id},
                tenant=DEFAULT_TENANT,
            )
            self._audit.record(unit, entry, self._clock.now_ms())
