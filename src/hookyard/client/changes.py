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
from typing import TypeAlias

import httpx2

Values: TypeAlias = Mapping[str, object]
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


class ChangesRefused(Exception):
    """The server refuses, and asking again will not help. `code` is the problem's."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{status} {code}: {detail}")


class ChangesUnavailable(Exception):
    """No answer for now; `after_s` is when the server wants to be asked again, if it said so."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(reason)


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
        self._consumer = consumer
        self._query: dict[str, str | int] = {"limit": limit, "wait": wait_s}
        if entities:
            self._query["entities"] = ",".join(entities)
        self._own = http is None
        self._http = http or httpx2.Client(timeout=httpx2.Timeout(10.0, read=wait_s + 15.0))
        self._base = url.rstrip("/") + "/v1/_consumers"
        self._headers = {"authorization": f"Bearer {token}"}

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
            self._call("POST", "", {"name": self._consumer, "after": after})
        except ChangesRefused as refused:
            if refused.code != "name_taken":
                raise

    def poll(self) -> tuple[Sequence[Change], int]:
        """The changes after what was acknowledged, and the number to acknowledge once they are
        done: it may be further than the last, over changes this consumer does not see."""
        found = self._call("GET", f"/{self._consumer}/changes", query=self._query)
        items = found["items"]
        assert isinstance(items, list)  # noqa: S101
        return [change_of(item) for item in items], int(str(found["next_after"]))

    def ack(self, seq: int) -> int:
        """All up to this number is done; the place of the consumer now."""
        return int(str(self._call("POST", f"/{self._consumer}/_ack", {"seq": seq})["acked"]))

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

    def _call(
        self, method: str, path: str, body: Values | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Values:  # fmt: skip
        try:
            answer = self._http.request(
                method, self._base + path, json=body, params=query, headers=self._headers
            )
        except httpx2.HTTPError as error:
            raise ChangesUnavailable(f"no answer ({type(error).__name__})") from None
        return read(answer)


def read(answer: httpx2.Response) -> Values:
    """The body of an answer; ChangesRefused or ChangesUnavailable for a refusal."""
    if answer.is_success:
        found: Values = answer.json()
        return found
    if answer.status_code in (409, 429) or answer.status_code >= 500:
        text = answer.headers.get("retry-after", "")
        after_s = min(float(text), SLOWEST_S) if text.isdigit() else None
        if answer.status_code != 409 or after_s is not None:
            raise ChangesUnavailable(f"status {answer.status_code}", after_s)
    try:
        problem: Values = answer.json()
    except ValueError:
        problem = {}
    raise ChangesRefused(
        answer.status_code, str(problem.get("code", "")), str(problem.get("detail", ""))
    )


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
    return random.uniform(0.5, 1.0) * min(SLOWEST_S, 0.5 * 2.0 ** min(failures, 10))  # noqa: S311
