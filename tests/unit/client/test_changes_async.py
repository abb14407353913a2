"""The reader of changes on an event loop, against a server that answers as it is told."""

import asyncio

import httpx2
import pytest

from hookyard.client.changes import Change, ChangesRefused, ChangesUnavailable
from hookyard.client.changes_async import AsyncChangeReader
from tests.unit.client.test_changes import Server


def reader(server: Server, **options: int) -> AsyncChangeReader:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
    return AsyncChangeReader("http://test/", "the-token", consumer="c", http=http, **options)


async def test_every_change_is_done_once_and_acknowledged_page_by_page() -> None:
    server, done, stop = Server(7), list[Change](), asyncio.Event()

    async def work(change: Change) -> None:
        done.append(change)
        if change.seq == 7:
            stop.set()

    await reader(server, limit=3).run(work, stop)
    assert [one.seq for one in done] == [1, 2, 3, 4, 5, 6, 7]
    assert server.acks == [3, 6, 7]
    assert server.seen[0].headers["authorization"] == "Bearer the-token"


async def test_what_work_raises_ends_it_with_all_before_acknowledged() -> None:
    server = Server(7)

    async def work(change: Change) -> None:
        if change.seq == 5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await reader(server, limit=3).run(work)
    assert server.acks == [3, 4]


async def test_it_asks_again_while_there_is_no_answer_and_stops_at_a_refusal() -> None:
    server, stop = Server(1), asyncio.Event()
    server.trouble = [
        httpx2.Response(503, json={"code": "unavailable"}),
        httpx2.Response(410, json={"code": "gone", "detail": "kept no longer"}),
    ]

    async def work(_: Change) -> None:
        stop.set()

    with pytest.raises(ChangesRefused) as refused:
        await reader(server).run(work, stop)
    assert refused.value.code == "gone"
    await reader(server).run(work, stop)
    server.trouble = [httpx2.Response(502)]
    with pytest.raises(ChangesUnavailable):
        await reader(server).poll()


async def test_a_consumer_that_is_there_is_no_mistake() -> None:
    server = Server(1)
    server.trouble = [
        httpx2.Response(409, json={"code": "name_taken"}),
        httpx2.Response(409, json={"code": "too_many_consumers"}),
    ]
    await reader(server).create()
    with pytest.raises(ChangesRefused):
        await reader(server).create()
