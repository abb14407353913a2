"""Reads the feed of changes as a named consumer: poll, work, acknowledge.

    with ChangeReader("https://hookyard.example.com", token, consumer="search-index") as reader:
        reader.run(lambda change: index(change.aggregatetype, change.after))

What was read and not acknowledged comes again, so work must bear a repeat; `seq` tells one.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

import httpx2

from hookyard.client.transport import (
    Asking,
    NoAnswer,
    Problem,
    Request,
    Values,
    as_json,
    growing,
    headers_of,
    pause,
    send,
)

SLOWEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """What a write did to a record. `type` is created, updated, deleted or restored; `before` and
    `after` are the record then, None where there was none. Named as by Debezium's outbox router."""

    seq: int
    id: str
    aggregatetype: str
    aggregateid: str
    type: str
    at: str
    actor: str
    before: Values | None
    after: Values | None


class ChangesRefused(Problem):
    """The server refuses, and asking again will not help."""


class ChangesUnavailable(Exception):
    """No answer for now; `after_s` is when the server wants to be asked again, if it said so."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(reason)


class Place:
    """The requests of one consumer. Pure."""

    def __init__(
        self, url: str, consumer: str, entities: Sequence[str], limit: int, wait_s: int
    ) -> None:
        self._consumer = consumer
        self._base = url.rstrip("/") + "/v1/_consumers"
        self._query = {"limit": str(limit), "wait": str(wait_s)}
        if entities:
            self._query["entities"] = ",".join(entities)
        self.timeout = httpx2.Timeout(10.0, read=wait_s + 15.0)

    def create(self, after: int) -> Request:
        """Make the consumer."""
        body = as_json({"name": self._consumer, "after": after})
        return Request("POST", self._base, body=body)

    def poll(self) -> Request:
        """Read on."""
        return Request("GET", f"{self._base}/{self._consumer}/changes", self._query)

    def ack(self, seq: int) -> Request:
        """Acknowledge all up to a number."""
        return Request("POST", f"{self._base}/{self._consumer}/_ack", body=as_json({"seq": seq}))


class ChangeReader:
    """One consumer. Several processes may share a name: each change is then done by one of them
    or, after a crash, by two."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        consumer: str,
        entities: Sequence[str] = (),
        limit: int = 100,
        wait_s: int = 30,
        http: httpx2.Client | None = None,
    ) -> None:
        self._place = Place(url, consumer, entities, limit, wait_s)
        self._own = http is None
        self._http = http or httpx2.Client(timeout=self._place.timeout)
        self._asking = Asking(headers_of(token), attempts=1)

    def __enter__(self) -> "ChangeReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        if self._own:
            self._http.close()

    def create(self, after: int = 0) -> None:
        """Make the consumer, to begin after a number; nothing happens where there is one."""
        try:
            self._call(self._place.create(after))
        except ChangesRefused as refused:
            if refused.code != "name_taken":
                raise

    def poll(self) -> tuple[Sequence[Change], int]:
        """The changes after what was acknowledged, and the number to acknowledge once they are
        done: it may be further than the last, over changes this consumer does not see."""
        return changes_of(self._call(self._place.poll()))

    def ack(self, seq: int) -> int:
        """All up to this number is done; the place of the consumer now."""
        return int(str(self._call(self._place.ack(seq))["acked"]))

    def run(self, work: Callable[[Change], object], stop: threading.Event | None = None) -> None:
        """Do work on each change, in order, until `stop` is set; acknowledge page by page.

        What `work` raises ends it, with all before that change acknowledged. While the server
        is not reached it is asked again, less and less often. ChangesRefused.
        """
        stop = stop or threading.Event()
        failures = 0
        done = moved = 0
        while not stop.is_set():
            try:
                changes, upto = self.poll()
                done = moved
                try:
                    for change in changes:
                        work(change)
                        done = change.seq
                        if stop.is_set():
                            break
                    else:
                        done = upto
                finally:
                    if done > moved:
                        moved = self.ack(done)
                failures = 0
            except ChangesUnavailable as trouble:
                failures += 1
                stop.wait(trouble.after_s or wait_after(failures))

    def _call(self, request: Request) -> Values:
        try:
            return send(self._http, self._asking, request, pause).values()
        except NoAnswer as error:
            raise ChangesUnavailable(str(error)) from None
        except Problem as problem:
            raise trouble_of(problem) from None


def trouble_of(problem: Problem) -> ChangesRefused | ChangesUnavailable:
    """What a refusal means to a reader that asks again by itself."""
    status, after_s = problem.status, problem.after_s
    if status == 429 or status >= 500 or (status == 409 and after_s is not None):
        most = None if after_s is None else min(after_s, SLOWEST_S)
        return ChangesUnavailable(f"status {status}", most)
    return ChangesRefused(status, problem.facts)


def changes_of(page: Values) -> tuple[Sequence[Change], int]:
    """The changes of a page, and the number to acknowledge once they are done."""
    items = page["items"]
    assert isinstance(items, list)  # noqa: S101
    return [change_of(item) for item in items], int(str(page["next_after"]))


def change_of(item: Values) -> Change:
    """A change out of an item of the feed, or the data of a CloudEvent."""
    payload = item["payload"]
    assert isinstance(payload, Mapping)  # noqa: S101
    return Change(
        int(str(item["seq"])), str(item["id"]), str(item["aggregatetype"]),
        str(item["aggregateid"]), str(item["type"]), str(item["at"]), str(item["actor"]),
        payload["before"], payload["after"],
    )  # fmt: skip


def wait_after(failures: int) -> float:
    """Seconds before asking again: more after every failure, never the same for two clients."""
    return growing(failures, 0.5, SLOWEST_S, random.random())  # noqa: S311
