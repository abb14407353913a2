"""Sending signed requests to a server, and asking it what became of them."""

import asyncio
import os
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence

from hookyard.core.ingress.model import Identity, SourceConfig
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.hooks.meaning import identity_of
from hookyard.entrypoints.cli.hooks.samples import Moment
from hookyard.entrypoints.cli.remote import Remote
from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text
from hookyard_sandbox.senders import PROVIDERS, SignedRequest

LOOK_EVERY_S = 0.2
SHOWN = ("event", "action", "repository", "subject", "status", "reason")


def moment_now(clock: Clock | None = None) -> Moment:
    """Now, with a fresh word."""
    return Moment((clock or SystemClock()).now_ms(), uuid.uuid4().hex)


class Secrets:
    """Finds a provider's secret: given on the command line, else in the local configuration.

    `given` holds `secret`, for every provider, or `provider=secret`.
    """

    def __init__(self, given: Sequence[str]) -> None:
        self._by_provider: dict[str, str] = {}
        self._for_all: str | None = None
        for text in given:
            provider, separator, secret = text.partition("=")
            if separator and provider in PROVIDERS:
                self._by_provider[provider] = secret
            else:
                self._for_all = text
        self._configured: Mapping[str, SourceConfig] | None = None

    def of(self, provider: str, source: str = "") -> bytes:
        """The secret to sign with; Failed says how to give one."""
        chosen = self._by_provider.get(provider, self._for_all)
        if chosen is not None:
            return chosen.encode()
        found = self._sources().get(source or provider)
        if found is None or found.provider != provider or not found.secrets:
            what = f"source {source}" if source else provider
            raise Failed(f"no secret for {what}: give --secret, or configure the source here")
        return found.secrets[0]

    def _sources(self) -> Mapping[str, SourceConfig]:
        if self._configured is None:
            from hookyard.bootstrap import read_sources
            from hookyard.bootstrap.keeping import load_settings

            self._configured = read_sources(load_settings(), os.environ)
        return self._configured


def post(remote: Remote, request: SignedRequest) -> tuple[int, Json]:
    """Send a webhook; status and answer, decoded where it is JSON."""
    path, _, query = request.path.partition("?")
    params = dict(urllib.parse.parse_qsl(query))
    answer = remote.exchange("POST", path, params, request.body, request.headers)
    try:
        found: Json = answer.json()
    except ValueError:
        found = answer.text
    return answer.status_code, found


def outcome_of(
    remote: Remote, request: SignedRequest, provider: str, status: int, answer: Json, wait_s: float
) -> JsonObject:
    """What became of a request that was sent: the facts the API shows, as `expected.json` has
    them. Waits until the delivery is routed; Failed when that takes longer than `wait_s`."""
    delivery_id = as_text(as_object(answer).get("delivery_id"))
    if not delivery_id and status < 300:
        delivery_id = _stored_as(remote, request, provider)
    if not delivery_id:
        return {"http": status, "answer": answer}
    found = asyncio.run(_routed(remote, delivery_id, wait_s))
    facts = {name: found.get(name) for name in SHOWN}
    return {"http": status, "delivery_id": delivery_id, **facts}


async def _routed(remote: Remote, delivery_id: str, wait_s: float) -> JsonObject:
    clock = SystemClock()
    until = clock.monotonic() + wait_s
    while True:
        found = remote.get(f"/api/deliveries/{delivery_id}")
        if found.get("status") != "accepted":
            return found
        if clock.monotonic() >= until:
            raise Failed(
                f"delivery {delivery_id} is not routed after {wait_s:.0f} s; "
                "does the server run workers?"
            )
        await clock.sleep(LOOK_EVERY_S)


def _stored_as(remote: Remote, request: SignedRequest, provider: str) -> str:
    """The delivery of a request whose answer names none (slash commands, clicks), or ""."""
    identity = identity_of(request, provider)
    if not isinstance(identity, Identity):
        return ""
    newest = remote.get("/api/deliveries", provider=provider, limit=50)
    for item in as_list(newest.get("items")):
        row = as_object(item)
        if row.get("provider_delivery_id") == identity.provider_delivery_id:
            return as_text(row.get("id"))
    return ""
