"""Records at the front door: the life of a record, lists, keys, transactions, the feed."""

import asyncio
from dataclasses import dataclass

import httpx2

from tests.journeys.conftest import Caller


@dataclass
class Door:
    """Speaks /v1 as one caller."""

    caller: Caller

    async def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        sent = {"authorization": f"Bearer {self.caller.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.caller.http.request(method, path, json=body, headers=sent)


async def test_a_record_from_its_making_to_its_end(client: Caller) -> None:
    door = Door(client)
    made = await door.call("POST", "/v1/users", {"userId": "user-001", "displayName": "A"})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/v1/users/user-001"
    assert made.json()["kind"] == "person"
    found = await door.call("GET", "/v1/users/user-001")
    assert found.json() == made.json()
    assert found.headers["etag"] == made.headers["etag"]
    changed = await door.call(
        "PATCH", "/v1/users/user-001", {"displayName": "B", "meta": {"a": {"b": 1}}},
        if_match=found.headers["etag"],
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    merged = await door.call("PATCH", "/v1/users/user-001", {"meta": {"a": {"c": 2}}})
    assert merged.json()["meta"] == {"a": {"b": 1, "c": 2}}
    stale = await door.call(
        "PATCH", "/v1/users/user-001", {"displayName": "C"}, if_match=found.headers["etag"]
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    again = await door.call("POST", "/v1/users", {"userId": "user-001"})
    assert (again.status_code, again.json()["code"]) == (409, "id_taken")
    put = await door.call("PUT", "/v1/users/user-001", {"displayName": "D"})
    assert put.status_code == 200
    assert put.json()["meta"] is None
    assert (await door.call("DELETE", "/v1/users/user-001")).status_code == 204
    assert (await door.call("GET", "/v1/users/user-001")).status_code == 404
    restored = await door.call("POST", "/v1/users/user-001/_restore")
    assert restored.status_code == 200, restored.text
    assert restored.json()["displayName"] == "D"
    feed = (await door.call("GET", "/v1/_changes?after=0")).json()
    assert [one["type"] for one in feed["items"]] == [
        "created", "updated", "updated", "updated", "deleted", "restored",
    ]  # fmt: skip
    assert [one["seq"] for one in feed["items"]] == [1, 2, 3, 4, 5, 6]
    assert feed["items"][1]["payload"]["before"]["displayName"] == "A"
    assert feed["items"][1]["payload"]["after"]["displayName"] == "B"
    trail = await client.page("/api/admin/audit")
    about = [line for line in reversed(trail) if str(line["target"]).startswith("users/")]
    assert [line["action"] for line in about] == [
        "records.create", "records.update", "records.update", "records.replace", "records.delete",
        "records.restore",
    ]  # fmt: skip


async def test_a_key_makes_one_effect(client: Caller) -> None:
    door = Door(client)
    answers = await asyncio.gather(
        *(
            door.call("POST", "/v1/conversations", {"title": "T"}, idempotency_key="k-1")
            for _ in range(100)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("x-idempotent-replay" not in answer.headers for answer in answers) == 1
    listed = await door.call("GET", "/v1/conversations?count=true")
    assert listed.json()["count"] == 1
    other = await door.call("POST", "/v1/conversations", {"title": "U"}, idempotency_key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_lists_filter_order_select_include_and_page(client: Caller) -> None:
    door = Door(client)
    for n in range(7):
        body = {"conversationId": f"c{n}", "title": None if n == 3 else f"Title {n % 3}"}
        assert (await door.call("POST", "/v1/conversations", body)).status_code == 201
        for m in range(n):
            said = {"conversationId": f"c{n}", "content": f"m{m}", "messageId": f"m{n}-{m}"}
            assert (await door.call("POST", "/v1/messages", said)).status_code == 201
    some = '{"messages":{"some":{"content":{"contains":"M5","mode":"insensitive"}}}}'
    found = (await door.call("GET", f"/v1/conversations?where={some}")).json()
    assert [one["id"] for one in found["items"]] == ["c6"]
    order = '[{"title":{"sort":"asc","nulls":"first"}},{"createdAt":"desc"}]'
    seen: list[str] = []
    cursor = ""
    while True:
        page = await door.call("GET", f"/v1/conversations?orderBy={order}&limit=2{cursor}")
        assert page.status_code == 200, page.text
        seen += [one["id"] for one in page.json()["items"]]
        if page.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert seen[0] == "c3"
    assert sorted(seen) == [f"c{n}" for n in range(7)]
    tampered = await door.call("GET", f"/v1/conversations?orderBy={order}&limit=2{cursor[:-1]}A")
    assert (tampered.status_code, tampered.json()["code"]) == (400, "bad_cursor")
    include = (
        '{"messages":{"take":2,"orderBy":{"messageId":"desc"},"select":["content"],'
        '"include":{"conversation":true}}}'
    )
    whole = (await door.call("GET", f"/v1/conversations/c5?include={include}")).json()
    assert [one["content"] for one in whole["messages"]] == ["m4", "m3"]
    assert whole["messages"][0]["conversation"]["id"] == "c5"
    wrong = await door.call("GET", '/v1/conversations?where={"messages":{"some":{"x":1}}}')
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknown_field")
    assert wrong.json()["pointer"] == "/where/messages/some/x"


async def test_operations_go_together_or_not_at_all(client: Caller) -> None:
    door = Door(client)
    operations = [
        {"op": "create", "entity": "conversations", "data": {"title": "X"}},
        {
            "op": "create",
            "entity": "messages",
            "data": {"conversationId": {"$ref": "0/conversationId"}, "content": "hi"},
        },
        {"op": "update", "entity": "conversations", "id": {"$ref": "0/id"}, "data": {"title": "Y"}},
    ]
    done = await door.call("POST", "/v1/_transact", {"operations": operations}, idempotency_key="t")
    assert done.status_code == 200, done.text
    results = done.json()["results"]
    assert results[1]["record"]["conversationId"] == results[0]["id"]
    assert results[2]["record"]["title"] == "Y"
    bad = [*operations, {"op": "delete", "entity": "users", "id": "nobody"}]
    refused = await door.call("POST", "/v1/_transact", {"operations": bad})
    assert (refused.status_code, refused.json()["pointer"]) == (404, "/operations/3")
    assert (await door.call("GET", "/v1/conversations?count=1")).json()["count"] == 1
