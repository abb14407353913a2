"""The Python clients of records against a whole server, each doing the same."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from hookyard.client.calls import How, Query, operation, ref
from hookyard.client.records import Records
from hookyard.client.records_async import AsyncRecords
from hookyard.client.transport import Changed, Conflicting, InvalidRequest, Missing, NotAllowed
from tests.journeys.background import Background
from tests.journeys.conftest import ADMIN, Caller


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with Background(tmp_path_factory.mktemp("client")) as found:
        yield found


class Losing(httpx2.BaseTransport):
    """Sends each request on, and loses its first answer."""

    def __init__(self) -> None:
        self.inner = httpx2.HTTPTransport(trust_env=False)
        self.seen: dict[str, int] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        name = request.headers.get("idempotency-key", "")
        self.seen[name] = self.seen.get(name, 0) + 1
        if name and self.seen[name] == 1:
            answer.close()
            raise httpx2.ReadError("the answer was lost")
        return answer

    def close(self) -> None:
        self.inner.close()


def test_every_call_of_the_blocking_client(server: Background) -> None:
    with Records(server.address, ADMIN, tenant="default") as records:
        made = records.create("users", {"userId": "u1", "displayName": "Ada"})
        assert (made.id, made["displayName"], made.replayed) == ("u1", "Ada", False)
        assert records.get("users", "u1") == made
        changed = records.update("users", "u1", {"kind": "agent"}, How(if_match=made.revision))
        assert changed.revision != made.revision
        with pytest.raises(Changed) as refused:
            records.update("users", "u1", {"kind": "person"}, How(if_match=made.revision))
        assert refused.value.code == "precondition_failed"
        with pytest.raises(Conflicting) as taken:
            records.create("users", {"userId": "u1"})
        assert (taken.value.code, taken.value.pointer) == ("id_taken", "/userId")
        with pytest.raises(InvalidRequest) as wrong:
            records.create("users", {"nope": 1})
        assert (wrong.value.code, wrong.value.pointer) == ("unknown_field", "/nope")
        assert records.replace("users", "u1", {"displayName": "B"})["kind"] == "person"
        assert records.upsert("users", "u2", {"displayName": "C"}).id == "u2"
        assert records.upsert("users", "u2", {"email": "c@example.com"})["displayName"] == "C"
        rehearsed = records.update("users", "u2", {"displayName": "D"}, How(dry_run=True))
        assert rehearsed["displayName"] == "D"
        assert records.get("users", "u2")["displayName"] == "C"
        records.delete("users", "u1")
        with pytest.raises(Missing):
            records.get("users", "u1")
        assert records.restore("users", "u1").id == "u1"
        assert records.create("users", {"userId": "u3"}, How(key="k")).replayed is False
        assert records.create("users", {"userId": "u3"}, How(key="k")).replayed is True


def test_lists_ids_of_parts_and_transactions(server: Background) -> None:
    with Records(server.address, ADMIN) as records:
        done = records.transact(
            [
                operation("create", "conversations", data={"title": "T"}),
                *(
                    operation("create", "messages", data={
                        "conversationId": ref(0, "conversationId"), "content": f"m{n}"})
                    for n in range(7)
                ),
            ]
        )  # fmt: skip
        assert [one.status for one in done] == [201] * 8
        asked = Query(where={"conversationId": done[0].id}, order_by={"content": "asc"}, limit=3)
        said = [one["content"] for one in records.iterate("messages", asked)]
        assert said == [f"m{n}" for n in range(7)]
        page = records.page("messages", Query(limit=2, count=True, select=("content",)))
        assert (len(page.items), page.count) == (2, 7)
        whole = records.get("conversations", done[0].id, Query(include={"messages": True}))
        assert len(whole.fields["messages"]) == 7  # type: ignore[arg-type]
        parts = ("a:b", "50%", "c/d")
        state = records.replace("agent-shared-states", parts, {"state": {"n": 1}})
        assert records.get("agent-shared-states", parts)["agentName"] == "a:b"
        assert state.id == "a%3Ab:50%25:c%2Fd"
        assert records.upsert("agent-shared-states", parts, {"state": {"m": 2}})["state"] == {
            "n": 1, "m": 2,
        }  # fmt: skip
        many = records.update_many(
            "messages", {"content": {"in": ["m1", "m2"]}}, {"role": "tool"}, 9
        )
        assert many.count == 2
        assert records.delete_many("messages", {"role": "tool"}, 9).count == 2


def test_a_lost_answer_is_one_effect(server: Background) -> None:
    losing = Losing()
    with httpx2.Client(transport=losing) as http:
        records = Records(server.address, ADMIN, http=http, sleep=lambda _: None)
        made = records.create("users", {"displayName": "once"})
        assert made.replayed
        records.update("users", made.id, {"displayName": "twice"})
        records.delete("users", made.id)
    assert sorted(losing.seen.values()) == [2, 2, 2]
    feed = httpx2.get(
        f"{server.address}/v1/_changes",
        headers={"authorization": f"Bearer {ADMIN}"},
        trust_env=False,
    ).json()
    types = [one["type"] for one in feed["items"] if one["aggregateid"] == made.id]
    assert types == ["created", "updated", "deleted"]


async def test_the_client_of_an_event_loop_does_the_same(client: Caller) -> None:
    address = str(client.http.base_url)
    async with AsyncRecords(address, ADMIN) as records:
        await asyncio.gather(
            *(records.create("users", {"userId": f"u{n}"}, How(key=f"k{n % 5}")) for n in range(5))
        )
        asked = Query(limit=2, order_by={"userId": "asc"})
        assert [one.id async for one in records.iterate("users", asked)] == [
            f"u{n}" for n in range(5)
        ]
        found = await records.get("users", "u1")
        found = await records.update("users", "u1", {"kind": "agent"}, How(if_match=found.revision))
        assert found["kind"] == "agent"
        assert (await records.replace("users", "u9", {})).id == "u9"
        assert (await records.upsert("users", "u9", {"displayName": "x"}))["displayName"] == "x"
        await records.delete("users", "u9")
        assert (await records.restore("users", "u9")).id == "u9"
        assert (await records.update_many("users", {"id": "u9"}, {"kind": "service"}, 1)).ids == [
            "u9"
        ]
        assert (await records.delete_many("users", {"kind": "service"}, 5)).count == 1
        assert (await records.page("users", Query(count=True))).count == 5
    async with AsyncRecords(address, "not-a-token") as strange:
        with pytest.raises(NotAllowed) as refused:
            await strange.get("users", "u1")
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")
