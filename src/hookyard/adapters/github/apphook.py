"""The App's own webhook: its settings, what was sent through it, and asking for it again.

# spec: docs.github.com/rest/apps/webhooks; all of it with the App's own credential.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.adapters.github.hooks import APP_HOOK, HookRequest, request_of
from hookyard.adapters.github.port import GitHub
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text
from hookyard.kit.secret import Secret

CONFIG, DELIVERIES = f"{APP_HOOK.path}/config", f"{APP_HOOK.path}/deliveries"
RECENT = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a delivery. `guid` is the same over all of them; `status` is what we
    answered, 0 while there is no answer, `word` what GitHub says of it."""

    id: int
    guid: str
    event: str
    status: int
    word: str


class AppHook:
    """Raises GitHubError as `GitHub.call` does."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    async def url(self) -> str:
        """Where GitHub sends to, "" when nowhere."""
        found = await self._github.call("GET", CONFIG)
        return as_text(as_object(found.data).get("url"))

    async def use_secret(self, secret: Secret) -> None:
        """Have GitHub sign with this secret from now on; to say it twice is to say it once."""
        await self._github.call("PATCH", CONFIG, body={"secret": secret.reveal()})

    async def recent(self) -> Sequence[Attempt]:
        """The latest attempts, newest first."""
        found = await self._github.call("GET", DELIVERIES, query={"per_page": RECENT})
        return [_attempt(as_object(entry)) for entry in as_list(found.data)]

    async def sent(self, attempt_id: int) -> HookRequest:
        """What one attempt sent."""
        return request_of((await self._github.call("GET", f"{DELIVERIES}/{attempt_id}")).data)

    async def send_again(self, attempt_id: int) -> None:
        """Have a delivery sent once more."""
        await self._github.call("POST", f"{DELIVERIES}/{attempt_id}/attempts")


def _attempt(entry: JsonObject) -> Attempt:
    return Attempt(
        as_int(entry.get("id")) or 0,
        as_text(entry.get("guid")),
        as_text(entry.get("event")),
        as_int(entry.get("status_code")) or 0,
        as_text(entry.get("status")),
    )
