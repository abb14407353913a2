"""Reading answers: JSON, GitHub's own message, the list inside a page, the error behind a 5xx."""

from collections.abc import Mapping

import msgspec

from hookyard.adapters.github.port import (
    GitHubError,
    GitHubFailed,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubUnclear,
)
from hookyard.adapters.github.wire import Raw
from hookyard.kit.json import Json, JsonObject, as_text, dig

NOT_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def failure(method: str, raw: Raw) -> GitHubFailed | GitHubUnclear:
    """The error behind a 5xx.

    # why: 502 and 504 come from a gateway that gave up waiting; a write may still land.
    """
    text = f"GitHub answered {raw.status} ({raw.headers.get('x-github-request-id', 'no id')})"
    if method != "GET" and raw.status in (502, 504):
        return GitHubUnclear(text)
    return GitHubFailed(text)


def decode(body: bytes) -> Json:
    """JSON of a body; None of an empty one. Raises what msgspec raises."""
    data: Json = msgspec.json.decode(body) if body else None
    return data


def decode_or_none(body: bytes) -> Json:
    """JSON of a body, or None when it is not JSON."""
    try:
        return decode(body)
    except NOT_JSON:
        return None


def message_of(raw: Raw) -> str:
    """GitHub's own words in an error, at most 500 characters."""
    text = as_text(dig(decode_or_none(raw.body), "message"))
    return (text or f"HTTP {raw.status}")[:500]


GRAPH_WAIT_MS = 60_000


def refusal_of(error: JsonObject, now_ms: int) -> GitHubError:
    """The first error of a GraphQL answer, which comes with status 200.

    # spec: docs.github.com, "Rate limits for the GraphQL API": `type` RATE_LIMITED; others that
    # are documented are NOT_FOUND and FORBIDDEN.
    """
    kind, message = as_text(error.get("type")), as_text(error.get("message"))[:500]
    if kind == "RATE_LIMITED":
        return GitHubLimited("primary", now_ms + GRAPH_WAIT_MS, message)
    if kind == "NOT_FOUND":
        return GitHubMissing(404, message)
    return GitHubRefused(403 if kind == "FORBIDDEN" else 422, message)


def items_of(data: Json) -> list[JsonObject]:
    """The objects of a list, or of the one list inside an object such as `{"total_count": …}`."""
    if isinstance(data, Mapping):
        lists = [v for v in data.values() if isinstance(v, list)]
        if len(lists) != 1:
            raise GitHubRefused(200, "this address does not answer with a list")
        data = lists[0]
    if not isinstance(data, list):
        raise GitHubRefused(200, "this address does not answer with a list")
    return [item for item in data if isinstance(item, Mapping)]
