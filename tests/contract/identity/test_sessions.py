"""Users, sessions and sign-ins under way, on every database."""

import asyncio

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity import store_sessions, store_signins, store_users
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_model import GrantFilter, GrantSource, NewGrant
from hookyard.core.identity.model import ActorKind, Grant, Refused, Role, Scope
from hookyard.core.identity.session_rules import SessionOptions, digest
from hookyard.core.identity.sessions import Sessions
from hookyard.core.identity.store_signins import Pending
from hookyard.core.identity.teams_grants import RuleGrants
from hookyard.core.identity.teams_rules import Issuers, Named, Rule
from hookyard.core.identity.users import Opened, Profile, User, Visit
from hookyard.core.identity.visits import Visits, subject_of
from hookyard.core.repositories.service import find_repository
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.ids import IdMaker

GITHUB = "https://github.com"
ALICE = Profile(GITHUB, "7", "alice", "Alice", "a@acme.example", "https://avatars.example/7")
OPTIONS = SessionOptions(idle_ms=3_600_000, absolute_ms=86_400_000)
ADMIN_RULE = Rule(Grant(Role.ADMIN), people=(Named("login", "alice"),))
SHOP_RULE = Rule(
    Grant(Role.OPERATOR, Scope.of_repository("acme/shop")), people=(Named("login", "alice"),)
)


class Room:
    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database, self.clock = database, clock
        self.audit = Audit(ids)
        self.sessions = Sessions(ids, self.audit, OPTIONS)
        self.grants = Grants(ids, self.audit, lambda: None, find_repository)
        self.visits = self.with_rules()

    def with_rules(self, *rules: Rule) -> Visits:
        derived = RuleGrants(rules, Issuers(GITHUB), None)
        return Visits(self.database, self.sessions, derived, self.grants)

    async def open(self, profile: Profile = ALICE, old: str | None = None) -> Opened:
        return await self.visits.open(profile, old, "Firefox", self.clock.now_ms())

    async def enter(self, token: str, visits: Visits | None = None) -> Visit | Refused:
        asked = visits or self.visits
        found = await asked.recognise(token, self.clock.now_ms())
        if isinstance(found, Refused):
            return found
        return await asked.enter(found, self.clock.now_ms())

    async def code(self, token: str) -> str:
        refused = await self.enter(token)
        assert isinstance(refused, Refused)
        return refused.code

    async def user(self, opened: Opened) -> User:
        return await self.database.read(
            lambda unit: self.sessions.get_user(unit, opened.session.user_id, "default")
        )

    async def actions(self) -> list[str]:
        page = await self.database.read(
            lambda unit: self.audit.list_page(unit, AuditFilter(), None, 50)
        )
        return [record.entry.action for record in reversed(page.items)]


@pytest.fixture
def room(database: Database, clock: ManualClock, ids: IdMaker) -> Room:
    return Room(database, clock, ids)


async def test_a_session_opens_for_its_user_with_no_rights_of_its_own(room: Room) -> None:
    opened = await room.open()
    visit = await room.enter(opened.token)
    assert isinstance(visit, Visit)
    assert visit.actor.kind is ActorKind.USER
    assert (visit.actor.name, visit.actor.grants) == ("alice", ())
    assert visit.actor.session_id == opened.session.id
    user = await room.user(opened)
    assert (user.name, user.email, user.avatar_url) == (ALICE.name, ALICE.email, ALICE.avatar_url)
    assert await room.actions() == ["signin"]


async def test_two_first_sign_ins_at_once_make_one_user(room: Room) -> None:
    opened = await asyncio.gather(*(room.open() for _ in range(6)))
    assert len({one.session.user_id for one in opened}) == 1
    assert len({one.token for one in opened}) == 6
    page = await room.database.read(
        lambda unit: room.sessions.list_users(unit, "default", None, None, 50)
    )
    assert len(page.items) == 1


