"""Webhooks: made for each App that subscribes, signed, remembered, and sent by one thread.

Sending happens outside the world's lock and never slows the API, as on the real site. Nothing is
retried by itself. # spec: docs.github.com, handling failed webhook deliveries.
"""

import http.client
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import msgspec

from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject, as_int, as_text, dig
from hookyard_sandbox.github.model import App, HookDelivery, Installation, PlainHook
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.state import World, new_guid
from hookyard_sandbox.senders import signed_request

# spec: GitHub waits 10 s for an answer and keeps deliveries for 3 days.
ANSWER_TIMEOUT_S = 10.0
KEPT_MS = 3 * 24 * 3_600_000
MAX_PAYLOAD = 25 * 1024 * 1024


def make_delivery(
    world: World, app: App, installation: Installation | None, event: str, payload: JsonObject
) -> HookDelivery:
    """A delivery ready to send: body, headers and signature."""
    shape: dict[str, Json] = dict(payload)
    if installation is not None and "installation" not in shape:
        number = installation.id
        shape["installation"] = {
            "id": number,
            "node_id": accounts.node_id("IntegrationInstallation", number),
        }
    return _new(world, app, event, shape, installation=installation)


def make_plain(world: World, hook: PlainHook, event: str, payload: JsonObject) -> HookDelivery:
    """A delivery of a repository's or organisation's own hook: no installation in it."""
    return _new(world, hook, event, dict(payload))


def _new(
    world: World,
    sender: App | PlainHook,
    event: str,
    shape: dict[str, Json],
    *,
    installation: Installation | None = None,
) -> HookDelivery:
    guid = new_guid()
    headers, body = _signed(sender, event, guid, msgspec.json.encode(shape))
    is_plain = isinstance(sender, PlainHook)
    return HookDelivery(
        id=world.new_id(),
        guid=guid,
        app=None if isinstance(sender, PlainHook) else sender,
        plain=sender if isinstance(sender, PlainHook) else None,
        event=event,
        action=as_text(shape.get("action")) or None,
        installation_id=installation.id if installation and not is_plain else None,
        repository_id=as_int(dig(shape, "repository", "id")),
        delivered_at_ms=world.now_ms(),
        headers=headers,
        body=body,
    )


def _signed(
    sender: App | PlainHook, event: str, guid: str, text: bytes
) -> tuple[dict[str, str], bytes]:
    if isinstance(sender, PlainHook):
        config, hook_id = sender.config, sender.id
        target_type, target_id = sender.target_type, sender.target_id
    else:
        config, hook_id = sender.hook, sender.hook_id
        target_type, target_id = "integration", sender.id
    request = signed_request(
        "github",
        text,
        config.secret,
        event=event,
        delivery_id=guid,
        hook_id=str(hook_id),
        target_type=target_type,
        target_id=str(target_id),
        form="yes" if config.content_type == "form" else "",
    )
    headers = {_cased(name): value for name, value in request.headers.items()}
    if not config.secret:
        # spec: without a secret there are no signature headers.
        headers = {k: v for k, v in headers.items() if not k.startswith("X-Hub-Signature")}
    return headers, request.body


def _cased(name: str) -> str:
    words = {"github": "GitHub", "id": "ID"}
    return "-".join(words.get(part, part.capitalize()) for part in name.lower().split("-"))


def payload_of(delivery: HookDelivery) -> bytes:
    """The JSON of a delivery, also when it was sent as a form."""
    if "form" not in delivery.headers["Content-Type"]:
        return delivery.body
    return parse_qs(delivery.body.decode())["payload"][0].encode()


def again(world: World, earlier: HookDelivery) -> HookDelivery:
    """A redelivery: a new id and time, the same guid, body and event; and today's signature."""
    sender = earlier.plain or earlier.app
    headers, body = dict(earlier.headers), earlier.body
    if sender is not None:
        headers, body = _signed(sender, earlier.event, earlier.guid, payload_of(earlier))
    return replace(
        earlier,
        id=world.new_id(),
        delivered_at_ms=world.now_ms(),
        headers=headers,
        body=body,
        redelivery=True,
        status_code=0,
        status="pending",
        duration_s=0.0,
        response_headers={},
        response_body="",
    )


Deliver = Callable[[HookDelivery], None]


@dataclass(slots=True)
class Hooks:
    """Makes and sends deliveries. With `deliver` set they go there, on the caller's thread."""

    world: World
    deliver: Deliver | None = None
    _queue: "queue.Queue[HookDelivery | None]" = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None

    def emit(
        self, app: App, installation: Installation | None, event: str, payload: JsonObject
    ) -> None:
        """Make a delivery, remember it and send it, unless the App has no hook."""
        if not app.hook.url and self.deliver is None:
            return
        delivery = make_delivery(self.world, app, installation, event, payload)
        # spec: events over 25 MB are not sent.
        if len(delivery.body) <= MAX_PAYLOAD:
            self.send(delivery)

    def send(self, delivery: HookDelivery) -> None:
        """Remember a delivery and send it."""
        with self.world.lock:
            oldest = self.world.now_ms() - KEPT_MS
            known = self.world.deliveries
            while known and known[0].delivered_at_ms < oldest:
                known.popleft()
            known.append(delivery)
        if self.deliver is not None:
            self.deliver(delivery)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
            self._thread.start()
        self._queue.put(delivery)

    def flush(self) -> None:
        """Wait until everything made so far has been answered or given up."""
        self._queue.join()

    def close(self) -> None:
        """Send what is left, then end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            delivery = self._queue.get()
            if delivery is not None:
                post(delivery, self.world.clock)
            self._queue.task_done()
            if delivery is None:
                return


def post(delivery: HookDelivery, clock: Clock) -> None:
    """Send over HTTP and write the outcome into the delivery; never raises for the far side."""
    url = urlsplit(delivery.config.url)
    began = clock.monotonic()
    secure = url.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=ANSWER_TIMEOUT_S)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", path, delivery.body, delivery.headers)
        answer = connection.getresponse()
        delivery.response_body = answer.read(65_536).decode(errors="replace")
        delivery.response_headers = dict(answer.getheaders())
        delivery.status_code = answer.status
        delivery.status = "OK" if 200 <= answer.status < 300 else answer.reason or "error"
    except TimeoutError:
        delivery.status_code, delivery.status = 504, "timed out"
    except (OSError, http.client.HTTPException):
        delivery.status_code, delivery.status = 502, "failed to connect to host"
    finally:
        connection.close()
        delivery.duration_s = round(clock.monotonic() - began, 3)
