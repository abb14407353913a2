"""What every client shares: a request as a value, problems as exceptions, when to ask again.

A request is asked again only where that cannot do something twice: it reads, or it has an
idempotency key, which stays the same over all attempts.
"""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx2

Values: TypeAlias = Mapping[str, object]
SLOWEST_S = 30.0
KEY = "idempotency-key"
IN_PROGRESS = "idempotency_in_progress"


class Problem(Exception):
    """The server refused. `code` is stable, `pointer` names the place in the request (a JSON
    pointer, "" where there is none), `facts` are all members of the problem, `after_s` is when the
    server wants to be asked again, if it said so."""

    def __init__(self, status: int, facts: Values, after_s: float | None = None) -> None:
        self.status = status
        self.facts = facts
        self.after_s = after_s
        self.code = str(facts.get("code", ""))
        self.detail = str(facts.get("detail", ""))
        self.pointer = str(facts.get("pointer", ""))
        place = f" ({self.pointer})" if self.pointer else ""
        super().__init__(f"{status} {self.code}{place}: {self.detail}")


class InvalidRequest(Problem):
    """400: the request cannot be used as it stands."""


class NotAllowed(Problem):
    """401 or 403: no valid credential, or not with the roles held."""


class Missing(Problem):
    """404 or 410: it is not there, or not any more."""


class Conflicting(Problem):
    """409 or 422: an id, a unique value or a key is taken."""


class Changed(Problem):
    """412: the record is not as the condition says."""


class Overloaded(Problem):
    """429 or 503, still after every attempt."""


class NoAnswer(Exception):
    """The server was not reached, after every attempt; a write without a key may have been done."""