async def test_one_number_at_two_issuers_is_two_users(room: Room) -> None:
    first = await room.open()
    second = await room.open(Profile("https://id.example", "7", "alice"))
    assert first.session.user_id != second.session.user_id
    identities = await room.database.read(
        lambda unit: store_users.identities_of(unit, first.session.user_id)
    )
    assert [(one.issuer, one.subject) for one in identities] == [(GITHUB, "7")]


async def test_what_a_provider_says_is_cut_and_made_storable(room: Room) -> None:
    wild = Profile(GITHUB, "8", "x\x00y\n" + "z" * 900, "\ud800A\u202e", "e" * 900, "javascript:x")
    user = await room.user(await room.open(wild))
    assert user.login == ("xy" + "z" * 900)[:200]
    assert user.name == "A"
    assert len(user.email or "") == 200
    assert user.avatar_url is None
    nameless = await room.user(await room.open(Profile(GITHUB, "9", "")))
    assert nameless.login == "9"
    with pytest.raises(Invalid):
        await room.open(Profile(GITHUB, "", "nobody"))


async def test_signing_in_again_ends_the_session_before(room: Room) -> None:
    first = await room.open()
    second = await room.open(old=first.token)
    assert await room.code(first.token) == "no_session"
    assert isinstance(await room.enter(second.token), Visit)


async def test_its_use_is_noted_once_a_minute(room: Room) -> None:
    opened = await room.open()

    async def seen_ms() -> int:
        found = await room.database.read(lambda unit: store_sessions.find(unit, opened.session.id))
        assert found is not None
        return found.seen_at_ms

    began = room.clock.now_ms()
    room.clock.advance(59)
    await room.enter(opened.token)
    assert await seen_ms() == began
    room.clock.advance(1)
    await room.enter(opened.token)
    assert await seen_ms() == began + 60_000


async def test_it_ends_unused_and_at_its_term_and_is_then_swept(room: Room) -> None:
    opened = await room.open()
    room.clock.advance(3_600)
    assert await room.code(opened.token) == "idle"
    other = await room.open(Profile(GITHUB, "8", "bob"))
    gone = await room.database.read(lambda unit: store_sessions.find(unit, opened.session.id))
    assert gone is None
    for _ in range(24):
        room.clock.advance(3_599)
        await room.enter(other.token)
    room.clock.advance(24)
    assert await room.code(other.token) == "expired"


async def test_changed_rights_change_the_cookie_and_the_grants_that_are_kept(room: Room) -> None:
    opened = await room.open()
    changed = room.with_rules(ADMIN_RULE, SHOP_RULE)
    visit = await room.enter(opened.token, changed)
    assert isinstance(visit, Visit)
    assert visit.replacement is not None
    assert visit.actor.session_id == visit.replacement.session.id != opened.session.id
    assert visit.replacement.session.expires_at_ms == opened.session.expires_at_ms
    assert {grant.role for grant in visit.actor.grants} == {Role.ADMIN, Role.OPERATOR}
    assert await room.code(opened.token) == "no_session"
    again = await room.enter(visit.replacement.token, changed)
    assert isinstance(again, Visit)
    assert again.replacement is None
    subject = subject_of(await room.user(opened))

    def kept(unit: Unit) -> list[tuple[Role, GrantSource, str]]:
        found = room.grants.list_page(unit, visit.actor, GrantFilter(subject), None, 50).items
        return sorted((one.role, one.source, one.via) for one in found)

    assert await room.database.read(kept) == [
        (Role.ADMIN, GrantSource.CONFIG, "alice"),
        (Role.OPERATOR, GrantSource.CONFIG, "alice"),
    ]
    back = await room.enter(visit.replacement.token)
    assert isinstance(back, Visit)
    assert (back.actor.grants, await room.database.read(kept)) == ((), [])
    assert "sessions.replace" in await room.actions()


