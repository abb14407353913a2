"""What strangers and clumsy clients send to the API: a problem, never a 5xx, nothing changed."""

import asyncio
import base64
import itertools
import json

import httpx2

from hookyard.bootstrap import Yard
from hookyard.kit.pages import encode_cursor
from tests.journeys.conftest import ADMIN, Caller, serving

LISTS = (
    "/api/deliveries", "/api/deliveries/rejections", "/api/jobs", "/api/effects", "/api/repos",
    "/api/repos/octo/garden/issues", "/api/admin/keys", "/api/admin/audit",
)  # fmt: skip
AUTH = {"authorization": f"Bearer {ADMIN}"}


def _is_problem(answer: httpx2.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert code is None or body["code"] == code


def _raw(value: object) -> str:
    """A cursor that decodes to this."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


CURSORS = (
    "x", "%%%", "é", "A" * 1024, _raw([]), _raw([None]), _raw({"a": 1}), _raw([1, 2, 3, 4]),
    _raw(["\ud800"]), _raw(["a\u0000b"]), _raw([2**70]), _raw(["\ud800", 1]),
    _raw(["\u0000", 2**63]), _raw([2**63, "a", "b"]), _raw([1, "\u0000", "b"]), _raw([True]),
)  # fmt: skip


async def test_bad_cursor_is_refused(client: Caller) -> None:
    for path in LISTS:
        for cursor in (*CURSORS, "A" * 5_000):
            _is_problem(await client.get(path, cursor=cursor), 400)


async def test_limit_must_be_a_number_from_1_on(client: Caller) -> None:
    for path in LISTS:
        for limit in ("0", "-1", "1e9", "NaN", "x", "", "0x10", "1" * 5_000):
            _is_problem(await client.get(path, limit=limit), 400)


def _filters(client: Caller, path: str) -> list[str]:
    """The query parameters a list is documented to take, but for the page's."""
    document = client.front.openapi["paths"]
    shown = document[path.replace("octo/garden", "{owner}/{repo}")]["get"]["parameters"]
    names = [item["name"] for item in shown if item["in"] == "query"]
    return [name for name in names if name not in ("cursor", "limit")]


async def test_strange_filters_find_nothing_and_break_nothing(client: Caller) -> None:
    values = ("%00", "%ff%fe", "%ed%a0%80", "%F0%9F%92%A9", "a'--", "%25", "x" * 4_000)
    tried = 0
    for path, value in itertools.product(LISTS, values):
        for name in _filters(client, path):
            answer = await client.http.get(f"{path}?{name}={value}", headers=AUTH)
            assert answer.status_code in (200, 400), (path, name, value, answer.text)
            assert answer.status_code == 400 or answer.json()["items"] == []
            tried += 1
    assert tried >= 20 * len(values)


async def test_strange_paths_are_not_found_or_refused(client: Caller) -> None:
    for path in (
        "/api/jobs/%00", "/api/jobs/%ff", "/api/jobs/..%2f..", "/api/deliveries/" + "a" * 5_000,
        "/api/repos/%00/%00", "/api/repos/octo/%2e%2e", "/api//jobs", "/API/jobs", "/api/jobs/",
        "/nowhere", "/%2e%2e/", "/api/repos/octo/garden/issues/99999999999999999999999999",
        "/api/repos/octo/garden/issues/-1", "/api/effects/ILOU0000000000000000000000",
    ):  # fmt: skip
        answer = await client.http.get(path, headers=AUTH)
        assert answer.status_code in (400, 404), path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_wrong_method_names_the_right_ones(client: Caller) -> None:
    answer = await client.http.put("/api/jobs", headers=AUTH, json={})
    _is_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


BODIES: tuple[bytes, ...] = (
    b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"\x00", b'{"kind":"\\u0000"}',
    b'{"kind":"\\ud800"}', b'{"kind":"a.b","priority":1e400}', b'{"kind":"a.b","priority":NaN}',
    b'{"kind":"a.b","priority":' + b"9" * 5_000 + b"}",
    b'{"kind":"a.b","payload":{"n":' + b"9" * 40 + b"}}",
    b'{"kind":"a.b","payload":' + b'{"a":' * 500 + b"1" + b"}" * 501,
    b"[" * 100_000, b'{"kind":"a.b","key":"a\\u0000b"}', b'{"kind":"a.b","run_at":"x"}',
    b'{"kind":"a.b","run_at":"0001-01-01T00:00:00"}', b'{"kind":"a.b","more":1}',
)  # fmt: skip


async def test_unusable_body_starts_nothing(client: Caller) -> None:
    headers = AUTH | {"content-type": "application/json"}
    for body in BODIES:
        answer = await client.http.post("/api/jobs", content=body, headers=headers)
        _is_problem(answer, 400)
    assert await client.page("/api/jobs") == []


async def test_odd_but_lawful_payloads_are_kept(client: Caller) -> None:
    headers = AUTH | {"content-type": "application/json; charset=utf-8"}
    for body, payload in (
        (b'{"kind":"a.b","payload":{"b\\u0000":"\\u0000"}}', {"b\x00": "\x00"}),
        (b'{"kind":"a.b","payload":{"n":9223372036854775807}}', {"n": 2**63 - 1}),
        (b'{"kind":"a.b","run_at":"9999-12-31T23:59:59Z"}', {}),
    ):
        made = await client.http.post("/api/jobs", content=body, headers=headers)
        assert made.status_code == 202, made.text
        shown = await client.get(f"/api/jobs/{made.json()['job_id']}")
        assert shown.json()["payload"] == payload


async def test_lone_surrogates_in_a_payload_break_nothing(client: Caller) -> None:
    headers = AUTH | {"content-type": "application/json"}
    body = b'{"kind":"a.b","payload":{"a":["\\ud800"]}}'
    made = await client.http.post("/api/jobs", content=body, headers=headers)
    assert made.status_code in (202, 400), made.text
    assert (await client.get("/api/jobs")).status_code == 200


async def test_body_that_is_not_json_by_its_type_is_refused(client: Caller) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "json", None):
        headers = AUTH | ({} if kind is None else {"content-type": kind})
        answer = await client.http.post("/api/jobs", content=b'{"kind":"a.b"}', headers=headers)
        _is_problem(answer, 415, "unsupported_media_type")
    assert await client.page("/api/jobs") == []


