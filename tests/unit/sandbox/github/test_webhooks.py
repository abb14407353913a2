"""Webhooks: to whom, signed how, remembered and sent again."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import msgspec
import pytest

from hookyard_sandbox.github.model import HookDelivery
from tests.support.sandbox import REPOSITORY, Hub


class Receiver(HTTPServer):
    """Remembers what was posted and answers with `status`."""

    status = 202

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sent(hub: Hub) -> list[HookDelivery]:
    made: list[HookDelivery] = []
    hub.sandbox.hooks.deliver = made.append
    return made


def aim(hub: Hub, receiver: Receiver) -> None:
    hub.app.app.hook.url = f"http://127.0.0.1:{receiver.server_port}/webhooks/github?x=1"


async def test_a_delivery_is_signed_and_says_where_it_comes_from(
    hub: Hub, receiver: Receiver
) -> None:
    aim(hub, receiver)
    hub.sandbox.create_issue(REPOSITORY, "New")
    hub.sandbox.hooks.flush()
    hub.sandbox.hooks.close()
    ((headers, body),) = receiver.got
    mac = hmac.new(hub.app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={mac}"
    assert headers["x-github-event"] == "issues"
    assert headers["x-github-hook-installation-target-id"] == str(hub.app.id)
    assert headers["x-github-hook-id"] == str(hub.app.app.hook_id)
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    payload = msgspec.json.decode(body)
    assert payload["action"] == "opened"
    assert payload["installation"]["id"] == hub.installation.id
    assert payload["sender"]["login"] == "octocat"
    listed = (await hub.as_app("GET", "/app/hook/deliveries")).json()
    assert listed[0]["guid"] == headers["x-github-delivery"]
    assert (listed[0]["status_code"], listed[0]["event"]) == (202, "issues")
    detail = (await hub.as_app("GET", f"/app/hook/deliveries/{listed[0]['id']}")).json()
    assert detail["request"]["payload"] == payload
    assert detail["request"]["headers"]["X-GitHub-Delivery"] == listed[0]["guid"]
    assert detail["response"]["payload"] == "thanks"


async def test_a_redelivery_has_the_same_guid_and_body(hub: Hub, receiver: Receiver) -> None:
    aim(hub, receiver)
    receiver.status = 500
    hub.sandbox.create_issue(REPOSITORY, "New")
    hub.sandbox.hooks.flush()
    failed = (await hub.as_app("GET", "/app/hook/deliveries?status=failure")).json()
    assert [d["status_code"] for d in failed] == [500]
    receiver.status = 202
    again = await hub.as_app("POST", f"/app/hook/deliveries/{failed[0]['id']}/attempts")
    assert again.status_code == 202
    hub.sandbox.hooks.flush()
    hub.sandbox.hooks.close()
    (first_headers, first), (second_headers, second) = receiver.got
    assert first == second
    assert first_headers["x-github-delivery"] == second_headers["x-github-delivery"]
    listed = (await hub.as_app("GET", "/app/hook/deliveries")).json()
    assert [d["redelivery"] for d in listed] == [True, False]
    assert len({d["id"] for d in listed}) == 2


async def test_nobody_listening_is_a_failed_delivery(hub: Hub, receiver: Receiver) -> None:
    aim(hub, receiver)
    receiver.socket.close()
    hub.sandbox.create_issue(REPOSITORY, "New")
    hub.sandbox.hooks.flush()
    hub.sandbox.hooks.close()
    listed = (await hub.as_app("GET", "/app/hook/deliveries")).json()
    assert listed[0]["status_code"] == 502


async def test_form_bodies_are_signed_as_they_are_sent(hub: Hub, sent: list[HookDelivery]) -> None:
    await hub.as_app("PATCH", "/app/hook/config", {"content_type": "form"})
    hub.sandbox.create_issue(REPOSITORY, "Ü & more")
    (one,) = sent
    assert one.headers["Content-Type"] == "application/x-www-form-urlencoded"
    mac = hmac.new(hub.app.webhook_secret.encode(), one.body, hashlib.sha256).hexdigest()
    assert one.headers["X-Hub-Signature-256"] == f"sha256={mac}"
    payload = msgspec.json.decode(parse_qs(one.body.decode())["payload"][0])
    assert payload["issue"]["title"] == "Ü & more"
    detail = await hub.as_app("GET", f"/app/hook/deliveries/{one.id}")
    assert detail.json()["request"]["payload"]["issue"]["title"] == "Ü & more"


async def test_without_a_secret_nothing_is_signed(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.app.app.hook.secret = ""
    hub.sandbox.create_issue(REPOSITORY, "New")
    assert not [name for name in sent[0].headers if "Signature" in name]


async def test_the_secret_is_changed_but_never_shown(hub: Hub, sent: list[HookDelivery]) -> None:
    answer = await hub.as_app("PATCH", "/app/hook/config", {"secret": "brand new"})
    assert "brand new" not in answer.text
    hub.sandbox.create_issue(REPOSITORY, "New")
    mac = hmac.new(b"brand new", sent[0].body, hashlib.sha256).hexdigest()
    assert sent[0].headers["X-Hub-Signature-256"] == f"sha256={mac}"
    bad = await hub.as_app("PATCH", "/app/hook/config", {"content_type": "xml"})
    assert bad.status_code == 422


async def test_what_the_app_does_comes_back_as_an_event(hub: Hub, sent: list[HookDelivery]) -> None:
    await hub.repo("POST", "/issues/1/comments", {"body": "echo"})
    payload = msgspec.json.decode(sent[0].body)
    assert (sent[0].event, sent[0].action) == ("issue_comment", "created")
    assert payload["sender"] == payload["comment"]["user"]
    assert payload["sender"]["type"] == "Bot"


async def test_only_subscribers_that_reach_the_repository_hear(
    hub: Hub, sent: list[HookDelivery]
) -> None:
    hub.sandbox.create_repository("other/place")
    hub.sandbox.create_issue("other/place", "unheard")
    hub.installation.events.remove("issues")
    hub.sandbox.create_issue(REPOSITORY, "unheard")
    hub.sandbox.create_comment(REPOSITORY, 1, "heard")
    assert [one.event for one in sent] == ["issue_comment"]


async def test_two_apps_hear_each_in_its_own_name(hub: Hub, sent: list[HookDelivery]) -> None:
    second = hub.sandbox.register_app("Second", private_key=hub.app.private_key)
    hub.sandbox.create_installation(second)
    sent.clear()
    hub.sandbox.create_issue(REPOSITORY, "New")
    targets = {one.headers["X-GitHub-Hook-Installation-Target-ID"] for one in sent}
    assert targets == {str(hub.app.id), str(second.id)}


async def test_edits_say_what_was_there_before(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.sandbox.edit_issue(REPOSITORY, 1, body="Now it does.")
    hub.sandbox.edit_issue(REPOSITORY, 1, body="Now it does.")
    assert len(sent) == 1
    assert msgspec.json.decode(sent[0].body)["changes"] == {"body": {"from": "It does."}}


async def test_installations_are_announced(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.sandbox.suspend(hub.installation.id)
    hub.sandbox.unsuspend(hub.installation.id)
    hub.sandbox.take_permission(hub.installation.id, "checks")
    hub.sandbox.choose_repositories(hub.installation.id, remove=(REPOSITORY,))
    hub.sandbox.uninstall(hub.installation.id)
    assert [(one.event, one.action) for one in sent] == [
        ("installation", "suspend"),
        ("installation", "unsuspend"),
        ("installation", "new_permissions_accepted"),
        ("installation_repositories", "removed"),
        ("installation", "deleted"),
    ]


async def test_registering_pings(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.sandbox.register_app("Second", private_key=hub.app.private_key)
    assert [one.event for one in sent] == ["ping"]


async def test_deliveries_are_listed_by_cursor(hub: Hub, sent: list[HookDelivery]) -> None:
    for number in range(5):
        hub.sandbox.create_comment(REPOSITORY, 1, str(number))
    seen: list[int] = []
    url: str | None = "/app/hook/deliveries?per_page=2"
    while url:
        answer = await hub.as_app("GET", url)
        seen += [d["id"] for d in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert seen == [one.id for one in reversed(sent)]
    for query in ("status=odd", "per_page=x", "cursor=x"):
        assert (await hub.as_app("GET", f"/app/hook/deliveries?{query}")).status_code == 422


async def test_deliveries_are_kept_for_three_days(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.sandbox.create_comment(REPOSITORY, 1, "old")
    hub.clock.advance(3 * 86_400 + 1)
    assert (await hub.as_app("GET", "/app/hook/deliveries")).json() == []
    assert (await hub.as_app("GET", f"/app/hook/deliveries/{sent[0].id}")).status_code == 404


async def test_deliveries_belong_to_their_app(hub: Hub, sent: list[HookDelivery]) -> None:
    hub.sandbox.create_comment(REPOSITORY, 1, "mine")
    stranger = hub.sandbox.register_app("Stranger", private_key=hub.app.private_key)
    path = f"/app/hook/deliveries/{sent[0].id}"
    answer = await hub.call("GET", path, token=stranger.assertion(hub.now_s))
    assert answer.status_code == 404
