"""Use cases of sessions: open, replace, list, end; each with its line in the audit trail."""

import secrets
from collections.abc import Callable
from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_sessions, store_users
from hookyard.core.identity.model import DEFAULT_TENANT, Actor
from hookyard.core.identity.session_rules import (
    SECRET_BYTES,
    SessionOptions,
    client_name,
    digest,
    make_cookie,
)
from hookyard.core.identity.users import Held, Opened, Profile, Session, User
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.pages import Page, encode_cursor, id_in, page_of

TOUCH_EVERY_MS = 60_000
MAX_NAME = 200


class Sessions:
    """Keeps users and their sessions."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        options: SessionOptions,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.options = options
        self._ids = ids
        self._audit = audit
        self._random_bytes = random_bytes

    def know(self, unit: Unit, profile: Profile, now_ms: int) -> User:
        """The user of an identity, made at their first sign-in; what is shown of them is fresh."""
        seen = _storable_profile(profile)
        store_users.lock_identity(unit, seen.issuer, seen.subject)
        known = store_users.find_identity(unit, seen.issuer, seen.subject)
        if known is None:
            user = User(
                self._ids.new(now_ms), DEFAULT_TENANT, seen.login, seen.name, seen.email,
                seen.avatar_url, now_ms, now_ms,
            )  # fmt: skip
            store_users.add(unit, user, seen)
            return user
        store_users.refresh(unit, known.user_id, seen, now_ms)
        found = store_users.find(unit, known.user_id)
        if found is None:
            raise NotFound("the user of this identity is gone")
        return found

    def open(
        self, unit: Unit, user: User, profile: Profile, mark: str, client: str, now_ms: int
    ) -> Opened:
        """A fresh session, with its line in the trail."""
        token = make_cookie(self._random_bytes(SECRET_BYTES))
        session = Session(
            id=self._ids.new(now_ms),
            token_sha256=digest(token),
            user_id=user.id,
            tenant=user.tenant,
            issuer=profile.issuer,
            subject=profile.subject,
            mark=mark,
            client=client_name(client),
            created_at_ms=now_ms,
            seen_at_ms=now_ms,
            expires_at_ms=now_ms + self.options.absolute_ms,
        )
        store_sessions.add(unit, session)
        entry = AuditEntry(
            f"user:{user.id}", "signin", f"session:{session.id}",
            detail={"issuer": profile.issuer, "login": user.login}, tenant=user.tenant,
        )  # fmt: skip
        self._audit.record(unit, entry, now_ms)
        return Opened(session, token)

    def replace(self, unit: Unit, held: Held, mark: str, now_ms: int) -> Opened | None:
        """A new session in the place of one whose holder's rights changed; it lasts no longer.

        None when another request replaced it first.
        """
        if not store_sessions.remove(unit, held.session.id):
            return None
        token = make_cookie(self._random_bytes(SECRET_BYTES))
        session = replace(
            held.session,
            id=self._ids.new(now_ms),
            token_sha256=digest(token),
            mark=mark,
            seen_at_ms=now_ms,
        )
        store_sessions.add(unit, session)
        entry = AuditEntry(
            f"user:{held.user.id}", "sessions.replace", f"session:{session.id}",
            reason="the rights of its holder changed", detail={"replaces": held.session.id},
            tenant=held.user.tenant,
        )  # fmt: skip
        self._audit.record(unit, entry, now_ms)
        return Opened(session, token)

    def list_page(
        self, unit: Unit, user_id: str, cursor: str | None, limit: int, now_ms: int
    ) -> Page[Session]:
        """Sessions of a user, newest first, without those that are over."""
        rows = store_sessions.page(unit, user_id, id_in(cursor), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        idle_ms = now_ms - self.options.idle_ms
        live = [s for s in rows[:limit] if s.expires_at_ms > now_ms and s.seen_at_ms > idle_ms]
        return Page(tuple(live), more)

    def end(self, unit: Unit, session_id: str, user_id: str, by: Actor, now_ms: int) -> None:
        """End one session of a user; NotFound when it is none of theirs."""
        found = store_sessions.find(unit, session_id) if is_id(session_id) else None
        if found is None or found.user_id != user_id or found.tenant != by.tenant:
            raise NotFound("there is no such session")
        if store_sessions.remove(unit, session_id):
            entry = AuditEntry(by.label, "sessions.end", f"session:{session_id}", tenant=by.tenant)
            self._audit.record(unit, entry, now_ms)

    def end_all(
        self, unit: Unit, user_id: str, by: Actor, now_ms: int, *, but: str | None = None
    ) -> int:
        """End every session of a user, but for one where it is named; how many ended."""
        ended = store_sessions.remove_all(unit, user_id, but)
        if ended:
            detail = {"sessions": ended}
            entry = AuditEntry(
                by.label, "sessions.end_all", f"user:{user_id}", detail=detail, tenant=by.tenant
            )
            self._audit.record(unit, entry, now_ms)
        return ended

    def sign_out(self, unit: Unit, held: Held, now_ms: int) -> None:
        """End a session by its own cookie."""
        if store_sessions.remove(unit, held.session.id):
            who, what = f"user:{held.user.id}", f"session:{held.session.id}"
            entry = AuditEntry(who, "signout", what, tenant=held.user.tenant)
            self._audit.record(unit, entry, now_ms)

    def get_user(self, unit: Unit, user_id: str, tenant: str) -> User:
        """A user by id; NotFound for one of another tenant or none."""
        found = store_users.find(unit, user_id) if is_id(user_id) else None
        if found is None or found.tenant != tenant:
            raise NotFound("there is no such user")
        return found

    def list_users(
        self, unit: Unit, tenant: str, login: str | None, cursor: str | None, limit: int
    ) -> Page[User]:
        """Users of a tenant, newest first; those of one login where it is given."""
        rows = store_users.page(unit, tenant, login, id_in(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def is_live(self, unit: Unit, session_id: str, now_ms: int) -> bool:
        """Whether a session still stands, for what lasts longer than a request."""
        found = store_sessions.find(unit, session_id) if is_id(session_id) else None
        return (
            found is not None
            and found.expires_at_ms > now_ms
            and found.seen_at_ms > now_ms - self.options.idle_ms
        )

    def purge(self, unit: Unit, now_ms: int) -> int:
        """Delete the rows of sessions that are over; how many."""
        return store_sessions.remove_expired(unit, now_ms, now_ms - self.options.idle_ms)


def _storable_profile(profile: Profile) -> Profile:
    """What a provider said, cut and without what a database cannot hold."""
    if not profile.subject or not profile.issuer:
        raise Invalid("the provider names nobody", code="signin_refused")
    return replace(
        profile,
        login=_clean(profile.login)[:MAX_NAME] or profile.subject,
        name=_clean(profile.name)[:MAX_NAME],
        email=_clean(profile.email or "")[:MAX_NAME] or None,
        avatar_url=_picture(profile.avatar_url),
    )


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).encode("utf-8", "ignore").decode().strip()


def _picture(address: str | None) -> str | None:
    """# why: it ends up in the source of an image, where only plain web addresses belong."""
    text = _clean(address or "")
    is_web = text.startswith(("https://", "http://")) and len(text) <= 1_000
    return text if is_web and not set(text) & set("\"'<> \\") else None
