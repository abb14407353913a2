"""Registrations somebody began: tied to their browser, good once, and for an hour."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from hookyard.core.registration.model import RegistrationRefused, Wish
from hookyard.kit.clock import Clock
from hookyard.kit.signing import same

LIFE_MS = 3_600_000
"""# spec: GitHub's code is good for an hour."""
MAX_PENDING = 16


@dataclass(frozen=True, slots=True)
class Begun:
    """A registration that begins: `state` goes to GitHub and back, `browser` stays in a cookie.
    `by` began it, as audit names actors."""

    wish: Wish
    state: str = field(repr=False)
    browser: str = field(repr=False)
    until_ms: int
    by: str


class Pending:
    """Kept in memory: what ends with the process begins anew. Of too many the oldest goes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun: OrderedDict[str, Begun] = OrderedDict()

    def start(self, wish: Wish, by: str) -> Begun:
        """Remember a wish under a fresh state."""
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        begun = Begun(wish, state, browser, self._clock.now_ms() + LIFE_MS, by)
        self._begun[state] = begun
        while len(self._begun) > MAX_PENDING:
            self._begun.popitem(last=False)
        return begun

    def take(self, state: str, browser: str) -> Begun:
        """The registration of a state, which is gone from now on. RegistrationRefused when it is
        unknown, used, too old, or another browser's; the latter leaves it to its own."""
        begun = self._begun.get(state)
        if begun is None or begun.until_ms <= self._clock.now_ms():
            self._begun.pop(state, None)
            raise RegistrationRefused(
                "this registration was not begun here, was used already, or is over an hour old; "
                "begin again",
                code="registration_state",
            )
        if not same(begun.browser.encode(), browser.encode("utf-8", "replace")):
            raise RegistrationRefused(
                "this registration was begun in another browser; begin and end it in one",
                code="registration_browser",
            )
        del self._begun[state]
        return begun
