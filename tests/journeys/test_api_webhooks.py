"""The webhook door: what is taken in, what is not, and what stays on disk of either."""

import asyncio
import gzip
import json

import httpx2

from hookyard_sandbox.senders import signed_request
from tests.journeys.conftest import ADMIN, SECRET, Caller


def _signed(client: Caller, **options: str) -> tuple[str, bytes, dict[str, str]]:
    signed = signed_request(
        "github", client.scene.ping(), options.pop("secret", SECRET), event="ping",
        delivery_id=options.pop("delivery_id", "one"), **options,
    )  # fmt: skip
    return signed.path, signed.body, signed.headers


def _is_problem(answer: httpx2.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)


async def _refused(client: Caller, answer: httpx2.Response, status: int, code: str) -> None:
    """A problem with its code; counted, and nothing else kept."""
    _is_problem(answer, status, code)
    await _only_counted(client, {code: 1})


async def _only_counted(client: Caller, counts: dict[str, int]) -> None:
    await client.front.rejections.flush(client.yard.database)
    counted = await client.page("/api/deliveries/rejections")
    assert {item["code"]: item["count"] for item in counted} == counts
    assert await client.page("/api/deliveries") == []
    assert await client.page("/api/jobs") == []


async def test_accepted_once_and_then_a_duplicate(client: Caller) -> None:
    path, body, headers = _signed(client)
    first = await client.http.post(path, content=body, headers=headers)
    assert first.status_code == 202
    assert first.json()["status"] == "accepted"
    again = await client.http.post(path, content=body, headers=headers)
    assert again.status_code == 200
    assert again.json()["status"] == "duplicate"
    assert again.json()["delivery_id"] == first.json()["delivery_id"]
    assert len(await client.page("/api/deliveries")) == 1
    shown = await client.get(f"/api/deliveries/{first.json()['delivery_id']}")
    assert shown.json()["redeliveries"] == 1


async def test_forged_signature(client: Caller) -> None:
    path, body, headers = _signed(client, secret="not the secret")
    answer = await client.http.post(path, content=body, headers=headers)
    await _refused(client, answer, 401, answer.json()["code"])
    assert "signature" in answer.json()["code"]


async def test_missing_signature(client: Caller) -> None:
    path, body, headers = _signed(client)
    bare = {k: v for k, v in headers.items() if not k.startswith("x-hub-signature")}
    answer = await client.http.post(path, content=body, headers=bare)
    await _refused(client, answer, 401, "missing_signature")


async def test_changed_body_is_forged(client: Caller) -> None:
    path, body, headers = _signed(client)
    answer = await client.http.post(path, content=body + b" ", headers=headers)
    await _refused(client, answer, 401, answer.json()["code"])


async def test_announced_oversize_is_refused_unread(client: Caller) -> None:
    path, _, headers = _signed(client)
    port = client.http.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: 999999999\r\n\r\n"
    writer.write(head.encode())
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    start, _, body = raw.partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in start.lower()
    assert json.loads(body)["code"] == "too_large"
    assert await client.page("/api/deliveries") == []


async def test_only_post_delivers(client: Caller) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = await client.http.request(method, "/webhooks/github")
        assert answer.headers["allow"] == "POST"
        _is_problem(answer, 405, "method_not_allowed")
    await _only_counted(client, {"method_not_allowed": 4})


async def test_unknown_addresses(client: Caller) -> None:
    _, body, headers = _signed(client)
    for path, code in (
        ("/webhooks/nobody", "unknown_provider"),
        ("/webhooks/", "unknown_provider"),
        ("/webhooks/%00", "unknown_provider"),
        ("/webhooks/%ff/%fe", "unknown_provider"),
        ("/webhooks/jira", "unknown_source"),
        ("/webhooks/github/other", "unknown_source"),
        ("/webhooks/github/", "unknown_source"),
    ):
        _is_problem(await client.http.post(path, content=body, headers=headers), 404, code)
    await _only_counted(client, {"unknown_provider": 4, "unknown_source": 3})


async def test_wrong_content_type(client: Caller) -> None:
    path, body, headers = _signed(client)
    answer = await client.http.post(
        path, content=body, headers=headers | {"content-type": "text/plain"}
    )
    await _refused(client, answer, 415, answer.json()["code"])


async def test_compressed_body(client: Caller) -> None:
    path, body, headers = _signed(client)
    answer = await client.http.post(
        path, content=gzip.compress(body), headers=headers | {"content-encoding": "gzip"}
    )
    await _refused(client, answer, 415, answer.json()["code"])


async def test_header_sent_twice(client: Caller) -> None:
    path, body, headers = _signed(client)
    for name in ("x-github-event", "x-hub-signature-256", "content-type"):
        twice = [*headers.items(), (name, "other")]
        answer = await client.http.post(path, content=body, headers=twice)
        _is_problem(answer, 400, "duplicate_header")
    await _only_counted(client, {"duplicate_header": 3})


async def test_slack_asks_whether_anybody_is_there(client: Caller) -> None:
    now_ms = client.yard.clock.now_ms()
    asked = {"type": "url_verification", "challenge": "3eZbrw1aB", "token": "x"}
    signed = signed_request("slack", asked, SECRET, now_ms=now_ms)
    answer = await client.http.post(signed.path, content=signed.body, headers=signed.headers)
    assert answer.status_code == 200
    assert "3eZbrw1aB" in answer.text
    assert await client.page("/api/deliveries") == []


async def test_large_body_is_taken_in_whole(client: Caller) -> None:
    payload = {**client.scene.ping(), "pad": "x" * 3_000_000}
    sent = await client.send("ping", payload)
    assert sent.status_code == 202
    got = await client.get(f"/api/deliveries/{sent.json()['delivery_id']}/payload")
    assert json.loads(got.content) == payload


async def test_refusals_are_counted_not_kept(client: Caller) -> None:
    path, body, headers = _signed(client, secret="wrong")
    for _ in range(30):
        await client.http.post(path, content=body, headers=headers)
    await client.front.rejections.flush(client.yard.database)
    await client.http.post("/webhooks/nobody", content=body, headers=headers)
    await client.front.rejections.flush(client.yard.database)
    counted = await client.page("/api/deliveries/rejections", limit=1)
    assert sorted((item["source"], item["count"]) for item in counted) == [
        ("github", 30), ("unknown", 1),
    ]  # fmt: skip
    stranger = client.with_token("")
    assert (await stranger.get("/api/deliveries/rejections")).status_code == 401
    assert ADMIN not in str(counted)
