"""The reader of changes against a server that answers as it is told."""

import json
import threading
from collections.abc import Callable

import httpx2
import pytest

from hookyard.client.changes import (
    SLOWEST_S,
    Change,
    ChangeReader,
    ChangesRefused,
    ChangesUnavailable,
    wait_after,
)


def item(seq: int) -> dict[str, object]:
    return {
        "seq": seq, "id": f"r{seq}", "aggregatetype": "users", "aggregateid": "u",
        "type": "created", "at": "2026-01-01T00:00:00.000Z", "actor": "a",
        "payload": {"op": "c", "before": None, "after": {"n": seq}},
    }  # fmt: skip


class Server:
    """Changes 1 to `head`, and a consumer that stands at `acked`. `trouble` is answered first."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.acked = 0
        self.trouble: list[httpx2.Response] = []
        self.acks: list[int] = []
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        if self.trouble:
            return self.trouble.pop(0)
        if request.url.path.endswith("/_ack"):
            seq = json.loads(request.content)["seq"]
            self.acks.append(seq)
            self.acked = max(self.acked, seq)
            return httpx2.Response(200, json={"acked": self.acked})
        limit = int(request.url.params["limit"])
        last = min(self.head, self.acked + limit)
        items = [item(n) for n in range(self.acked + 1, last + 1)]
        return httpx2.Response(200, json={"items": items, "next_after": last})


Make = Callable[..., ChangeReader]


def reader(server: Server, **options: int) -> ChangeReader:
    http = httpx2.Client(transport=httpx2.MockTransport(server))
    return ChangeReader("http://test/", "the-token", consumer="c", http=http, **options)


def test_every_change_is_done_once_and_acknowledged_page_by_page() -> None:
    server, done, stop = Server(7), list[Change](), threading.Event()

    def work(change: Change) -> None:
        done.append(change)
        if change.seq == 7:
            stop.set()

    reader(server, limit=3).run(work, stop)
    assert [one.seq for one in done] == [1, 2, 3, 4, 5, 6, 7]
    assert server.acks == [3, 6, 7]
    assert done[0].after == {"n": 1}
    assert server.seen[0].headers["authorization"] == "Bearer the-token"


def test_what_work_raises_ends_it_with_all_before_acknowledged() -> None:
    server = Server(7)

    def work(change: Change) -> None:
        if change.seq == 5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        reader(server, limit=3).run(work)
    assert server.acks == [3, 4]


def test_it_asks_again_while_there_is_no_answer() -> None:
    server, stop = Server(1), threading.Event()
    server.trouble = [
        httpx2.Response(429, headers={"retry-after": "0"}),
        httpx2.Response(503, json={"code": "unavailable"}),
    ]
    reader(server).run(lambda _: stop.set(), stop)
    assert server.acks == [1]


def test_refusals_are_raised_with_their_code() -> None:
    server = Server(1)
    server.trouble = [
        httpx2.Response(410, json={"code": "gone", "detail": "kept no longer"}),
        httpx2.Response(401, text="<html>"),
        httpx2.Response(502),
    ]
    with pytest.raises(ChangesRefused) as refused:
        reader(server).poll()
    assert (refused.value.status, refused.value.code) == (410, "gone")
    with pytest.raises(ChangesRefused):
        reader(server).poll()
    with pytest.raises(ChangesUnavailable):
        reader(server).poll()


def test_a_consumer_that_is_there_is_no_mistake() -> None:
    server = Server(1)
    server.trouble = [
        httpx2.Response(409, json={"code": "name_taken"}),
        httpx2.Response(409, json={"code": "too_many_consumers"}),
    ]
    reader(server).create()
    with pytest.raises(ChangesRefused):
        reader(server).create()


def test_waits_grow_and_are_bounded() -> None:
    assert all(0 < wait_after(n) <= SLOWEST_S for n in range(1, 10_000, 7))
    assert wait_after(1) <= 1.0
