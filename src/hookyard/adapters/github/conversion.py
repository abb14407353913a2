"""The code of a registration → the new App with its key and secrets. GitHub gives them once.

# spec: docs.github.com/rest/apps, "Create a GitHub App from a manifest": no credential is sent,
the code is good for one hour and one exchange; 201, or 404 and 422.
"""

import re
from dataclasses import dataclass, field

from hookyard.adapters.github.answers import NOT_JSON, decode
from hookyard.adapters.github.port import GitHubFailed, GitHubMissing, GitHubRefused, GitHubUnclear
from hookyard.adapters.github.wire import Raw, Wire
from hookyard.kit.json import as_int, as_object, as_text, dig

_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class NewApp:
    """An App as it was made. `owner` is the account it belongs to."""

    id: int
    slug: str
    name: str
    owner: str
    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    private_key: str = field(repr=False)


async def convert(wire: Wire, code: str) -> NewApp:
    """Exchange a code. GitHubMissing for one that is unknown, used or over an hour old;
    GitHubUnclear where the App's secrets may be lost on the way."""
    if _CODE.fullmatch(code) is None:
        raise GitHubMissing(404, "this is no code of a registration")
    raw = await wire.send("POST", f"{wire.base_url}/app-manifests/{code}/conversions", {}, None)
    if raw.status >= 500:
        raise GitHubFailed(f"GitHub answered {raw.status} to the code of the registration")
    if raw.status in (404, 410):
        raise GitHubMissing(raw.status, "the code was used already, or is over an hour old")
    if raw.status != 201:
        raise GitHubRefused(raw.status, "the code of the registration was not taken")
    return _new_app(raw)


def _new_app(raw: Raw) -> NewApp:
    try:
        found = as_object(decode(raw.body))
    except NOT_JSON:
        found = {}
    number = as_int(found.get("id"))
    made = NewApp(
        number or 0,
        as_text(found.get("slug")),
        as_text(found.get("name")),
        as_text(dig(found, "owner", "login")),
        as_text(found.get("client_id")),
        as_text(found.get("client_secret")),
        as_text(found.get("webhook_secret")),
        as_text(found.get("pem")),
    )
    if number is None or not made.slug or not made.private_key or not made.webhook_secret:
        raise GitHubUnclear("GitHub's answer to the code lacks the App, its key or its secret")
    return made
