"""Webhook requests signed as the real providers sign them, for demo, development and tests.

Written from each provider's documentation and kept apart from the code that verifies: nothing
here is shared with it, so that one cannot hide the other's mistake.
"""

import base64
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hookyard.kit.json import JsonObject


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A POST ready to send. `path` starts with /webhooks and may carry a query."""

    headers: dict[str, str]
    body: bytes
    path: str


@dataclass(frozen=True, slots=True)
class _Draft:
    body: bytes
    secret: bytes
    event: str
    delivery_id: str
    now_ms: int
    options: Mapping[str, str]

    def option(self, name: str, default: str) -> str:
        return self.options.get(name, default)

    def seconds(self) -> str:
        return str(self.now_ms // 1000)

    def hex_mac(self, message: bytes) -> str:
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()


def signed_request(
    provider: str,
    body: bytes | JsonObject,
    secret: bytes | str,
    *,
    event: str = "",
    delivery_id: str = "",
    now_ms: int = 0,
    **options: str,
) -> SignedRequest:
    """A request of `provider`, signed with `secret` at `now_ms`.

    An object is encoded as compact JSON; bytes are sent as they are. Options: `source` (last
    part of the path); github `form`, `hook_id`, `target_id`, `target_type`; jira `mode`
    (`secret`, `oauth`, `url`), `retry`, `issuer`, `lifetime_s`; slack `form`, `retry_num`,
    `retry_reason`; gitlab `mode` (`token`, `signing`), `hook_id`; bitbucket `flavour` (`cloud`,
    `datacenter`), `hook_id`. Raises KeyError for a provider that is not there.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    key = secret if isinstance(secret, bytes) else secret.encode()
    build = _SENDERS[provider]
    if provider == "github" and options.get("form"):
        raw = form_encode({"payload": raw.decode()})
    draft = _Draft(raw, key, event, delivery_id, now_ms, options)
    headers = {"content-type": "application/json", "accept": "*/*", **build(draft)}
    path = f"/webhooks/{provider}"
    if options.get("source"):
        path += f"/{options['source']}"
    if provider == "jira" and options.get("mode") == "url":
        path += "?" + urllib.parse.urlencode({"token": key.decode()})
    return SignedRequest({name: value for name, value in headers.items() if value}, raw, path)


def form_encode(fields: Mapping[str, str]) -> bytes:
    """Fields as an application/x-www-form-urlencoded body."""
    return urllib.parse.urlencode(fields).encode("ascii")


def _github(draft: _Draft) -> dict[str, str]:
    form = "application/x-www-form-urlencoded"
    return {
        "content-type": form if draft.options.get("form") else "application/json",
        "user-agent": "GitHub-Hookshot/5d1a3c9",
        "x-github-event": draft.event,
        "x-github-delivery": draft.delivery_id,
        "x-github-hook-id": draft.option("hook_id", "471829305"),
        "x-github-hook-installation-target-type": draft.option("target_type", "integration"),
        "x-github-hook-installation-target-id": draft.option("target_id", "90210"),
        "x-hub-signature": "sha1=" + hmac.new(draft.secret, draft.body, "sha1").hexdigest(),
        "x-hub-signature-256": "sha256=" + draft.hex_mac(draft.body),
    }


def _jira(draft: _Draft) -> dict[str, str]:
    headers = {
        "user-agent": "Atlassian Webhook HTTP Client",
        "content-type": "application/json; charset=utf-8",
        "x-atlassian-webhook-identifier": draft.delivery_id,
        "x-atlassian-webhook-retry": draft.option("retry", ""),
        "x-atlassian-webhook-flow": "Primary",
    }
    mode = draft.option("mode", "secret")
    if mode == "secret":
        headers["x-hub-signature"] = "sha256=" + draft.hex_mac(draft.body)
    elif mode == "oauth":
        headers["authorization"] = "Bearer " + _jwt(draft)
    return headers


def _jwt(draft: _Draft) -> str:
    issued = draft.now_ms // 1000
    lifetime = int(draft.option("lifetime_s", "180"))
    claims = {
        "iss": draft.option("issuer", "atlassian-oauth-client"),
        "iat": issued,
        "exp": issued + lifetime,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    message = b".".join(parts)
    mac = hmac.new(draft.secret, message, hashlib.sha256).digest()
    return (message + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode("ascii")


def _slack(draft: _Draft) -> dict[str, str]:
    stamp = draft.seconds()
    form = "application/x-www-form-urlencoded"
    return {
        "content-type": form if draft.options.get("form") else "application/json",
        "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": "v0=" + draft.hex_mac(b"v0:" + stamp.encode() + b":" + draft.body),
        "x-slack-retry-num": draft.option("retry_num", ""),
        "x-slack-retry-reason": draft.option("retry_reason", ""),
    }


def _sentry(draft: _Draft) -> dict[str, str]:
    return {
        "sentry-hook-resource": draft.event,
        "sentry-hook-timestamp": draft.seconds(),
        "sentry-hook-signature": draft.hex_mac(draft.body),
        "request-id": draft.delivery_id,
    }


def _standard(draft: _Draft) -> dict[str, str]:
    key = base64.b64decode(draft.secret.removeprefix(b"whsec_"))
    stamp = draft.seconds()
    message = f"{draft.delivery_id}.{stamp}.".encode() + draft.body
    mac = hmac.new(key, message, hashlib.sha256).digest()
    return {
        "webhook-id": draft.delivery_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode("ascii"),
    }


def _gitlab(draft: _Draft) -> dict[str, str]:
    headers = {
        "user-agent": "GitLab/19.0.0",
        "x-gitlab-event": draft.event,
        "x-gitlab-instance": "https://gitlab.example",
        "x-gitlab-webhook-uuid": draft.option("hook_id", "02affd2d-2cba-4033-917d-ec22d5dc4b38"),
        "idempotency-key": draft.delivery_id,
    }
    if draft.option("mode", "token") == "signing":
        return headers | _standard(draft)
    return headers | {"x-gitlab-token": draft.secret.decode("latin-1")}


def _bitbucket(draft: _Draft) -> dict[str, str]:
    headers = {
        "x-event-key": draft.event,
        "x-hub-signature": "sha256=" + draft.hex_mac(draft.body),
    }
    if draft.option("flavour", "cloud") == "datacenter":
        return headers | {
            "user-agent": "Atlassian HttpClient",
            "x-request-id": draft.delivery_id,
            "content-type": "application/json; charset=utf-8",
        }
    return headers | {
        "user-agent": "Bitbucket-Webhooks/2.0",
        "x-request-uuid": draft.delivery_id,
        "x-hook-uuid": draft.option("hook_id", "c5ad5e3b-9c2e-4a0f-8d1a-7f0a3c1e6b44"),
        "x-attempt-number": "1",
    }


def _linear(draft: _Draft) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-delivery": draft.delivery_id,
        "linear-event": draft.event,
        "linear-signature": draft.hex_mac(draft.body),
    }


def _pagerduty(draft: _Draft) -> dict[str, str]:
    return {
        "user-agent": "PagerDuty-Webhook/V3.0",
        "x-webhook-id": draft.delivery_id,
        "x-pagerduty-signature": "v1=" + draft.hex_mac(draft.body),
    }


_SENDERS: Mapping[str, Callable[[_Draft], dict[str, str]]] = {
    "github": _github,
    "jira": _jira,
    "slack": _slack,
    "sentry": _sentry,
    "gitlab": _gitlab,
    "bitbucket": _bitbucket,
    "linear": _linear,
    "pagerduty": _pagerduty,
    "standard": _standard,
}
PROVIDERS = tuple(_SENDERS)
