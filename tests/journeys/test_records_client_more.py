"""The clients of records against a whole server: searches, imports, exports, the feed's readers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from hookyard.client import feeds
from hookyard.client.bulk import MAX_LINES
from hookyard.client.calls import How, Query
from hookyard.client.changes import Change
from hookyard.client.changes_async import AsyncChangeReader
from hookyard.client.records import Records
from hookyard.client.records_async import AsyncRecords
from hookyard.client.search import Search
from hookyard.client.transport import Conflicting, InvalidRequest, NoAnswer
from tests.journeys.background import Background
from tests.journeys.conftest import ADMIN, Caller
from tests.journeys.test_records_client import Losing


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Background]:
    with Background(tmp_path, {"HOOKYARD_SUBSCRIBERS_ALLOW": "127.0.0.1:9"}) as found:
        yield found


def axis(number: int) -> list[float]:
    return [1.0 if n == number else 0.0 for n in range(1536)]


def people(count: int) -> list[dict[str, object]]:
    return [{"userId": f"u{n:05}", "displayName": f"Person {n}"} for n in range(count)]


def test_a_search_finds_the_nearest_first(server: Background) -> None:
    with Records(server.address, ADMIN) as records:
        for n in range(3):
            records.create("memories", {"content": f"m{n}", "embedding": axis(n)})
        found = records.search("memories", Search(axis(1), k=2, select=("content",)))
        assert (found.field, found.metric, found.exact) == ("embedding", "cosine", True)
        assert (found.items[0].score, found.items[0].record["content"]) == (1.0, "m1")
        assert len(found.items) == 2
        asked = Search(axis(1), where={"content": "m2"}, metric="l2", threshold=9.0)
        (only,) = records.search("memories", asked).items
        assert only.record["content"] == "m2"
        assert only.score == pytest.approx(2**0.5)
        with pytest.raises(InvalidRequest) as refused:
            records.search("memories", Search([1.0]))
        assert refused.value.pointer == "/vector"


def test_many_records_go_in_and_come_out_again(server: Background) -> None:
    count = 2 * MAX_LINES + 10
    with Records(server.address, ADMIN) as records:
        report = records.load("users", iter(people(count)), how=How(dry_run=True))
        assert (report.lines, report.created) == (count, count)
        assert records.page("users", Query(count=True)).count == 0
        given = people(count)
        given[MAX_LINES + 1] = {"nope": 1}
        report = records.load("users", iter(given), how=How(key="all"))
        assert (report.lines, report.created, report.failed) == (count, count - 1, 1)
        (problem,) = report.problems
        assert (problem.line, problem.code, problem.pointer) == (
            MAX_LINES + 2, "unknown_field", "/nope",
        )  # fmt: skip
        again = records.load("users", given, how=How(key="all"))
        assert (again.replayed, again.created) == (count, count - 1)
        merged = records.load("users", [{"userId": "u00001", "kind": "agent"}], "upsert")
        assert (merged.updated, merged.created) == (1, 0)
        given[MAX_LINES] = {"userId": "other"}
        with pytest.raises(Conflicting) as refused:
            records.load("users", given, how=How(key="all"))
        assert refused.value.code == "idempotency_mismatch"
        assert refused.value.facts["line"] == MAX_LINES + 1
        assert [one["userId"] for one in records.export("users", {"kind": "agent"})] == ["u00001"]
        out = list(records.export("users", select=("userId",)))
        assert len(out) == count - 1
        assert out[0] == {"userId": "u00000"}
        with pytest.raises(InvalidRequest):
            next(records.export("users", {"nope": 1}))


def test_an_import_whose_answer_is_lost_is_done_once(server: Background) -> None:
    losing = Losing()
    with httpx2.Client(transport=losing) as http:
        records = Records(server.address, ADMIN, http=http, sleep=lambda _: None)
        report = records.load("users", people(5))
    assert (report.lines, report.created, report.replayed) == (5, 5, 5)
    assert list(losing.seen.values()) == [2]


def test_consumers_and_subscriptions_are_looked_after(server: Background) -> None:
    with Records(server.address, ADMIN) as records:
        records.create("users", {"userId": "u"})
        made = records.run(
            feeds.subscribe(url="http://127.0.0.1:9/in", entities=["users"], after=0, role="viewer")
        )
        assert made.secret.startswith("whsec_")
        assert made.secret not in repr(made)
        shown = records.run(feeds.subscription(made.id))
        assert (shown.url, shown.entities, shown.lag, shown.secret) == (
            "http://127.0.0.1:9/in", ["users"], 1, "",
        )  # fmt: skip
        paused = records.run(feeds.change(made.id, state="paused", name="mirror", entities=[]))
        assert (paused.state, paused.name, paused.entities) == ("paused", "mirror", [])
        assert records.run(feeds.rotate(made.id, overlap_s=60)) not in ("", made.secret)
        assert list(records.run(feeds.undelivered(made.id))) == []
        with pytest.raises(InvalidRequest):
            records.run(feeds.replay(made.id, 1, 1))
        assert [one.id for one in records.run(feeds.subscriptions())] == [made.id]
        records.run(feeds.unsubscribe(made.id))
        assert list(records.run(feeds.subscriptions())) == []
        assert list(records.run(feeds.consumers())) == []


async def test_the_client_of_an_event_loop_does_the_same(client: Caller) -> None:
    async def given() -> AsyncIterator[dict[str, object]]:
        for one in people(MAX_LINES + 1):
            yield one

    address = str(client.http.base_url)
    async with AsyncRecords(address, ADMIN) as records:
        report = await records.load("users", given(), how=How(key="k"))
        assert (report.lines, report.created) == (MAX_LINES + 1, MAX_LINES + 1)
        again = await records.load("users", people(MAX_LINES + 1), how=How(key="k"))
        assert again.replayed == MAX_LINES + 1
        out = [one async for one in records.export("users", select=["userId"])]
        assert [one["userId"] for one in out] == [f"u{n:05}" for n in range(MAX_LINES + 1)]
        with pytest.raises(InvalidRequest):
            await anext(records.export("users", {"nope": 1}))
        await records.create("memories", {"content": "m", "embedding": axis(0)})
        found = await records.search("memories", Search(axis(0)))
        assert [one.record["content"] for one in found.items] == ["m"]
        assert list(await records.run(feeds.subscriptions())) == []


async def test_a_reader_on_an_event_loop_does_each_change_and_acknowledges(client: Caller) -> None:
    address = str(client.http.base_url)
    async with AsyncRecords(address, ADMIN) as records:
        await records.load("users", people(5))
        stop, done = asyncio.Event(), list[Change]()

        async def work(change: Change) -> None:
            done.append(change)
            if change.aggregateid == "late":
                stop.set()

        async with AsyncChangeReader(
            address, ADMIN, consumer="index", entities=["users"], limit=2, wait_s=20
        ) as reader:
            await reader.create()
            await reader.create()
            running = asyncio.create_task(reader.run(work, stop))
            await records.create("users", {"userId": "late"})
            await asyncio.wait_for(running, 60)
        assert [one.seq for one in done] == [1, 2, 3, 4, 5, 6]
        index = await records.run(feeds.consumer("index"))
        assert (index.acked, index.lag) == (6, 0)
        await records.run(feeds.drop_consumer("index"))
        assert list(await records.run(feeds.consumers())) == []


def test_an_export_that_is_cut_off_is_no_end() -> None:
    def cut() -> Iterator[bytes]:
        yield b'{"userId":"a"}\n'
        raise httpx2.ReadError("gone")

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=cut())

    with httpx2.Client(transport=httpx2.MockTransport(handle)) as http:
        lines = Records("http://test", "t", http=http).export("users")
        assert next(lines) == {"userId": "a"}
        with pytest.raises(NoAnswer):
            next(lines)
