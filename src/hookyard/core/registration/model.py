"""Types of registering an App."""

from dataclasses import dataclass

from hookyard.kit.errors import Conflict, Invalid

DEFAULT_NAME = "Hookyard"
MAX_NAME = 34
"""Characters of an App's name. # spec: GitHub's registration page takes no more."""


class RegistrationRefused(Conflict):
    """The App cannot be registered like this."""

    code = "registration_refused"


class BadRegistration(Invalid):
    """What was asked for cannot be registered."""

    code = "registration_invalid"


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission the App asks for, and what for."""

    name: str
    level: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventWanted:
    """An event the App subscribes to, the permission GitHub asks for it, and what for."""

    name: str
    permission: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be registered: the App's name, whose it is (an organisation, or "" for the
    person who confirms), and where this server and the page that waits are."""

    name: str
    organization: str
    public_url: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Whether GitHub's ping reached us: `tries` asked for, `code` and `detail` of the last one
    (`delivered`, `refused`, `unreachable`, `unanswered`, `elsewhere`, `not_sent`)."""

    code: str
    detail: str
    tries: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether it did."""
        return self.code == "delivered"
