"""From a cookie to an Actor: one look at the database for each request, so that an ended session
is over everywhere at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity import store_grants, store_sessions
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_model import Given, GrantSource, Subject
from hookyard.core.identity.model import Actor, ActorKind, Grant, Refused
from hookyard.core.identity.session_rules import csrf_token, digest, has_shape, judge, mark_of
from hookyard.core.identity.sessions import TOUCH_EVERY_MS, Sessions
from hookyard.core.identity.teams_grants import RuleGrants
from hookyard.core.identity.users import Held, Identity, Opened, Profile, User, Visit

SIGNED_OUT = Refused("no_session", "there is no such session; sign in again")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A cookie that is good, and what its holder was given by hand; nothing is changed yet."""

    held: Held
    given: Sequence[Grant]
    token: str = field(repr=False)

    @property
    def csrf_token(self) -> str:
        """What an unsafe request under this cookie must send."""
        return csrf_token(self.token)

    @property
    def bare(self) -> Actor:
        """Who it is, with no rights."""
        user = self.held.user
        return Actor(ActorKind.USER, user.id, user.tenant, (), user.login, self.held.session.id)


class Visits:
    """Opens sessions, and knows people by their cookies."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        rules: RuleGrants,
        grants: Grants,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._rules = rules
        self._grants = grants

    async def open(
        self, profile: Profile, old_cookie: str | None, client: str, now_ms: int
    ) -> Opened:
        """A session for who signed in; the one the browser had before is over."""
        identity = Identity(profile.issuer, profile.subject, "", profile.login)
        derived = await self._rules.grants_of(identity)

        def work(unit: Unit) -> Opened:
            if old_cookie is not None and has_shape(old_cookie):
                before = store_sessions.held(unit, digest(old_cookie))
                if before is not None:
                    store_sessions.remove(unit, before.session.id)
            self._sessions.purge(unit, now_ms)
            user = self._sessions.know(unit, profile, now_ms)
            mark = mark_of([*given_by_hand(unit, user, now_ms), *derived])
            self._mirror(unit, user, derived, now_ms)
            return self._sessions.open(unit, user, profile, mark, client, now_ms)

        return await self._database.write(work)

    async def recognise(self, token: str, now_ms: int) -> Recognised | Refused:
        """Whose a cookie is, or why it is nobody's. Any text may be passed."""
        if not has_shape(token):
            return Refused("malformed", "the session cookie is not one of ours; sign in again")
        found = await self._database.peek(lambda unit: self._look(unit, token, now_ms))
        if found is None:
            return SIGNED_OUT
        return judge(found.held.session, now_ms, self._sessions.options) or found

    async def enter(self, found: Recognised, now_ms: int) -> Visit:
        """The visit of a cookie that was recognised, with the rights its holder has now."""
        held = found.held
        derived = await self._rules.grants_of(held.identity)
        grants = (*found.given, *derived)
        replacement = await self._kept_up(held, mark_of(grants), derived, now_ms)
        actor = replace(found.bare, grants=tuple(dict.fromkeys(grants)))
        if replacement is None:
            return Visit(actor, held, found.csrf_token)
        actor = replace(actor, session_id=replacement.session.id)
        held = replace(held, session=replacement.session)
        return Visit(actor, held, csrf_token(replacement.token), replacement)

    async def sign_out(self, held: Held, now_ms: int) -> None:
        """End a session by its own cookie."""
        await self._database.write(lambda unit: self._sessions.sign_out(unit, held, now_ms))

    def _mirror(self, unit: Unit, user: User, derived: Sequence[Grant], now_ms: int) -> None:
        """Write what rules give now beside what was given by hand, to be listed and explained."""
        subject = subject_of(user)
        kept = store_grants.of_subject(unit, subject, now_ms)
        wanted: dict[tuple[GrantSource, str], list[Given]] = {
            (one.source, one.via): [] for one in kept if one.source is not GrantSource.MANUAL
        }
        for grant in derived:
            source, _, via = grant.source.partition(" ")
            wanted.setdefault((GrantSource(source), via), []).append((grant.role, grant.scope))
        for (kind, via), given in wanted.items():
            self._grants.keep_in_step(unit, subject, kind, via, given, now_ms)

    def _look(self, unit: Unit, token: str, now_ms: int) -> Recognised | None:
        held = store_sessions.held(unit, digest(token))
        if held is None:
            return None
        return Recognised(held, given_by_hand(unit, held.user, now_ms), token)

    async def _kept_up(
        self, held: Held, mark: str, derived: Sequence[Grant], now_ms: int
    ) -> Opened | None:
        """Replace the session when its holder's rights changed; else note now and then its use."""
        session = held.session

        def replace_it(unit: Unit) -> Opened | None:
            self._mirror(unit, held.user, derived, now_ms)
            return self._sessions.replace(unit, held, mark, now_ms)

        if mark != session.mark:
            return await self._database.write(replace_it)
        if session.seen_at_ms <= now_ms - TOUCH_EVERY_MS:
            older_ms = now_ms - TOUCH_EVERY_MS + 1
            await self._database.write(
                lambda unit: store_sessions.touch(unit, session.id, now_ms, older_ms)
            )
        return None


def given_by_hand(unit: Unit, user: User, now_ms: int) -> tuple[Grant, ...]:
    """What somebody gave a user; what rules give is not taken from the table but worked out."""
    kept = store_grants.of_subject(unit, subject_of(user), now_ms)
    return tuple(one.grant for one in kept if one.source is GrantSource.MANUAL)


def subject_of(user: User) -> Subject:
    """How grants name a user."""
    return Subject(ActorKind.USER, user.id, user.tenant)