async def test_body_over_the_cap_is_refused_announced_or_not(client: Caller) -> None:
    headers = AUTH | {"content-type": "application/json"}
    large = b'{"kind":"a.b","key":"' + b"x" * (1 << 20) + b'"}'
    announced = await client.http.post("/api/jobs", content=large, headers=headers)
    _is_problem(announced, 413, "too_large")

    async def chunks() -> object:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    streamed = await client.http.post("/api/jobs", content=chunks(), headers=headers)
    _is_problem(streamed, 413, "too_large")
    assert await client.page("/api/jobs") == []


async def test_body_without_end_is_given_up(yard: Yard) -> None:
    async with serving(yard, deadline_s=0.3) as caller:
        port = caller.http.base_url.port
        for path in ("/api/jobs", "/webhooks/github"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN}\r\n"
                "content-type: application/json\r\nx-github-event: push\r\n"
                "x-github-delivery: 9f1c1c5e-0000-4000-8000-000000000000\r\n"
                f"x-hub-signature-256: sha256={'0' * 64}\r\n"
                'transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n'.encode()
            )
            await writer.drain()
            raw = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            assert raw.startswith(b"HTTP/1.1 408"), raw
            assert b'"code": "too_slow"' in raw
        assert caller.front.webhooks._budget.used == 0


async def test_good_cursor_of_another_list_does_no_harm(client: Caller) -> None:
    for path in LISTS:
        answer = await client.get(path, cursor=encode_cursor("01k0000000000000000000000z"))
        assert answer.status_code in (200, 400)
