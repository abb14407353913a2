"""Use cases of notifications: tell people, show them what they were told, keep their rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import Action, Actor, ActorKind, Scope
from hookyard.core.identity.rules import authorize
from hookyard.core.identity.scopes import FindRepository
from hookyard.core.publishing.model import EffectRequests, MessageEffect
from hookyard.features.notifications import store
from hookyard.features.notifications.model import (
    Channel,
    Entry,
    Notice,
    People,
    Recipient,
    Rule,
)
from hookyard.features.notifications.rules import (
    DEFAULTS,
    Sending,
    cleaned,
    decide,
    last_due_ms,
    problem_of,
    slack_line,
    slack_text,
)
from hookyard.features.notifications.store import Held
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

CHANNEL = "hookyard_inbox"
MOST_ENTRIES = 500
MOST_RULES = 50
MOST_TOLD = 1_000
CHUNK = 200
DIGEST_LINES = 50


@dataclass(frozen=True, slots=True)
class Slack:
    """Where messages may go: what asks for them, and the channels people may name."""

    effects: EffectRequests
    channels: frozenset[str] = frozenset()


class Notifications:
    """Keeps inboxes and rules. `announce` is called after a commit that changed an inbox."""

    def __init__(
        self,
        ids: IdMaker,
        clock: Clock,
        people: People,
        find: FindRepository,
        announce: Callable[[], None],
        slack: Slack | None = None,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._people = people
        self._find = find
        self._announce = announce
        self._slack = slack

    def notify(self, unit: Unit, notice: Notice) -> None:
        """Tell whoever wants to know. The inboxes are written at the end of the unit: their locks
        are held no longer than the commit takes."""
        unit.gather(self.deliver, cleaned(notice))

    def deliver(self, unit: Unit, notices: Sequence[Notice]) -> None:
        """Write these notices into the inboxes of those who are told."""
        now_ms = self._clock.now_ms()
        told: dict[str, list[tuple[Notice, Sending]]] = {}
        for notice in notices:
            for who, sending in self._recipients(unit, notice):
                told.setdefault(who.user_id, []).append((notice, sending))
        for user_id in sorted(told):
            store.lock(unit, user_id)
            for notice, sending in told[user_id]:
                self._put(unit, user_id, notice, sending, now_ms)
            store.trim(unit, user_id, MOST_ENTRIES)
        if told:
            unit.after_commit(self._announce)

    def page(
        self, unit: Unit, actor: Actor, cursor: str | None, limit: int, *, unread: bool
    ) -> Page[Entry]:
        """What the actor was told, newest first: only of repositories they may read now."""
        before = _before(cursor)
        found: list[Entry] = []
        while True:
            rows = store.page(unit, actor.id, before, CHUNK, unread=unread)
            for row in rows:
                if not self.may_see(unit, actor, row):
                    continue
                if len(found) == limit:
                    return Page(tuple(found), encode_cursor(found[-1].seq))
                found.append(row)
            if len(rows) < CHUNK:
                return Page(tuple(found), None)
            before = rows[-1].seq

    def unread(self, unit: Unit, actor: Actor) -> int:
        """How many unread lines the actor may see; an inbox is short enough to count."""
        rows = store.page(unit, actor.id, None, MOST_ENTRIES, unread=True)
        return sum(self.may_see(unit, actor, row) for row in rows)

    def after(self, unit: Unit, actor: Actor, seq: int, limit: int) -> tuple[list[Entry], int]:
        """Lines that changed past a number, oldest first, and the number they reach to."""
        rows = store.after(unit, actor.id, seq, limit)
        shown = [row for row in rows if self.may_see(unit, actor, row)]
        return shown, rows[-1].seq if rows else seq

    def head(self, unit: Unit, actor: Actor) -> int:
        """The newest number of the actor's inbox."""
        return store.head_of(unit, actor.id)

    def read(self, unit: Unit, actor: Actor, entry_id: str) -> Entry:
        """Mark one line read; NotFound for one that is not theirs, or that they may not see."""
        found = store.find(unit, actor.id, entry_id) if is_id(entry_id) else None
        if found is None or not self.may_see(unit, actor, found):
            raise NotFound("there is no such notification")
        now_ms = self._clock.now_ms()
        store.mark_read(unit, actor.id, found.id, found.seq, now_ms)
        return replace(found, read_at_ms=found.read_at_ms or now_ms)

    def read_all(self, unit: Unit, actor: Actor, up_to: int | None) -> int:
        """Mark everything read, up to a number where one is given; how many lines that were."""
        last = store.head_of(unit, actor.id) if up_to is None else up_to
        return store.mark_read(unit, actor.id, None, last, self._clock.now_ms())

    def rules_of(self, unit: Unit, actor: Actor) -> tuple[tuple[Rule, ...], bool]:
        """The actor's rules, and whether they are their own or the defaults."""
        own = store.rules_of(unit, actor.id)
        return (DEFAULTS, False) if own is None else (own, True)

    def set_rules(self, unit: Unit, actor: Actor, rules: Sequence[Rule] | None) -> None:
        """Replace the actor's rules; None goes back to the defaults. Invalid (`bad_rule`) names
        the first that cannot be used."""
        who = _person(actor)
        if rules is not None and len(rules) > MOST_RULES:
            raise Invalid(f"at most {MOST_RULES} rules", code="bad_rule")
        channels = frozenset[str]() if self._slack is None else self._slack.channels
        for number, rule in enumerate(rules or (), 1):
            problem = problem_of(rule, channels)
            if problem is None and rule.channel is Channel.SLACK and self._slack is None:
                problem = "Slack is not set up here"
            if problem is not None:
                raise Invalid(f"rule {number}: {problem}", code="bad_rule")
        store.lock(unit, who.user_id)
        store.save_rules(unit, who, rules, self._clock.now_ms())

    def send_digests(self, unit: Unit) -> int:
        """Send every summary that is due, once; how many went."""
        now_ms, sent = self._clock.now_ms(), 0
        for group in store.held_groups(unit):
            user_id, target, hour, zone = group
            due_ms = last_due_ms(hour, zone, now_ms)
            store.lock(unit, user_id)
            lines = store.held_before(unit, group, due_ms, DIGEST_LINES)
            more = store.let_go(unit, group, due_ms) - len(lines)
            shown = [line for line in lines if self._may_read(unit, line.user_id, line.repository)]
            if not shown or self._slack is None:
                continue
            total = len(shown) + more
            text = [f"*{total:,} notification{'' if total == 1 else 's'}*"]
            text += [f"• {slack_line(line.title, line.url)}" for line in shown]
            text += [f"and {more:,} more"] if more else []
            key = f"digest-{user_id}-{due_ms}"
            self._slack.effects.request(unit, MessageEffect(target, key, "\n".join(text)))
            sent += 1
        return sent

    def purge(self, unit: Unit, before_ms: int) -> int:
        """Let go of lines that did not change since an instant; how many went."""
        return store.purge(unit, before_ms)

    def may_see(self, unit: Unit, actor: Actor, entry: Entry) -> bool:
        """Whether the actor may read what a line is about, by the rights they came with and by
        those they hold now."""
        if entry.repository is None:
            return authorize(actor, Action.GRANTS_WRITE, Scope()).allowed
        scope = Scope.of_repository(entry.repository, repository_id=entry.repository_id)
        if not authorize(actor, Action.REPOSITORIES_READ, scope).allowed:
            return False
        if actor.authorizer is not None:
            return True
        return self._people.may_read(unit, actor.id, entry.repository, entry.repository_id)

    def _recipients(self, unit: Unit, notice: Notice) -> list[tuple[Recipient, Sending]]:
        """Who is told, with what their rules say; only those who may read the repository."""
        addressed: dict[str, Recipient] = {}
        if notice.for_logins and notice.repository is not None:
            for who in self._people.by_logins(unit, notice.for_logins[:MOST_TOLD]):
                addressed[who.user_id] = who
        if notice.for_admins or notice.repository is None:
            for who in self._people.admins(unit):
                addressed[who.user_id] = who
        open_to_all = not notice.for_logins and not notice.for_admins
        found: list[tuple[Recipient, Sending]] = []
        for who in addressed.values():
            rules = store.rules_of(unit, who.user_id)
            found.append((who, decide(rules or DEFAULTS, notice, addressed=True)))
        if open_to_all and notice.repository is not None:
            found += [
                (who, decide(rules, notice, addressed=False))
                for who, rules in store.with_rules(unit, MOST_TOLD)
                if who.user_id not in addressed
            ]
        return [
            (who, sending)
            for who, sending in found
            if sending.channel is not Channel.NONE
            and self._may_read(unit, who.user_id, notice.repository)
        ]

    def _may_read(self, unit: Unit, user_id: str, repository: str | None) -> bool:
        if repository is None:
            return True
        return self._people.may_read(unit, user_id, repository, self._id_of(unit, repository))

    def _id_of(self, unit: Unit, repository: str | None) -> int | None:
        known = None if repository is None else self._find(unit, repository)
        return None if known is None else known[0]

    def _put(self, unit: Unit, user_id: str, notice: Notice, sending: Sending, now_ms: int) -> None:
        """One line, new or folded into the one of its key. Told again word for word while it is
        unread, it only counts up."""
        before = store.by_key(unit, user_id, notice.key)
        entry = Entry(
            id=self._ids.new(now_ms) if before is None else before.id,
            user_id=user_id,
            seq=0,
            kind=notice.kind,
            repository=notice.repository,
            repository_id=self._id_of(unit, notice.repository),
            number=notice.number,
            title=notice.title,
            body=notice.body,
            url=notice.url,
            count=1 if before is None else min(before.count + 1, 1_000_000),
            created_at_ms=now_ms if before is None else before.created_at_ms,
            updated_at_ms=now_ms,
        )
        if before is not None and before.read_at_ms is None and _same(before, entry):
            store.save(unit, replace(entry, seq=before.seq))
            return
        entry = replace(entry, seq=store.next_seq(unit, user_id))
        if before is None:
            store.add(unit, entry, notice.key)
        else:
            store.save(unit, entry)
        if sending.rule is not None and sending.channel is Channel.SLACK:
            self._message(unit, entry, sending.rule)

    def _message(self, unit: Unit, entry: Entry, rule: Rule) -> None:
        if self._slack is None:
            return
        if rule.digest_hour is None:
            text = slack_text(entry.title, entry.body, entry.url, entry.count)
            message = MessageEffect(rule.slack, f"notice-{entry.id}", text)
            self._slack.effects.request(unit, message)
            return
        held = Held(
            self._ids.new(entry.updated_at_ms), entry.user_id, rule.slack, rule.digest_hour,
            rule.time_zone, entry.title, entry.url, entry.repository, entry.updated_at_ms,
        )  # fmt: skip
        store.hold(unit, held)


def _same(before: Entry, now: Entry) -> bool:
    return (before.kind, before.title, before.body, before.url) == (
        now.kind, now.title, now.body, now.url,
    )  # fmt: skip


def _person(actor: Actor) -> Recipient:
    """The actor as somebody who is told things; Conflict for keys and services."""
    if actor.kind is not ActorKind.USER:
        raise Conflict("only people who sign in have an inbox", code="people_only")
    return Recipient(actor.id, actor.tenant)


def _before(cursor: str | None) -> int | None:
    return int(decode_cursor(cursor, (int,))[0]) if cursor else None
