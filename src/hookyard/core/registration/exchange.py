"""The webhook secret exchanged through GitHub, without a delivery that is refused for it.

Where an exchange stands is what the store holds, and nothing else: with a previous secret beside
the current one it was begun, and is gone on with. Each step may be done twice, so that a process
that was killed anywhere leaves both secrets accepted, and the next one ends what it began:

1. a new secret takes the place of the current one, which becomes the previous: both are accepted
2. the server is seen to accept the new one, where it can be asked
3. GitHub is told to sign with it
4. GitHub's record shows a delivery that the new one signed and the server took
5. the previous one is let go of
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hookyard.adapters.github.apphook import AppHook, Attempt
from hookyard.core.registration.rules import signed_by
from hookyard.kit.clock import Clock
from hookyard.kit.secret import Secret

EVERY_S = 1.0
AGAIN_S = 10.0
PATIENCE_S = 120.0
SERVER_PATIENCE_S = 45.0
"""# why: a server reads its secrets again after a refusal, at most every half a minute."""


class Step(StrEnum):
    """What has just been done."""

    STORED = "stored"
    ACCEPTED = "accepted"
    TOLD = "told"
    SEEN = "seen"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Stand:
    """How far it came. `finished` is all; else `detail` says why not, and what to do."""

    step: Step | None
    finished: bool
    detail: str
    resumed: bool = False


class SecretShelf(Protocol):
    """The secrets that are accepted."""

    async def accepted(self) -> tuple[Secret, ...]:
        """The current one, and the previous one where there is one."""
        ...

    async def add(self, secret: Secret) -> None:
        """Make it the current one, and the current one the previous."""
        ...

    async def drop_previous(self) -> None:
        """Accept the current one alone."""
        ...


class Knock(Protocol):
    """Sends the server a ping that we signed ourselves."""

    async def __call__(self, url: str, secret: Secret) -> int | None:
        """The status it answered, None when it cannot be reached from here."""
        ...


Told = Callable[[Step, str], None]


class SecretExchange:
    """One exchange. `told` hears of each step once it is done."""

    def __init__(
        self, shelf: SecretShelf, hook: AppHook, knock: Knock, clock: Clock, told: Told
    ) -> None:
        self._shelf = shelf
        self._hook = hook
        self._knock = knock
        self._clock = clock
        self._told = told

    async def run(self, patience_s: float = PATIENCE_S) -> Stand:
        """Begin an exchange, or go on with the one that was begun. GitHubError and SecretTrouble
        pass through; where they come from, both secrets are accepted."""
        accepted = await self._shelf.accepted()
        resumed = len(accepted) > 1
        if not resumed:
            await self._shelf.add(Secret(secrets.token_hex(32)))
            accepted = await self._shelf.accepted()
        current = accepted[0]
        said = "an exchange was begun before: it goes on" if resumed else "a new secret is stored"
        self._told(Step.STORED, f"{said}; both are accepted")
        url = await self._hook.url()
        refused = await self._server_takes(url, current)
        if refused is not None:
            return Stand(Step.STORED, finished=False, detail=refused, resumed=resumed)
        await self._hook.use_secret(current)
        self._told(Step.TOLD, "GitHub signs with the new secret")
        if not await self._seen(accepted, patience_s):
            return Stand(Step.TOLD, finished=False, detail=_NOT_SEEN, resumed=resumed)
        self._told(Step.SEEN, "a delivery signed with the new secret was taken")
        await self._shelf.drop_previous()
        self._told(Step.DONE, "the former secret is let go of")
        return Stand(Step.DONE, finished=True, detail="", resumed=resumed)

    async def _server_takes(self, url: str, current: Secret) -> str | None:
        """None when the server accepts the new secret, or cannot be asked; else why to stop."""
        if not url:
            return "the App has no webhook URL; set it on the App's page, then run this again"
        until = self._clock.monotonic() + SERVER_PATIENCE_S
        while True:
            status = await self._knock(url, current)
            if status is None:
                self._told(Step.ACCEPTED, f"{url} cannot be reached from here; not asked")
                return None
            if 200 <= status < 300:
                self._told(Step.ACCEPTED, f"{url} accepts the new secret")
                return None
            if self._clock.monotonic() >= until:
                return (
                    f"{url} answers {status} to the new secret, so GitHub was not told of it; see "
                    "that the server there reads the same secrets, then run this again"
                )
            await self._clock.sleep(EVERY_S)

    async def _seen(self, accepted: tuple[Secret, ...], patience_s: float) -> bool:
        """Whether GitHub's record shows a delivery under the current secret that was taken."""
        keys = [secret.reveal().encode() for secret in accepted]
        until, asked_at = self._clock.monotonic() + patience_s, -AGAIN_S
        judged: set[int] = set()
        while True:
            recent = await self._hook.recent()
            for one in recent:
                if one.id in judged or not one.status:
                    continue
                judged.add(one.id)
                if await self._is_proof(one, keys):
                    return True
            now = self._clock.monotonic()
            if now >= until:
                return False
            if recent and now - asked_at >= AGAIN_S:
                asked_at = now
                await self._hook.send_again(_best(recent).id)
            await self._clock.sleep(EVERY_S)

    async def _is_proof(self, one: Attempt, keys: list[bytes]) -> bool:
        if not 200 <= one.status < 300:
            return False
        sent = await self._hook.sent(one.id)
        return signed_by(sent.payload, sent.headers, keys) == 0


def _best(recent: Sequence[Attempt]) -> Attempt:
    """A ping where there is one: it asks for nothing."""
    return next((one for one in recent if one.event == "ping"), recent[0])


_NOT_SEEN = (
    "no delivery signed with the new secret was seen yet, so both are still accepted; run this "
    "again, or once something has happened on GitHub"
)
