"""What a manifest says, where its form goes, and what a delivery of the hook shows; all pure."""

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode, urlsplit

from hookyard.core.registration.model import (
    MAX_NAME,
    BadRegistration,
    Delivered,
    Wish,
)
from hookyard.core.registration.wanted import EVENTS, PERMISSIONS
from hookyard.kit.json import Json, JsonObject
from hookyard.kit.signing import from_hex, hmac_sha256, same

WEBHOOK_PATH = "/webhooks/github"
CALLBACK_PATH = "/auth/callback"
# spec: docs.github.com: an account's name has letters, digits and single hyphens; 39 at most.
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9_])|_){0,38}")
_SIGNATURE = "x-hub-signature-256"


def checked(wish: Wish) -> Wish:
    """The wish with blanks taken off; BadRegistration says what GitHub would not take."""
    name, organization = wish.name.strip(), wish.organization.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadRegistration(f"the App's name must have 1 to {MAX_NAME} characters")
    if organization and _ORGANIZATION.fullmatch(organization) is None:
        raise BadRegistration("the organisation must be its name, as it stands in its address")
    for url in (wish.public_url, wish.redirect_url):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise BadRegistration(f"{url[:200]!r} is no address of a server")
    return Wish(name, organization, wish.public_url.rstrip("/"), wish.redirect_url)


def manifest_of(wish: Wish) -> JsonObject:
    """The manifest, as GitHub's page takes it.

    # spec: docs.github.com, "Registering a GitHub App from a manifest": GitHub makes the webhook
    # secret, and gives it with the private key for the code.
    """
    permissions: dict[str, Json] = {one.name: one.level for one in PERMISSIONS}
    return {
        "name": wish.name,
        "url": wish.public_url,
        "hook_attributes": {"url": wish.public_url + WEBHOOK_PATH, "active": True},
        "redirect_url": wish.redirect_url,
        "callback_urls": [wish.public_url + CALLBACK_PATH],
        "description": "Signed webhooks in, durable work, the outcome back on GitHub once.",
        "public": False,
        "default_permissions": permissions,
        "default_events": [one.name for one in EVENTS],
    }


def form_address(site: str, organization: str, state: str) -> str:
    """Where the form with the manifest is sent: the page of the account that will own the App."""
    owner = f"/organizations/{quote(organization, safe='')}" if organization else ""
    return f"{site}{owner}/settings/apps/new?{urlencode({'state': state})}"


def outcome_of(status: int, word: str, url: str) -> Delivered:
    """What GitHub's record of a delivery says: `status` our answer's, `word` GitHub's own.

    # spec: docs.github.com, "Viewing webhook deliveries": 0 is not answered yet; GitHub notes a
    # server it could not reach as 502, one that was too slow as 504.
    """
    if 200 <= status < 300:
        return Delivered("delivered", f"{url} answered {status}")
    if status in (502, 504) and ("connect" in word or "timed out" in word or "resolve" in word):
        return Delivered(
            "unreachable",
            f"GitHub cannot reach {url} ({word}): check the name, the firewall and the tunnel or "
            "proxy, and that Hookyard runs behind it",
        )
    if status == 401:
        return Delivered(
            "refused",
            f"{url} answered 401: what answers there does not know the new webhook secret; "
            "restart Hookyard, and see that the address leads to it",
        )
    if status == 404:
        return Delivered(
            "elsewhere",
            f"{url} answered 404: nothing there takes GitHub's webhooks; restart Hookyard, and "
            "see that the address leads to it",
        )
    return Delivered("refused", f"{url} answered {status} ({word})")


def signed_by(
    payload: JsonObject, headers: Mapping[str, str], secrets: Sequence[bytes]
) -> int | None:
    """Which of the secrets signed a delivery, as GitHub's record shows it; None when none fits.

    The record holds the payload and not the bytes that were sent, so the ways GitHub may have
    written it are tried; with one that fits, the signature leaves no doubt.
    """
    found = headers.get(_SIGNATURE, "")
    signature = from_hex(found.removeprefix("sha256=")) if found.startswith("sha256=") else None
    if signature is None:
        return None
    for body in _spellings(payload):
        for number, secret in enumerate(secrets):
            if same(hmac_sha256(secret, body), signature):
                return number
    return None


def _spellings(payload: JsonObject) -> Sequence[bytes]:
    plain = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    escaped = json.dumps(payload, separators=(",", ":"), ensure_ascii=True)
    html = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    found = dict.fromkeys((plain, escaped, html))
    texts = [*found, *(f"payload={quote(text, safe='*-._')}" for text in found)]
    return [text.encode("utf-8", "surrogatepass") for text in texts]
