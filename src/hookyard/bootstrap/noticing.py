"""What people are told: inboxes, their streams, Slack, and which events make notices."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.oauth import site_of
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.messaging.backends.slack import SlackMessages
from hookyard.core.identity import told
from hookyard.core.identity.model import DEFAULT_TENANT, Action, Actor, Scope
from hookyard.core.identity.sessions import Sessions
from hookyard.core.ingress.silence_service import Silent
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories.service import find_repository
from hookyard.features.codehealth.model import Conclusion, HealthStored
from hookyard.features.codehealth.service import CodeHealth
from hookyard.features.notifications.model import Notice, Recipient
from hookyard.features.notifications.service import CHANNEL, Notifications, Slack
from hookyard.features.notifications.stream import Streams
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings


@dataclass(frozen=True, slots=True)
class Noticing:
    """The rooms that tell people, and what they send messages with (None: Slack is not set up)."""

    notifications: Notifications
    health: CodeHealth
    slack: SlackMessages | None
    outbound: GuardedHttp | None

    def silent(self, unit: Unit, source: Silent) -> None:
        """A source of webhooks fell silent: its admins are told, once for each silence."""
        last = source.last_delivery_ms
        said = "never delivered" if last is None else f"last delivered {to_rfc3339(last)}"
        notice = Notice(
            kind="source.silent",
            repository=None,
            number=None,
            title=f"The source {source.source} has fallen silent",
            body=f"It {said}. Check the webhook at {source.provider}; see GET /api/sources.",
            url=None,
            for_admins=True,
            key=f"source.silent:{source.source}:{source.silent_since_ms}",
        )
        self.notifications.notify(unit, notice)

    async def close(self) -> None:
        """Close every connection."""
        if self.outbound is not None:
            await self.outbound.close()


def open_noticing(
    settings: Settings, database: Database, publisher: Publisher, clock: Clock, ids: IdMaker
) -> Noticing:
    """All of it; Slack where a bot token is set."""
    slack, outbound = _slack(settings, clock)
    given = None
    if slack is not None:
        given = Slack(publisher, frozenset(settings.slack.channels))
    site = site_of(settings.github.api_base_url)
    people = KnownPeople(site, clock)

    def announce() -> None:
        database.announce(CHANNEL)

    notifications = Notifications(ids, clock, people, find_repository, announce, given)
    health = CodeHealth(ids, publisher, health_notices(notifications, site))
    return Noticing(notifications, health, slack, outbound)


def open_streams(
    database: Database, notifications: Notifications, sessions: Sessions, clock: Clock
) -> Streams:
    """The streams of this process."""

    def alive(unit: Unit, actor: Actor, now_ms: int) -> bool:
        return sessions.is_live(unit, actor.session_id or "", now_ms)

    return Streams(database, notifications, alive, clock)


class KnownPeople:
    """`People` over the identity room. `issuer` is where GitHub logins are from."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock

    def by_logins(self, unit: Unit, logins: tuple[str, ...]) -> tuple[Recipient, ...]:
        """Those who ever signed in with GitHub under one of these logins."""
        found = told.users_by_logins(unit, self._issuer, logins)
        return tuple(Recipient(user.id, user.tenant) for user in found)

    def admins(self, unit: Unit) -> tuple[Recipient, ...]:
        """Admins of everything."""
        ids = told.admin_ids(unit, self._clock.now_ms())
        return tuple(Recipient(user_id, DEFAULT_TENANT) for user_id in ids)

    def may_read(
        self, unit: Unit, user_id: str, repository: str, repository_id: int | None
    ) -> bool:
        """By the grants that are kept of them."""
        scope = Scope.of_repository(repository, DEFAULT_TENANT, repository_id)
        return told.may(unit, user_id, Action.REPOSITORIES_READ, scope, self._clock.now_ms())


def health_notices(notifications: Notifications, site: str) -> Callable[[Unit, HealthStored], None]:
    """Tells who opened a pull request that its code health does not pass."""

    def tell(unit: Unit, stored: HealthStored) -> None:
        if stored.number is None or stored.conclusion is Conclusion.SUCCESS:
            return
        place = f"{stored.repository}#{stored.number}"
        notice = Notice(
            kind="health.failed",
            repository=stored.repository,
            number=stored.number,
            title=f"Code health of {place}: {stored.reason}",
            body=f"{stored.new:,} new, {stored.unknown:,} new or old, {stored.fixed:,} fixed, "
            f"{stored.carried:,} carried at {stored.head_sha[:12]}.",
            url=f"{site}/{stored.repository}/pull/{stored.number}",
            for_logins=() if stored.author is None else (stored.author,),
            key=f"health.failed:{place.lower()}",
        )
        notifications.notify(unit, notice)

    return tell


def _slack(settings: Settings, clock: Clock) -> tuple[SlackMessages | None, GuardedHttp | None]:
    given = settings.slack
    if given.bot_token is None:
        return None, None
    host = urlsplit(given.api_url).netloc.lower()
    outbound = GuardedHttp((host,))
    return SlackMessages(given.api_url, given.bot_token, outbound, clock), outbound
