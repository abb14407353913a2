"""Whether GitHub's ping reaches us: asked for again, and its outcome read from GitHub's record."""

from collections.abc import Callable

from hookyard.adapters.github.apphook import AppHook, Attempt
from hookyard.core.registration.model import Delivered
from hookyard.core.registration.rules import outcome_of
from hookyard.kit.clock import Clock

PING = "ping"
EVERY_S = 1.0
AGAIN_S = 10.0
PATIENCE_S = 25.0
Told = Callable[[str], None]


class Pinging:
    """Waits for a ping to arrive. GitHub sends one when the App is made, before we know its
    secret; so that one is sent again, and again every `AGAIN_S` while it does not arrive."""

    def __init__(self, hook: AppHook, clock: Clock, told: Told) -> None:
        self._hook = hook
        self._clock = clock
        self._told = told

    async def wait(self, wanted_url: str, patience_s: float = PATIENCE_S) -> Delivered:
        """What came of it, within `patience_s`. GitHubError when GitHub cannot be asked."""
        url = await self._hook.url()
        if url != wanted_url:
            return Delivered(
                "elsewhere",
                f"GitHub sends to {url or 'nowhere'}, and this server is at {wanted_url}: mend "
                "HOOKYARD_PUBLIC_URL, or the webhook URL on the App's page",
            )
        until = self._clock.monotonic() + patience_s
        last, asked_at, tries, seen = Delivered("not_sent", _NOT_SENT), -AGAIN_S, 0, -1
        while True:
            newest = next((one for one in await self._hook.recent() if one.event == PING), None)
            if newest is not None and newest.id != seen and newest.status:
                seen = newest.id
                last = self._judged(newest, url, tries)
                if last.is_ok:
                    return last
            now = self._clock.monotonic()
            if now >= until:
                return last
            if newest is not None and newest.status and now - asked_at >= AGAIN_S:
                asked_at, tries = now, tries + 1
                await self._hook.send_again(newest.id)
                last = Delivered(last.code, last.detail, tries)
            await self._clock.sleep(EVERY_S)

    def _judged(self, newest: Attempt, url: str, tries: int) -> Delivered:
        found = outcome_of(newest.status, newest.word, url)
        if not found.is_ok and tries:
            self._told(found.detail)
        return Delivered(found.code, found.detail, tries)


_NOT_SENT = "GitHub has no ping in its record yet; look at the App's page, under Advanced"
