"""Clients ask again when that does nothing twice, and only then."""

import json

import httpx2
import pytest

from hookyard.client import calls
from hookyard.client.calls import PLAIN, How, Query
from hookyard.client.records import Records
from hookyard.client.transport import (
    Asking,
    Changed,
    Conflicting,
    InvalidRequest,
    Missing,
    NoAnswer,
    NotAllowed,
    Overloaded,
    Problem,
    Request,
    refusal,
    wait_before,
)

GET = Request("GET", "/v1/users")
BARE = Request("POST", "/v1/users")
KEYED = Request("POST", "/v1/users", headers={"idempotency-key": "k"})


def told(status: int, code: str = "x", **more: object) -> Problem:
    return refusal(status, json.dumps({"code": code, "detail": "d", **more}).encode())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidRequest), (401, NotAllowed), (403, NotAllowed), (404, Missing), (410, Missing),
     (409, Conflicting), (422, Conflicting), (412, Changed), (429, Overloaded), (503, Overloaded),
     (418, Problem)],
)  # fmt: skip
def test_a_refusal_is_an_exception_with_code_and_pointer(status: int, kind: type[Problem]) -> None:
    found = told(status, "some_code", pointer="/title")
    assert type(found) is kind
    assert (found.status, found.code, found.pointer) == (status, "some_code", "/title")
    assert "some_code (/title): d" in str(found)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'"x"'])
def test_a_refusal_of_something_else_has_no_code(body: bytes) -> None:
    assert refusal(502, body).code == ""


def test_what_may_be_sent_again_and_when() -> None:
    busy, taken = told(409, "idempotency_in_progress"), told(409, "id_taken")
    for request in (GET, KEYED):
        assert wait_before(request, 1, None, "", 1.0) == 0.5
        assert wait_before(request, 3, told(503), "", 0.0) == 1.0
        assert wait_before(request, 99, told(503), "", 1.0) == 30.0
        assert wait_before(request, 1, told(429), "7", 0.0) == 7.0
        assert wait_before(request, 1, told(429), "9" * 30, 0.0) == 30.0
        assert wait_before(request, 1, busy, "1", 0.0) == 1.0
        for final in (taken, told(400), told(404), told(412), told(500)):
            assert wait_before(request, 1, final, "1", 0.0) is None
    for refused in (None, told(503), busy):
        assert wait_before(BARE, 1, refused, "1", 0.0) is None


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key() -> None:
    keys: list[str] = []
    slept: list[float] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx2.ReadError("gone")
        if len(keys) == 2:
            return httpx2.Response(503, headers={"retry-after": "2"}, json={"code": "unavailable"})
        body = {"id": "u", "revision": "r"}
        return httpx2.Response(201, headers={"etag": '"r"'}, json=body)

    with httpx2.Client(transport=httpx2.MockTransport(handle)) as http:
        records = Records("http://server/", "token", http=http, sleep=slept.append)
        made = records.create("users", {})
    assert (made.id, made.revision, len(keys), len(set(keys))) == ("u", "r", 3, 1)
    assert 2.0 <= slept[1] <= 2.1


def test_what_is_no_success_is_no_answer() -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"location": "https://login", "retry-after": "soon"})

    with httpx2.Client(transport=httpx2.MockTransport(handle)) as http:
        with pytest.raises(Problem) as refused:
            Records("http://server", "t", http=http).get("users", "u")
        assert (refused.value.status, refused.value.after_s) == (302, None)


def test_an_answer_that_cannot_be_read_is_none() -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(b"{}")
        )

    with (
        httpx2.Client(transport=httpx2.MockTransport(handle)) as http,
        pytest.raises(NoAnswer, match="2 attempts"),
    ):
        Records("http://server", "t", http=http, attempts=2, sleep=lambda _: None).get("users", "u")


def test_attempts_end() -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no")

    slept: list[float] = []
    with httpx2.Client(transport=httpx2.MockTransport(handle)) as http:
        records = Records("http://server", "t", http=http, attempts=3, sleep=slept.append)
        with pytest.raises(NoAnswer, match="3 attempts"):
            records.get("users", "u")
        assert len(slept) == 2
        with pytest.raises(NoAnswer, match="1 attempts"):
            records.create("users", {}, How(key=""))


def test_requests_are_what_the_gateway_takes() -> None:
    assert calls.path_of("users", "a b/50%:x") == "/v1/users/a%20b%2F50%25:x"
    assert calls.path_of("states", ("a:b", "50%", "c")) == "/v1/states/a%3Ab:50%25:c"
    assert calls.id_text(("a:b", "é", "c")) == "a%3Ab:%C3%A9:c"
    made = calls.write("PATCH", "/p", {"a": "é"}, How("k", if_match="r1", dry_run=True), str)
    assert made.request == Request(
        "PATCH", "/p", {"dry_run": "true"}, {"idempotency-key": "k", "if-match": '"r1"'},
        '{"a":"é"}'.encode(),
    )  # fmt: skip
    asked = Query(where={"a": 1}, order_by={"a": "asc"}, select=("a",), count=True, limit=3)
    assert asked.params("c") == {
        "where": '{"a":1}', "orderBy": '{"a":"asc"}', "select": '["a"]', "limit": "3",
        "count": "true", "cursor": "c",
    }  # fmt: skip
    step = calls.operation("update", "users", calls.ref(0, "userId"), {"a": 1}, "r")
    assert step == {
        "op": "update", "entity": "users", "id": {"$ref": "0/userId"}, "data": {"a": 1},
        "ifMatch": "r",
    }  # fmt: skip
    keyed = calls.delete("users", "u", PLAIN, lambda: "fresh").request
    assert keyed.headers == {"idempotency-key": "fresh"}
    assert "token" not in repr(GET)


def test_a_token_is_sent_and_a_tenant_where_named() -> None:
    assert Asking({"authorization": "Bearer t"}).of(BARE) == {"authorization": "Bearer t"}
