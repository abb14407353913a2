"""Inboxes: who is told, what folds, what may be read, what goes on to Slack."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.messages import LandMessage
from hookyard.core.publishing.model import EffectFilter
from hookyard.core.publishing.service import Publisher
from hookyard.features.notifications import store
from hookyard.features.notifications.model import Channel, Notice, Recipient, Rule
from hookyard.features.notifications.service import MOST_ENTRIES, Notifications, Slack
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Conflict, Invalid, NotFound
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import as_object, as_text

SHOP = "acme/Shop"
ALICE, BOB, ROOT = "alice", "bob", "root"
PERSON, CHANNEL = "U01234567", "C01234567"
NOTICE = Notice(
    "health.failed", SHOP, 7, "It fails", "Two new findings", "https://x.test/7", (ALICE,)
)


@dataclass
class Town:
    """People and what they may read; ids are their logins."""

    readers: dict[str, set[str]] = field(
        default_factory=lambda: {ALICE: {"acme/shop"}, BOB: {"acme/shop"}, ROOT: {"acme/shop"}}
    )

    def by_logins(self, unit: Unit, logins: tuple[str, ...]) -> tuple[Recipient, ...]:
        return tuple(Recipient(who, "default") for who in self.readers if who in logins)

    def admins(self, unit: Unit) -> tuple[Recipient, ...]:
        return (Recipient(ROOT, "default"),)

    def may_read(
        self, unit: Unit, user_id: str, repository: str, repository_id: int | None
    ) -> bool:
        return repository.lower() in self.readers.get(user_id, set())


class Post:
    """The whole office."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database, self.clock = database, clock
        self.town = Town()
        self.rings = 0
        ledger = Ledger(clock, ids, [LandMessage.kind], Random(1), lambda: None)
        self.publisher = Publisher(ledger, clock, ids)
        self.notifications = Notifications(
            ids, clock, self.town, lambda unit, name: (11, name.lower()), self.ring,
            Slack(self.publisher, frozenset({CHANNEL})),
        )  # fmt: skip

    def ring(self) -> None:
        self.rings += 1

    async def tell(self, *notices: Notice) -> None:
        def work(unit: Unit) -> None:
            for notice in notices:
                self.notifications.notify(unit, notice)

        await self.database.write(work)

    async def rules(self, who: str, *rules: Rule) -> None:
        await self.database.write(
            lambda unit: self.notifications.set_rules(unit, actor(who), rules)
        )

    async def titles(self, who: str, *, unread: bool = False) -> list[str]:
        return [entry for entry, _ in await self.lines(who, unread=unread)]

    async def lines(
        self, who: str, limit: int = 50, *, unread: bool = False
    ) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        cursor: str | None = None
        while True:
            page = await self.database.read(
                lambda unit, cursor=cursor: self.notifications.page(
                    unit, actor(who), cursor, limit, unread=unread
                )
            )
            found += [(entry.title, entry.count) for entry in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def messages(self) -> list[tuple[str, str]]:
        """What should stand in Slack, the oldest first: target and text."""
        page = await self.database.read(lambda unit: self.publisher.list(unit, EffectFilter()))
        wanted = [as_object(one.desired) for one in reversed(page.items)]
        return [(as_text(one.get("target")), as_text(one.get("text"))) for one in wanted]


def actor(who: str, role: Role = Role.VIEWER, scope: Scope | None = None) -> Actor:
    if who == ROOT:
        role = Role.ADMIN
    return Actor(ActorKind.USER, who, "default", (Grant(role, scope or Scope()),), who)


@pytest.fixture
def post(database: Database, clock: ManualClock, ids: IdMaker) -> Post:
    return Post(database, clock, ids)


async def test_who_is_addressed_is_told_and_nobody_else(post: Post) -> None:
    await post.tell(NOTICE)
    assert await post.titles(ALICE) == ["It fails"]
    assert await post.titles(BOB) == []
    assert post.rings == 1


async def test_who_may_not_read_the_repository_is_told_nothing(post: Post) -> None:
    post.town.readers[ALICE].clear()
    await post.tell(NOTICE)
    assert await post.titles(ALICE) == []
    post.town.readers[ALICE].add("acme/shop")
    assert await post.titles(ALICE) == []


async def test_rights_that_are_gone_hide_what_was_told(post: Post) -> None:
    await post.tell(NOTICE)
    (entry,) = await post.database.read(lambda unit: store.after(unit, ALICE, 0, 9))
    narrow = actor(ALICE, scope=Scope.of_repository("acme/other"))

    def look(unit: Unit) -> tuple[object, ...]:
        page = post.notifications.page(unit, narrow, None, 9, unread=False)
        news, _ = post.notifications.after(unit, narrow, 0, 9)
        return (*page.items, *news, post.notifications.unread(unit, narrow))

    assert await post.database.read(look) == (0,)
    with pytest.raises(NotFound):
        await post.database.write(lambda unit: post.notifications.read(unit, narrow, entry.id))
    post.town.readers[ALICE].clear()
    assert await post.titles(ALICE) == []


async def test_the_same_notice_folds_and_counts(post: Post) -> None:
    await post.tell(NOTICE, NOTICE)
    await post.tell(replace(NOTICE, number=8, title="Another"))
    await post.tell(NOTICE)
    assert await post.lines(ALICE) == [("Another", 1), ("It fails", 3)]


async def test_what_changed_comes_to_the_top_and_is_unread_again(post: Post) -> None:
    first = replace(NOTICE, key="k")
    await post.tell(first)
    await post.tell(replace(NOTICE, number=8, title="Another"))
    (entry,) = await post.database.read(lambda unit: store.after(unit, ALICE, 0, 1))
    read = await post.database.write(
        lambda unit: post.notifications.read(unit, actor(ALICE), entry.id)
    )
    assert read.read_at_ms == post.clock.now_ms()
    assert await post.titles(ALICE, unread=True) == ["Another"]
    await post.tell(replace(first, title="It fails worse"))
    assert await post.titles(ALICE, unread=True) == ["It fails worse", "Another"]


async def test_pages_hold_what_may_be_seen_and_none_is_lost(post: Post) -> None:
    post.town.readers[ALICE].add("acme/other")
    for number in range(1, 25):
        repository = "acme/other" if number % 3 else SHOP
        await post.tell(replace(NOTICE, repository=repository, number=number, title=f"n{number}"))
    post.town.readers[ALICE].discard("acme/other")
    shown = [title for title, _ in await post.lines(ALICE, limit=3)]
    assert shown == [f"n{number}" for number in range(24, 0, -3)]


async def test_all_are_read_up_to_a_number(post: Post) -> None:
    for number in (1, 2, 3):
        await post.tell(replace(NOTICE, number=number, title=f"n{number}"))

    def read(unit: Unit, up_to: int | None) -> int:
        return post.notifications.read_all(unit, actor(ALICE), up_to)

    assert await post.database.write(lambda unit: read(unit, 2)) == 2
    assert await post.titles(ALICE, unread=True) == ["n3"]
    assert await post.database.write(lambda unit: read(unit, None)) == 1


async def test_an_inbox_is_bounded(post: Post) -> None:
    many = [replace(NOTICE, number=n, title=f"n{n}") for n in range(1, MOST_ENTRIES + 12)]
    await post.tell(*many)
    shown = await post.titles(ALICE)
    assert (len(shown), shown[0]) == (MOST_ENTRIES, f"n{MOST_ENTRIES + 11}")
    gone = await post.database.write(
        lambda unit: post.notifications.purge(unit, post.clock.now_ms() + 1)
    )
    assert gone == MOST_ENTRIES


async def test_what_concerns_the_server_is_for_admins_alone(post: Post) -> None:
    await post.tell(replace(NOTICE, kind="source.silent", repository=None, for_admins=True))
    assert await post.titles(ROOT) == ["It fails"]
    assert await post.titles(ALICE) == []
    demoted = Actor(ActorKind.USER, ROOT, "default", (Grant(Role.VIEWER),), ROOT)
    page = await post.database.read(
        lambda unit: post.notifications.page(unit, demoted, None, 9, unread=False)
    )
    assert page.items == ()


async def test_rules_choose_by_kind_and_repository(post: Post) -> None:
    await post.rules(
        ALICE,
        Rule(kinds=("health.*",), channel=Channel.NONE),
        Rule(kinds=("*",), repositories=("acme/*",)),
    )
    await post.tell(NOTICE, replace(NOTICE, kind="review.failed", title="Review"))
    assert await post.titles(ALICE) == ["Review"]


async def test_what_is_for_nobody_reaches_those_whose_rules_name_it(post: Post) -> None:
    await post.rules(ALICE, Rule(kinds=("health.*",)))
    await post.rules(BOB, Rule())
    open_to_all = replace(NOTICE, for_logins=())
    await post.tell(open_to_all)
    assert await post.titles(ALICE) == ["It fails"]
    assert await post.titles(BOB) == []
    post.town.readers[ALICE].clear()
    await post.tell(replace(open_to_all, title="Hidden"))
    post.town.readers[ALICE].add("acme/shop")
    assert await post.titles(ALICE) == ["It fails"]


async def test_a_rule_sends_to_slack_and_edits_what_folds(post: Post) -> None:
    await post.rules(ALICE, Rule(channel=Channel.SLACK, slack=PERSON))
    notice = replace(NOTICE, title="<!channel> & co", key="k")
    await post.tell(notice)
    assert await post.messages() == [
        (PERSON, "<https://x.test/7|&lt;!channel&gt; &amp; co>\nTwo new findings")
    ]
    await post.tell(replace(notice, body="Three"))
    (message,) = await post.messages()
    assert message[1].endswith("(×2)\nThree")
    assert await post.titles(ALICE) == ["<!channel> & co"]


async def test_a_digest_is_sent_once_a_day_at_its_hour_there(post: Post) -> None:
    zone = "Europe/Berlin"
    await post.rules(
        ALICE, Rule(channel=Channel.SLACK, slack=CHANNEL, digest_hour=9, time_zone=zone)
    )
    # why: the clock stands at 22:13 UTC on 14 November 2023, 23:13 in Berlin.
    await post.tell(NOTICE, replace(NOTICE, number=8, title="Another"))

    async def sent() -> int:
        return await post.database.write(post.notifications.send_digests)

    assert (await sent(), await post.messages()) == (0, [])
    post.clock.advance(9 * 3600)
    assert await sent() == 0
    post.clock.advance(3600)
    assert (await sent(), await sent()) == (1, 0)
    ((target, text),) = await post.messages()
    assert target == CHANNEL
    assert text.splitlines() == [
        "*2 notifications*",
        "• <https://x.test/7|It fails>",
        "• <https://x.test/7|Another>",
    ]


async def test_a_digest_tells_nothing_that_may_not_be_read_any_more(post: Post) -> None:
    await post.rules(ALICE, Rule(channel=Channel.SLACK, slack=PERSON, digest_hour=9))
    await post.tell(NOTICE)
    post.town.readers[ALICE].clear()
    post.clock.advance(86_400)
    assert await post.database.write(post.notifications.send_digests) == 0
    assert await post.messages() == []


@pytest.mark.parametrize(
    "rules",
    [
        [Rule(channel=Channel.SLACK, slack="C99999999")],
        [Rule(channel=Channel.SLACK, slack="#general")],
        [Rule(slack=PERSON)],
        [Rule(digest_hour=9)],
        [Rule(channel=Channel.SLACK, slack=PERSON, digest_hour=24)],
        [Rule(channel=Channel.SLACK, slack=PERSON, time_zone="Mars/Olympus")],
        [Rule(channel=Channel.SLACK, slack=PERSON, time_zone="../../etc/passwd")],
        [Rule(kinds=("a**",))],
        [Rule(repositories=())],
        [Rule()] * 51,
    ],
)
async def test_rules_that_cannot_be_used_are_refused(post: Post, rules: Sequence[Rule]) -> None:
    with pytest.raises(Invalid):
        await post.rules(ALICE, *rules)
    found, own = await post.database.read(
        lambda unit: post.notifications.rules_of(unit, actor(ALICE))
    )
    assert (found, own) == ((Rule(),), False)


async def test_keys_have_no_rules(post: Post) -> None:
    key = replace(actor(ALICE), kind=ActorKind.API_KEY)
    with pytest.raises(Conflict):
        await post.database.write(lambda unit: post.notifications.set_rules(unit, key, [Rule()]))


async def test_whatever_a_notice_says_it_can_be_stored(post: Post) -> None:
    odd = "\x00\ud800\u202e" + "x" * 9_000
    await post.tell(
        Notice(odd, SHOP, -3, odd, odd, "javascript:alert(1)", (ALICE,), key=odd),
        Notice("", "not a repository", 2**40, "", "", "http://" + "x" * 9_000, for_admins=True),
    )
    (entry,) = await post.database.read(lambda unit: store.after(unit, ALICE, 0, 9))
    assert (entry.kind, entry.number, entry.url) == ("other", None, None)
    assert len(entry.title) == 200


async def test_a_unit_that_fails_tells_nobody(post: Post) -> None:
    def work(unit: Unit) -> None:
        post.notifications.notify(unit, NOTICE)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await post.database.write(work)
    assert (await post.titles(ALICE), post.rings) == ([], 0)
