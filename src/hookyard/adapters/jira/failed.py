"""Jira Cloud's failed webhooks over HTTP.

# spec: developer.atlassian.com, REST API v3, "Get failed webhooks": `maxResults` and `after` (an
# instant in milliseconds), the oldest first; kept for 72 hours; `body` is the text that was sent.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2
import msgspec

from hookyard.adapters.jira.port import (
    FailedHook,
    FailedPage,
    JiraError,
    JiraLimited,
    JiraRefused,
)
from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text

PAGE = 100
MAX_ANSWER = 64 * 1024 * 1024
LONGEST_WAIT_S = 3600
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class JiraAccess:
    """Where a site's API is, and with what: Basic with a user, else a bearer token."""

    api_url: str
    token: str = field(repr=False)
    user: str = ""

    def authorization(self) -> str:
        """The header's value."""
        if not self.user:
            return f"Bearer {self.token}"
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode("ascii")
        return f"Basic {pair}"


class JiraFailedLog:
    """Implements `port.FailedLog`."""

    def __init__(
        self,
        access: JiraAccess,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._clock = clock
        self._http = httpx2.AsyncClient(
            base_url=access.api_url.rstrip("/"),
            transport=transport,
            timeout=TIMEOUT_S,
            follow_redirects=False,
            headers={"authorization": access.authorization(), "accept": "application/json"},
        )

    async def page(self, after_ms: int) -> FailedPage:
        """What failed after an instant; see the port."""
        query = {"maxResults": PAGE, "after": after_ms}
        try:
            answer = await self._http.get("/rest/api/3/webhook/failed", params=query)
        except httpx2.HTTPError as error:
            raise JiraError(f"Jira could not be reached ({type(error).__name__})") from None
        self._raise(answer)
        if len(answer.content) > MAX_ANSWER:
            raise JiraError("Jira's answer is larger than the limit")
        try:
            data: Json = msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, RecursionError):
            raise JiraError("Jira's answer is not JSON") from None
        found = as_object(data)
        items = [item for entry in as_list(found.get("values")) if (item := _item(entry))]
        return FailedPage(items, bool(as_text(found.get("next"))) and bool(items))

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _raise(self, answer: httpx2.Response) -> None:
        if answer.status_code == 429:
            wait_s = min(_seconds(answer.headers), LONGEST_WAIT_S)
            raise JiraLimited(self._clock.now_ms() + wait_s * 1000)
        if answer.status_code >= 500:
            raise JiraError(f"Jira answered {answer.status_code}")
        if answer.status_code != 200:
            raise JiraRefused(
                f"Jira answered {answer.status_code} to its list of failed webhooks; "
                "check api_url, api_user and api_token_env of the source"
            )


def _seconds(headers: Mapping[str, str]) -> int:
    text = headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 60


def _item(entry: Json) -> FailedHook | None:
    shape: JsonObject = as_object(entry)
    number = shape.get("id")
    name = as_text(number) or str(as_int(number) or "")
    body, at_ms = as_text(shape.get("body")), as_int(shape.get("failureTime"))
    if not name or not body or at_ms is None:
        return None
    return FailedHook(name, as_text(shape.get("url")), body.encode(), at_ms)
