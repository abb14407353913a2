"""GitHub's own record of what it delivered: hooks, lists of deliveries, their bodies. Reads only.

# spec: docs.github.com/rest/apps/webhooks, /repos/webhooks, /orgs/webhooks: the last three days
# are kept, newest first, by cursor; one delivery is shown with its request's headers and payload.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from hookyard.adapters.github.limits import RateReading, read_rate
from hookyard.adapters.github.paths import next_link, repo_path, segment
from hookyard.adapters.github.port import GitHub, GitHubLimited, GitHubRefused, GitHubResponse
from hookyard.kit.clock import Clock, from_rfc3339
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text, dig

PAGE = 100
MINUTE_MS = 60_000
# why: the App's own limit also pays for minting tokens, without which nothing lands on GitHub.
RESERVE = 0.2


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook's record: `name` is stable, `path` its address, None means the App's credentials."""

    name: str
    path: str
    installation_id: int | None = None
    url: str = ""


APP_HOOK = Hook("app", "/app/hook")


@dataclass(frozen=True, slots=True)
class HookItem:
    """A delivery in a list; `id` is of this attempt, `guid` the same over redeliveries."""

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at_ms: int


@dataclass(frozen=True, slots=True)
class HookPage:
    """Deliveries, newest first, and where the next page starts."""

    items: Sequence[HookItem]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What GitHub sent: lower-case headers, and the payload as JSON (of a form too)."""

    headers: Mapping[str, str] = field(repr=False)
    payload: JsonObject = field(repr=False)


class ReadBudget:
    """Keeps reads under a pace, and leaves others their share of GitHub's hourly limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._window_ms: dict[int | None, int] = {}
        self._used: dict[int | None, int] = {}
        self._rates: dict[int | None, RateReading] = {}

    def admit(self, installation_id: int | None, now_ms: int) -> None:
        """Count one read; GitHubLimited says until when there is none left."""
        rate = self._rates.get(installation_id)
        if rate is not None and rate.remaining is not None and rate.limit is not None:
            until_ms = rate.reset_ms or now_ms
            if rate.remaining <= rate.limit * RESERVE and now_ms < until_ms:
                raise GitHubLimited("reserve", until_ms, "The rest is left to other work.")
        if now_ms - self._window_ms.get(installation_id, -MINUTE_MS) >= MINUTE_MS:
            self._window_ms[installation_id], self._used[installation_id] = now_ms, 0
        if self._used[installation_id] >= self._per_minute:
            raise GitHubLimited("pace", self._window_ms[installation_id] + MINUTE_MS)
        self._used[installation_id] += 1

    def learn(self, installation_id: int | None, rate: RateReading) -> None:
        """Take in what an answer said of the limit.

        # why: answers to reads made side by side may come in any order; the least is believed.
        """
        known = self._rates.get(installation_id)
        is_same = known is not None and known.reset_ms == rate.reset_ms
        if is_same and known is not None and (known.remaining or 0) < (rate.remaining or 0):
            return
        self._rates[installation_id] = rate


class HookLog:
    """Reads the records of hooks. Raises GitHubError as `GitHub.call` does."""

    def __init__(self, github: GitHub, clock: Clock, budget: ReadBudget) -> None:
        self._github = github
        self._clock = clock
        self._budget = budget

    async def page(
        self, hook: Hook, cursor: str | None = None, *, failures_only: bool = False
    ) -> HookPage:
        """One page of the list. GitHubRefused with 422 for a cursor that no longer holds."""
        query: dict[str, str | int] = {"per_page": PAGE}
        if failures_only:
            query["status"] = "failure"
        if cursor is not None:
            query["cursor"] = cursor
        found = await self._get(hook.path + "/deliveries", hook.installation_id, query)
        if not isinstance(found.data, list):
            raise GitHubRefused(found.status, "this address does not answer with a list")
        items = [item for entry in found.data if (item := _item(as_object(entry))) is not None]
        return HookPage(items, _cursor(found.headers))

    async def request(self, hook: Hook, delivery_id: int) -> HookRequest:
        """One delivery as it was sent; GitHubMissing when it is no longer kept."""
        path = f"{hook.path}/deliveries/{delivery_id}"
        return request_of((await self._get(path, hook.installation_id)).data)

    async def hooks(self, owner: str) -> Sequence[Hook]:
        """The hooks of a repository ("acme/shop") or organisation ("acme")."""
        is_repository = "/" in owner
        base = repo_path(owner) if is_repository else f"/orgs/{segment(owner)}"
        installed = await self._get(f"{base}/installation", None)
        installation_id = as_int(dig(installed.data, "id"))
        if installation_id is None:
            raise GitHubRefused(installed.status, f"the App is not installed on {owner}")
        listed = await self._get(f"{base}/hooks", installation_id, {"per_page": PAGE})
        found: list[Hook] = []
        for entry in as_list(listed.data):
            number = as_int(dig(entry, "id"))
            if number is not None:
                path = f"{base}/hooks/{number}"
                url = as_text(dig(entry, "config", "url"))
                found.append(Hook(path.lstrip("/").lower(), path, installation_id, url))
        return found

    async def _get(
        self,
        path: str,
        installation_id: int | None,
        query: Mapping[str, str | int] | None = None,
    ) -> GitHubResponse:
        self._budget.admit(installation_id, self._clock.now_ms())
        found = await self._github.call("GET", path, installation_id=installation_id, query=query)
        self._budget.learn(installation_id, read_rate(found.headers, self._clock.now_ms()))
        return found


def request_of(delivery: Json) -> HookRequest:
    """What a delivery that GitHub shows was sent as."""
    headers = as_object(dig(delivery, "request", "headers"))
    return HookRequest(
        {name.lower(): as_text(value) for name, value in headers.items()},
        as_object(dig(delivery, "request", "payload")),
    )


def _item(entry: JsonObject) -> HookItem | None:
    number, guid = as_int(entry.get("id")), as_text(entry.get("guid"))
    at_ms = _instant(entry.get("delivered_at"))
    if number is None or not guid or at_ms is None:
        return None
    action = as_text(entry.get("action")) or None
    return HookItem(number, guid, as_text(entry.get("event")), action, at_ms)


def _instant(value: Json) -> int | None:
    try:
        return from_rfc3339(as_text(value))
    except ValueError:
        return None


def _cursor(headers: Mapping[str, str]) -> str | None:
    url = next_link(headers.get("link", ""))
    found = parse_qs(urlsplit(url).query).get("cursor") if url else None
    return found[0] if found else None
