"""What strangers send to the webhook door: a problem with its code, counted, and nothing kept."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookyard.bootstrap import Yard
from hookyard.core.ingress.model import DeliveryStatus
from hookyard_sandbox.senders import SignedRequest, signed_request
from tests.journeys.conftest import SECRET, make_yard, serving
from tests.support.doors import Door

MIB = 1024 * 1024
CAP = 25 * MIB
WHSEC = "whsec_bXktc2VjcmV0LWZvci10aGVzZS10ZXN0cw=="
SOURCES = f"""
sources:
  - {{provider: github, secrets: [{SECRET}]}}
  - {{provider: slack, secrets: [{SECRET}]}}
  - {{provider: standard, secrets: ["{WHSEC}"]}}
"""


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    (tmp_path / "sources.yml").write_text(SOURCES)
    environ = {
        "HOOKYARD_SOURCES_FILE": str(tmp_path / "sources.yml"),
        "GITHUB_WEBHOOK_SECRET": "",
        "SLACK_SIGNING_SECRET": "",
    }
    made = await make_yard(tmp_path, environ)
    yield made
    await made.close()


@pytest.fixture
async def door(yard: Yard) -> AsyncIterator[Door]:
    async with serving(yard, deadline_s=0.5) as caller:
        yield Door(caller)


def good(body: bytes = b'{"zen": "x", "hook_id": 1}', **options: str) -> SignedRequest:
    """A GitHub ping that would be taken."""
    return signed_request(
        "github", body, options.pop("secret", SECRET), event="ping", delivery_id="d-1", **options
    )


def without(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


# --- who sent it ---


FORGED = (
    (None, "missing_signature"),
    ("sha256=" + "0" * 64, "bad_signature"),
    ("sha256=" + "0" * 63, "bad_signature"),
    ("md5=abc", "bad_signature"),
    ("\xff\xfe", "bad_signature"),
    ("sha256=" + "0" * 30_000, "bad_signature"),
)


async def test_unsigned_and_forged(door: Door) -> None:
    signed = good()
    bare = without(signed.headers, "x-hub-signature-256")
    for claim, code in FORGED:
        headers = bare if claim is None else bare | {"x-hub-signature-256": claim}
        await door.refuses(await door.send(headers, signed.body), 401, code)
    text = (await door.caller.http.get("/metrics")).text
    series = 'webhook_signature_validation_failures_total{provider="github"}'
    assert f"{series} {len(FORGED)}.0" in text


async def test_truncated(door: Door) -> None:
    signed = good()
    answer = await door.send(signed.headers, signed.body[:-1])
    await door.refuses(answer, 401, "bad_signature")


async def test_signed_by_another_source(door: Door) -> None:
    signed = good(secret="the secret of somebody else")
    await door.refuses(await door.send(signed.headers, signed.body), 401, "bad_signature")


async def test_stale(door: Door) -> None:
    for provider, secret in (("slack", SECRET), ("standard", WHSEC)):
        for off_ms in (-303_000, 303_000):
            now_ms = door.caller.yard.clock.now_ms() + off_ms
            signed = signed_request(provider, {"type": "x"}, secret, delivery_id="d", now_ms=now_ms)
            line = f"POST {signed.path} HTTP/1.1"
            answer = await door.send(signed.headers, signed.body, line=line)
            await door.refuses(answer, 401, "stale_timestamp", provider)


# --- how much ---


async def test_oversized_as_announced(door: Door) -> None:
    headers = good().headers | {"content-length": str(CAP + 1)}
    answer = await door.send(headers)
    assert answer.headers[b"connection"] == b"close"
    await door.refuses(answer, 413, "too_large")


async def test_impossible_lengths(door: Door) -> None:
    for length in ("9" * 5_000, "-1", "+5", "0x10", "5, 5", ""):
        answer = await door.send(good().headers | {"content-length": length})
        assert 400 <= answer.status < 500, length
        assert answer.code()
        await door.still_open()


async def test_oversized_in_chunks_holds_no_memory(door: Door) -> None:
    head = "".join(f"{k}: {v}\r\n" for k, v in good().headers.items())
    start = f"POST /webhooks/github HTTP/1.1\r\nhost: x\r\n{head}transfer-encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    before = psutil.Process().memory_info().rss
    answer = await door.raw(start.encode(), *[chunk] * 26, b"0\r\n\r\n")
    await door.refuses(answer, 413, "too_large")
    assert psutil.Process().memory_info().rss - before < 120 * MIB


async def test_chunked_without_end(door: Door) -> None:
    head = "".join(f"{k}: {v}\r\n" for k, v in good().headers.items())
    start = f"POST /webhooks/github HTTP/1.1\r\nhost: x\r\n{head}transfer-encoding: chunked\r\n\r\n"
    answer = await door.raw(start.encode(), b"5\r\nhello\r\n")
    assert answer.headers[b"connection"] == b"close"
    await door.refuses(answer, 408, "too_slow")


async def test_a_client_that_leaves_half_way_is_only_counted(door: Door) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = "".join(f"{k}: {v}\r\n" for k, v in good().headers.items())
    writer.write(
        f"POST /webhooks/github HTTP/1.1\r\nhost: x\r\n{head}content-length: 99\r\n\r\nab".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await door.still_open()


async def test_a_flood_of_refusals_leaves_the_memory_flat(door: Door) -> None:
    forged, body = good(secret="wrong wrong wrong"), b"x" * 200_000
    long = signed_request("github", body, "wrong", event="ping", delivery_id="d-2")

    async def flood(times: int) -> None:
        for _ in range(times):
            for signed in (forged, long):
                answer = await door.caller.http.post(
                    signed.path, content=signed.body, headers=signed.headers
                )
                assert answer.status_code == 401

    await flood(30)
    before = psutil.Process().memory_info().rss
    await flood(150)
    assert psutil.Process().memory_info().rss - before < 16 * MIB
    await door.still_open()


# --- what shape ---


WRONG: tuple[tuple[dict[str, str | None], int, str], ...] = (
    ({"content-type": "text/plain"}, 415, "unsupported_media_type"),
    ({"content-type": ""}, 415, "unsupported_media_type"),
    ({"content-type": "application/jsonp"}, 415, "unsupported_media_type"),
    ({"content-encoding": "gzip"}, 415, "unsupported_media_type"),
    ({"content-encoding": "br, gzip"}, 415, "unsupported_media_type"),
    ({"x-github-event": ""}, 400, "malformed_event"),
    ({"x-github-event": None}, 400, "malformed_event"),
    ({"x-github-event": "../../etc"}, 400, "malformed_event"),
    ({"x-github-event": "x" * 65}, 400, "malformed_event"),
    ({"x-github-event": "PUSH"}, 400, "malformed_event"),
    ({"x-github-delivery": None}, 400, "malformed_delivery_id"),
    ({"x-github-delivery": "a b"}, 400, "malformed_delivery_id"),
    ({"x-github-delivery": "x" * 129}, 400, "malformed_delivery_id"),
    ({"x-github-hook-id": "one"}, 400, "malformed_delivery_id"),
)


async def test_wrong_headers(door: Door) -> None:
    signed = good()
    for change, status, code in WRONG:
        kept = without(signed.headers, *change)
        headers = kept | {name: value for name, value in change.items() if value is not None}
        await door.refuses(await door.send(headers, signed.body), status, code)


async def test_a_gzip_bomb_is_not_unpacked(door: Door) -> None:
    bomb = gzip.compress(b"0" * 50 * MIB)
    signed = good(bomb)
    answer = await door.send(signed.headers | {"content-encoding": "gzip"}, bomb)
    await door.refuses(answer, 415, "unsupported_media_type")


async def test_a_header_sent_twice(door: Door) -> None:
    signed = good()
    for name in ("content-type", "x-github-event", "x-hub-signature-256"):
        pairs = [*signed.headers.items(), (name, signed.headers[name])]
        await door.refuses(await door.send(pairs, signed.body), 400, "duplicate_header")


NOWHERE = (
    ("/webhooks/gitea", "unknown_provider"),
    ("/webhooks/", "unknown_provider"),
    ("/webhooks/../api/jobs", "unknown_provider"),
    ("/webhooks/%00", "unknown_provider"),
    ("/webhooks/" + "x" * 20_000, "unknown_provider"),
    ("/webhooks/github%2f", "unknown_source"),
    ("/webhooks/jira", "unknown_source"),
    ("/webhooks/github/other", "unknown_source"),
    ("/webhooks/github/", "unknown_source"),
)


async def test_unknown_addresses(door: Door) -> None:
    signed = good()
    for path, code in NOWHERE:
        answer = await door.send(signed.headers, signed.body, line=f"POST {path} HTTP/1.1")
        await door.refuses(answer, 404, code, "unknown")


async def test_other_methods(door: Door) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = await door.send(good().headers, line=f"{method} /webhooks/github HTTP/1.1")
        assert answer.headers[b"allow"] == b"POST"
        await door.refuses(answer, 405, "method_not_allowed")


async def test_a_crowd_of_headers(door: Door) -> None:
    signed = good()
    flood = [*signed.headers.items(), *((f"a-{n}", "x" * 90) for n in range(1_000))]
    await door.refuses(await door.send(flood, signed.body), 431, "head_too_large", "unknown")


async def test_one_header_of_a_megabyte(door: Door) -> None:
    before = psutil.Process().memory_info().rss
    answer = await door.send(good().headers | {"x-long": "x" * MIB})
    assert answer.status in (431, 0)
    await door.still_open()
    assert psutil.Process().memory_info().rss - before < 30 * MIB


async def test_a_header_without_end_is_cut_off(door: Door) -> None:
    parts = [b"x" * 16_384] * 40
    answer = await door.raw(b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\nx-long: ", *parts)
    assert answer.status in (431, 0)
    await door.still_open()


async def test_an_absurd_query_changes_nothing(door: Door) -> None:
    signed = good()
    line = f"POST /webhooks/github?{'a=b&' * 10_000}%00=%ff HTTP/1.1"
    answer = await door.send(without(signed.headers, "x-hub-signature-256"), signed.body, line=line)
    await door.refuses(answer, 401, "missing_signature")


async def test_an_older_http_is_answered_all_the_same(door: Door) -> None:
    signed = good(secret="wrong wrong wrong")
    answer = await door.send(signed.headers, signed.body, line="POST /webhooks/github HTTP/1.0")
    await door.refuses(answer, 401, "bad_signature")


NO_HTTP = (
    b"\x00" * 100,
    b"\r\n\r\n\r\nnonsense\r\n\r\n",
    b"POST /webhooks/github HTTP/9.9\r\nhost: x\r\n\r\n",
    b"POST /webhooks/github HTTP/1.1\r\nho\x00st: x\r\n\r\n",
    b"POST /webhooks/github HTTP/1.1\r\nhost: x\x00y\r\n\r\n",
    b"POST /webhooks/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


async def test_what_is_no_http_is_a_problem_too(door: Door) -> None:
    for raw in NO_HTTP:
        answer = await door.raw(raw, half_close=True)
        assert 400 <= answer.status < 500 or answer.status == 0, raw
        if answer.status:
            assert answer.code()
        await door.still_open()


# --- signed, and still unusable ---


UNREADABLE = (
    (b'{"zen": "\xff\xfe"}', "not_utf8"),
    (b'{"zen": \x00}', "malformed_json"),
    (b'{"zen": "x", ', "malformed_json"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too_deep"),
    (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
)


async def test_a_signed_body_nobody_can_read_ends_dead_with_its_reason(door: Door) -> None:
    yard, ended = door.caller.yard, asyncio.Event()
    yard.endings.listeners.append(lambda *_: ended.set())
    await yard.start_working()
    for number, (body, code) in enumerate(UNREADABLE):
        ended.clear()
        signed = signed_request("github", body, SECRET, event="ping", delivery_id=f"u-{number}")
        answer = await door.send(signed.headers, signed.body)
        assert answer.status == 202
        await asyncio.wait_for(ended.wait(), 20)
        delivery_id = json.loads(answer.body)["delivery_id"]
        shown = (await door.caller.get(f"/api/deliveries/{delivery_id}")).json()
        assert shown["status"] == DeliveryStatus.DEAD
        assert shown["reason"].startswith(f"{code}: ")
        assert [job["state"] for job in shown["jobs"]] == ["dead"]


# --- anything at all ---


def sentences() -> st.SearchStrategy[bytes]:
    """Requests that look a little like webhooks, and bytes that do not."""
    name = st.sampled_from(
        ["content-type", "x-github-event", "x-hub-signature-256", "x-github-delivery",
         "transfer-encoding", "content-length", "expect", "connection", "x-slack-signature",
         "content-encoding", "cookie", "upgrade"]
    )  # fmt: skip
    value = st.one_of(
        st.sampled_from(
            ["application/json", "chunked", "ping", "sha256=" + "a" * 64, "5", "100-continue",
             "upgrade", "websocket", "close", "gzip", "1, 1"]
        ),
        st.text(st.characters(max_codepoint=255), max_size=40),
    )  # fmt: skip
    method = st.sampled_from(["POST", "GET", "PUT", "HEAD", "TRACE", "CONNECT", "post"])
    path = st.one_of(
        st.sampled_from(["/webhooks/github", "/webhooks/slack", "/webhooks/standard", "*"]),
        st.text(st.characters(max_codepoint=255), max_size=30).map("/webhooks/".__add__),
    )
    version = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", ""])

    def build(parts: tuple[str, str, str, list[tuple[str, str]], bytes]) -> bytes:
        method, path, version, headers, body = parts
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers)
        return f"{method} {path} {version}\r\nhost: x\r\n{lines}\r\n".encode("latin-1") + body

    pairs = st.lists(st.tuples(name, value), max_size=6)
    request = st.tuples(method, path, version, pairs, st.binary(max_size=60)).map(build)
    return st.one_of(request, st.binary(min_size=1, max_size=200))


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_no_bytes_without_a_signature_cause_a_server_error(
    tmp_path: Path, runner: asyncio.Runner
) -> None:
    """200 requests on one running door; hypothesis drives it from outside its event loop."""

    async def begin() -> tuple[Yard, serving, Door]:
        made = await make_yard(tmp_path, {})
        around = serving(made, deadline_s=0.2)
        return made, around, Door(await around.__aenter__())

    made, around, door = runner.run(begin())

    @settings(
        max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(sentences())
    def knock(raw: bytes) -> None:
        answer = runner.run(door.raw(raw, half_close=True))
        assert answer.status < 500, (raw, answer.raw)

    async def end() -> None:
        assert await door.caller.page("/api/deliveries") == []
        await door.still_open()
        await around.__aexit__()
        await made.close()

    try:
        knock()
    finally:
        runner.run(end())
