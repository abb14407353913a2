"""Senders that behave as providers do: several connections, and again until it is acknowledged."""

import heapq
import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hookyard_sandbox.senders import SignedRequest
from tests.support.chaos_model import Ack, Sent, Want

CONNECTIONS = 8
# why: GitHub gives a receiver ten seconds.
TIMEOUT_S = 10.0
AGAIN_S = 0.5
AGAIN_AT_MOST_S = 4.0


@dataclass(slots=True)
class Parcel:
    """One delivery to be sent. `make` signs it afresh, for providers that sign the time."""

    name: str
    source: str
    make: Callable[[], SignedRequest]
    want: Want
    provider_id: str | None = None
    acks: list[Ack] = field(default_factory=list)
    refusals: int = 0

    def sent(self) -> Sent:
        """What the sender knows of it."""
        return Sent(self.name, self.source, self.provider_id, self.want, tuple(self.acks))


class Senders:
    """Threads that send parcels; a copy without an acknowledgement is sent again."""

    def __init__(self, port: int) -> None:
        self.parcels: list[Parcel] = []
        self.requests = 0
        self.acked = 0
        self.swallowed = 0
        self.turned_away = 0
        self.refused: list[str] = []
        self._port = port
        self._due: list[tuple[float, int, Parcel]] = []
        self._numbers = itertools.count()
        self._open = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"chaos-sender-{n}", daemon=True)
            for n in range(CONNECTIONS)
        ]
        for thread in self._threads:
            thread.start()

    def post(self, parcel: Parcel, copies: int = 1) -> None:
        """Send a new delivery, at the same time as many times as there are copies."""
        with self._changed:
            self.parcels.append(parcel)
        for _ in range(copies):
            self.repeat(parcel)

    def repeat(self, parcel: Parcel) -> None:
        """Send a known delivery once more."""
        with self._changed:
            self._open += 1
            self._push(parcel, time.monotonic())

    def idle(self) -> bool:
        """Whether every copy was acknowledged."""
        with self._changed:
            return self._open == 0

    @property
    def open(self) -> int:
        """How many copies are not acknowledged."""
        with self._changed:
            return self._open

    def stop(self) -> None:
        """End every thread; what is not acknowledged stays so."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _push(self, parcel: Parcel, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), parcel))
        self._changed.notify()

    def _next(self) -> Parcel | None:
        with self._changed:
            while not self._stopping:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait_s)
        return None

    def _run(self) -> None:
        connection = self._connect()
        while (parcel := self._next()) is not None:
            try:
                code, body = _exchange(connection, parcel.make())
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = self._connect()
                code, body = 0, b""
            self._note(parcel, code, body)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)

    def _note(self, parcel: Parcel, code: int, body: bytes) -> None:
        with self._changed:
            self.requests += 1
            if code not in (200, 202):
                if code:
                    self.turned_away += 1
                if code and code != 503:
                    self.refused.append(f"{parcel.name}: {code} {body[:200]!r}")
                wait_s = min(AGAIN_AT_MOST_S, AGAIN_S * 1.5**parcel.refusals)
                parcel.refusals += 1
                self._push(parcel, time.monotonic() + wait_s)
                return
            said = json.loads(body) if body else {}
            ack = Ack(code, said.get("status", ""), said.get("delivery_id"))
            parcel.acks.append(ack)
            parcel.refusals = 0
            self.acked += 1
            self.swallowed += ack.word == "duplicate"
            self._open -= 1


def _exchange(connection: http.client.HTTPConnection, request: SignedRequest) -> tuple[int, bytes]:
    connection.request("POST", request.path, request.body, request.headers)
    answer = connection.getresponse()
    return answer.status, answer.read()
