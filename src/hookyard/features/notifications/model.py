"""Types of notifications: a notice, who gets it, a person's rules, a line of their inbox."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hookyard.adapters.database.port import Unit


@dataclass(frozen=True, slots=True)
class Notice:
    """Something people may want to know.

    `kind` is a dotted word (`health.failed`). `repository` is "owner/name"; None is about the
    server itself, which only admins are told. It goes to `for_logins` (GitHub logins) and to
    admins where `for_admins`; with neither, to everybody with a rule that names it. Notices of
    one `key` fold into one line of an inbox; "" makes one of kind, repository, number and title.
    """

    kind: str
    repository: str | None
    number: int | None
    title: str
    body: str
    url: str | None
    for_logins: tuple[str, ...] = ()
    for_admins: bool = False
    key: str = ""


class Notify(Protocol):
    """What rooms above call, inside their own unit; the inboxes are written when it ends."""

    def __call__(self, unit: Unit, notice: Notice) -> None:
        """Tell whoever wants to know. Never raises for what a notice says; it is cut to size."""
        ...


class Channel(StrEnum):
    """Where a rule sends what fits it. `slack` also keeps it in the inbox; `none` drops it."""

    INBOX = "inbox"
    SLACK = "slack"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a person; the first that fits a notice decides.

    `kinds` and `repositories` are patterns (`health.*`, `acme/*`), `*` alone is everything.
    `slack` is a Slack user or channel id. `digest_hour` holds Slack messages back for one summary
    a day at this hour (0 to 23) of `time_zone`, an IANA name; None sends each at once.
    """

    kinds: tuple[str, ...] = ("*",)
    repositories: tuple[str, ...] = ("*",)
    channel: Channel = Channel.INBOX
    slack: str = ""
    digest_hour: int | None = None
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an inbox. `seq` counts up for its owner with every change, `count` says how
    often it was told; `read_at_ms` is None while unread."""

    id: str
    user_id: str
    seq: int
    kind: str
    repository: str | None
    repository_id: int | None
    number: int | None
    title: str
    body: str
    url: str | None
    count: int
    created_at_ms: int
    updated_at_ms: int
    read_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may be told."""

    user_id: str
    tenant: str


class People(Protocol):
    """What this room must know of people, answered by the room that keeps them."""

    def by_logins(self, unit: Unit, logins: tuple[str, ...]) -> tuple[Recipient, ...]:
        """Those of these GitHub logins who ever signed in."""
        ...

    def admins(self, unit: Unit) -> tuple[Recipient, ...]:
        """Those who hold the role of an admin over everything."""
        ...

    def may_read(
        self, unit: Unit, user_id: str, repository: str, repository_id: int | None
    ) -> bool:
        """Whether this person may read that repository, by the grants that are kept."""
        ...
