"""The Jira port: the list of webhooks that failed for good, every outcome typed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FailedHook:
    """A webhook Jira gave up on; `id` is its `X-Atlassian-Webhook-Identifier`."""

    id: str
    url: str
    body: bytes = field(repr=False)
    failed_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class FailedPage:
    """Webhooks that failed, the oldest first; `more` says that another page follows."""

    items: Sequence[FailedHook]
    more: bool


class JiraError(Exception):
    """Jira did not do what was asked."""


class JiraRefused(JiraError):
    """Jira refused; repeating it will not help."""


class JiraLimited(JiraError):
    """Jira's rate limit holds until an instant; nothing was done."""

    def __init__(self, until_ms: int) -> None:
        self.kind = "rate limit"
        self.until_ms = until_ms
        super().__init__(f"Jira's rate limit holds until {until_ms}")


class FailedLog(Protocol):
    """One site's list of failed webhooks."""

    async def page(self, after_ms: int) -> FailedPage:
        """What failed after an instant, the oldest first; raises JiraError."""
        ...