async def test_of_many_who_see_the_change_one_gets_the_new_cookie(room: Room) -> None:
    opened = await room.open()
    changed = room.with_rules(ADMIN_RULE)
    now_ms = room.clock.now_ms()
    found = await changed.recognise(opened.token, now_ms)
    assert not isinstance(found, Refused)
    visits = await asyncio.gather(*(changed.enter(found, now_ms) for _ in range(5)))
    given = [one.replacement for one in visits if one.replacement is not None]
    assert len(given) == 1
    assert isinstance(await room.enter(given[0].token, changed), Visit)


async def test_a_grant_by_hand_counts_from_the_next_request(room: Room) -> None:
    opened = await room.open()
    wanted = NewGrant(subject_of(await room.user(opened)), Role.VIEWER, Scope.of_org("acme"))
    now_ms = room.clock.now_ms()
    await room.database.write(lambda unit: room.grants.create(unit, wanted, ADMIN, now_ms))
    visit = await room.enter(opened.token)
    assert isinstance(visit, Visit)
    assert [grant.role for grant in visit.actor.grants] == [Role.VIEWER]


async def test_sessions_are_listed_and_ended(room: Room) -> None:
    opened = [await room.open() for _ in range(3)]
    user_id, now_ms = opened[0].session.user_id, room.clock.now_ms()
    visit = await room.enter(opened[0].token)
    assert isinstance(visit, Visit)
    first = await room.database.read(
        lambda unit: room.sessions.list_page(unit, user_id, None, 2, now_ms)
    )
    rest = await room.database.read(
        lambda unit: room.sessions.list_page(unit, user_id, first.next_cursor, 2, now_ms)
    )
    assert rest.next_cursor is None
    listed = [one.id for one in (*first.items, *rest.items)]
    assert listed == [one.session.id for one in reversed(opened)]
    with pytest.raises(NotFound):
        await room.database.write(
            lambda unit: room.sessions.end(unit, listed[0], "another", visit.actor, now_ms)
        )
    await room.database.write(
        lambda unit: room.sessions.end(unit, listed[0], user_id, visit.actor, now_ms)
    )
    assert await room.code(opened[2].token) == "no_session"
    kept = opened[0].session.id
    ended = await room.database.write(
        lambda unit: room.sessions.end_all(unit, user_id, visit.actor, now_ms, but=kept)
    )
    assert ended == 1
    assert isinstance(await room.enter(opened[0].token), Visit)
    with pytest.raises(Invalid):
        await room.database.read(
            lambda unit: room.sessions.list_page(unit, user_id, "nonsense", 2, now_ms)
        )


async def test_of_two_answers_with_one_state_one_is_taken(room: Room) -> None:
    pending = Pending("a" * 64, "b" * 64, GITHUB, "/", room.clock.now_ms() + 1)
    await room.database.write(lambda unit: store_signins.add(unit, pending))
    taken = await asyncio.gather(
        *(room.database.write(lambda unit: store_signins.take(unit, "a" * 64)) for _ in range(8))
    )
    assert [one for one in taken if one is not None] == [pending]


async def test_sign_ins_that_were_given_up_are_swept(room: Room) -> None:
    def fill(unit: Unit) -> None:
        for number in range(5):
            store_signins.add(unit, Pending(f"{number}", "b", GITHUB, "/", number))

    await room.database.write(fill)
    assert await room.database.write(lambda unit: store_signins.remove_expired(unit, 1)) == 2
    await room.database.write(lambda unit: store_signins.remove_oldest(unit, 2))
    assert await room.database.read(store_signins.count) == 1
    assert await room.database.write(lambda unit: store_signins.take(unit, "4")) is not None


async def test_only_the_hash_of_a_cookie_finds_it(room: Room) -> None:
    opened = await room.open()
    for wrong in (digest(opened.token), opened.token[:-1] + "_", "hks_" + "A" * 43, ""):
        assert await room.code(wrong) in ("no_session", "malformed")