_KINDS: Mapping[int, type[Problem]] = {
    400: InvalidRequest, 401: NotAllowed, 403: NotAllowed, 404: Missing, 409: Conflicting,
    410: Missing, 412: Changed, 422: Conflicting, 429: Overloaded, 503: Overloaded,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `body` is JSON text, None for none, unless the headers say otherwise. `reads`
    is a POST that changes nothing."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    reads: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether it does the same when it is sent again."""
        return self.method == "GET" or self.reads or KEY in self.headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered, when it did not refuse."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def values(self) -> Values:
        """The body as an object."""
        found = json.loads(self.body)
        assert isinstance(found, dict)  # noqa: S101
        return found


def as_json(value: object) -> bytes:
    """A value as JSON text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def headers_of(token: str, tenant: str | None = None) -> dict[str, str]:
    """The headers that say who asks."""
    headers = {"authorization": f"Bearer {token}"}
    return headers if tenant is None else {**headers, "x-tenant-id": tenant}


def refusal(status: int, body: bytes, retry_after: str = "") -> Problem:
    """The exception for a refusal, whoever said it."""
    try:
        facts = json.loads(body)
    except ValueError:
        facts = {}
    if not isinstance(facts, dict):
        facts = {}
    return _KINDS.get(status, Problem)(status, facts, seconds_of(retry_after))


def seconds_of(retry_after: str) -> float | None:
    """The seconds of a `Retry-After`; None where it has none."""
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return float(retry_after[:6])


def growing(attempt: int, base_s: float, most_s: float, chance: float) -> float:
    """Seconds to wait after this many attempts: twice as many each time, never the same for two
    clients. `chance` is between 0 and 1."""
    return float(min(most_s, base_s * 2.0 ** min(attempt, 10)) * (0.5 + chance / 2))


def wait_before(
    request: Request, attempt: int, refused: Problem | None, retry_after: str, chance: float
) -> float | None:
    """Seconds until the request is sent again, None when it is not; `refused` is None where there
    was no answer, `attempt` counts from 1, `chance` is between 0 and 1."""
    if not request.may_repeat:
        return None
    if refused is not None and not (
        refused.status in (429, 502, 503, 504) or refused.code == IN_PROGRESS
    ):
        return None
    after_s = seconds_of(retry_after)
    if after_s is not None:
        return min(SLOWEST_S, after_s) + 0.1 * chance
    return growing(attempt, 0.25, SLOWEST_S, chance)


def pause(seconds: float) -> None:
    """Wait in this thread."""
    threading.Event().wait(seconds)


async def pause_async(seconds: float) -> None:
    """Wait in this task."""
    await asyncio.sleep(seconds)  # why: a client has no clock of the server's kit


@dataclass(frozen=True, slots=True)
class Asking:
    """How requests are sent: headers of every one, attempts at most."""

    headers: Mapping[str, str]
    attempts: int = 6
    chance: Callable[[], float] = random.random

    def of(self, request: Request) -> dict[str, str]:
        """The headers of a request."""
        kind = {"content-type": "application/json"} if request.body is not None else {}
        return {**kind, **self.headers, **request.headers}

    def judge(
        self, request: Request, attempt: int, answer: httpx2.Response | httpx2.HTTPError
    ) -> Answer | float:
        """The answer, or how long to wait for the next attempt; Problem or NoAnswer is raised
        when there is none."""
        if isinstance(answer, httpx2.Response):
            if answer.is_success:
                return Answer(answer.status_code, answer.headers, answer.content)
            after = answer.headers.get("retry-after", "")
            refused: Problem | None = refusal(answer.status_code, answer.content, after)
        else:
            refused, after = None, ""
        wait = wait_before(request, attempt, refused, after, self.chance())
        if wait is not None and attempt < self.attempts:
            return wait
        if refused is not None:
            raise refused
        raise NoAnswer(f"no answer after {attempt} attempts ({type(answer).__name__})")


def send(
    http: httpx2.Client, asking: Asking, request: Request, sleep: Callable[[float], object]
) -> Answer:
    """Send a request until there is an answer."""
    attempt = 0
    while True:
        attempt += 1
        try:
            found: httpx2.Response | httpx2.HTTPError = http.request(
                request.method, request.path, params=request.params or None,
                headers=asking.of(request), content=request.body,
            )  # fmt: skip
        except httpx2.RequestError as error:
            found = error
        said = asking.judge(request, attempt, found)
        if isinstance(said, Answer):
            return said
        sleep(said)


async def send_async(
    http: httpx2.AsyncClient,
    asking: Asking,
    request: Request,
    sleep: Callable[[float], Awaitable[object]],
) -> Answer:
    """Send a request until there is an answer."""
    attempt = 0
    while True:
        attempt += 1
        try:
            found: httpx2.Response | httpx2.HTTPError = await http.request(
                request.method, request.path, params=request.params or None,
                headers=asking.of(request), content=request.body,
            )  # fmt: skip
        except httpx2.RequestError as error:
            found = error
        said = asking.judge(request, attempt, found)
        if isinstance(said, Answer):
            return said
        await sleep(said)


@contextmanager
def opened(
    http: httpx2.Client, asking: Asking, request: Request, sleep: Callable[[float], object]
) -> Iterator[httpx2.Response]:
    """An answer that is read as it comes, once one has begun; it is closed at the end."""
    attempt = 0
    while True:
        attempt += 1
        try:
            found = http.send(
                http.build_request(
                    request.method, request.path, params=request.params or None,
                    headers=asking.of(request),
                ),
                stream=True,
            )  # fmt: skip
        except httpx2.RequestError as error:
            said = asking.judge(request, attempt, error)
        else:
            try:
                if found.is_success:
                    yield found
                    return
                found.read()
            finally:
                found.close()
            said = asking.judge(request, attempt, found)
        assert not isinstance(said, Answer)  # noqa: S101
        sleep(said)


@asynccontextmanager
async def opened_async(
    http: httpx2.AsyncClient,
    asking: Asking,
    request: Request,
    sleep: Callable[[float], Awaitable[object]],
) -> AsyncIterator[httpx2.Response]:
    """An answer that is read as it comes, once one has begun; it is closed at the end."""
    attempt = 0
    while True:
        attempt += 1
        try:
            found = await http.send(
                http.build_request(
                    request.method, request.path, params=request.params or None,
                    headers=asking.of(request),
                ),
                stream=True,
            )  # fmt: skip
        except httpx2.RequestError as error:
            said = asking.judge(request, attempt, error)
        else:
            try:
                if found.is_success:
                    yield found
                    return
                await found.aread()
            finally:
                await found.aclose()
            said = asking.judge(request, attempt, found)
        assert not isinstance(said, Answer)  # noqa: S101
        await sleep(said)
