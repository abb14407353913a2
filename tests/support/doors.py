"""A front door spoken to with raw bytes, and what every refusal of it must hold to."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping

from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import Caller


class Answer:
    """An answer as it came over the wire; `status` is 0 when the connection just ended."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        self.status = int(first.split(b" ")[1]) if first.startswith(b"HTTP/1.") else 0
        pairs = (line.partition(b":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}

    def code(self) -> str:
        """The problem's code; fails where the answer is no problem."""
        assert self.headers[b"content-type"] == b"application/problem+json", self.raw
        found = json.loads(self.body)
        assert found["status"] == self.status
        assert found["detail"]
        return str(found["code"])


class Door:
    """The front door of a real Yard on SQLite, spoken to with raw bytes."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.port = caller.http.base_url.port
        self.refused: Counter[tuple[str, str]] = Counter()
        self.taken = 0

    async def raw(self, *parts: bytes, half_close: bool = False) -> Answer:
        """Send bytes, read until the door closes or the answer is whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                try:
                    await writer.drain()
                except ConnectionError:
                    break
            if half_close:
                writer.write_eof()
            return Answer(await asyncio.wait_for(_whole(reader), 20))
        finally:
            writer.close()

    async def send(
        self,
        headers: Mapping[str, str] | list[tuple[str, str]],
        body: bytes = b"",
        *,
        line: str = "POST /webhooks/github HTTP/1.1",
    ) -> Answer:
        """One request with these headers; Content-Length is added where none is given."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers
        names = {name.lower() for name, _ in pairs}
        if not names & {"content-length", "transfer-encoding"}:
            pairs = [*pairs, ("content-length", str(len(body)))]
        head = "".join(f"{name}: {value}\r\n" for name, value in [("host", "x"), *pairs])
        return await self.raw(f"{line}\r\n{head}\r\n".encode("latin-1") + body)

    async def refuses(self, answer: Answer, status: int, code: str, source: str = "github") -> None:
        """A problem with this code; counted in both places; nothing kept; the door still open."""
        assert (answer.status, answer.code()) == (status, code)
        self.refused[source, code] += 1
        yard, front = self.caller.yard, self.caller.front
        await front.rejections.flush(yard.database)
        counted = await self.caller.page("/api/deliveries/rejections")
        assert {(c["source"], c["code"]): c["count"] for c in counted} == self.refused
        shown = (await self.caller.http.get("/metrics")).text
        count = f"{self.refused[source, code]}.0"
        assert f'webhook_requests_total{{provider="{source}",status="{code}"}} {count}' in shown
        await self.still_open()

    async def still_open(self) -> None:
        """Nothing but the good deliveries is kept, the next one is taken, and no body is held."""
        assert len(await self.caller.page("/api/deliveries")) == self.taken
        assert len(await self.caller.page("/api/jobs")) == self.taken
        assert (await self.caller.send("ping", GitHubScene().ping())).status_code == 202
        self.taken += 1
        assert self.caller.front.webhooks._budget.used == 0


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """One answer with a Content-Length, or everything until the connection ends."""
    raw = b""
    while True:
        try:
            chunk = await reader.read(65_536)
        except ConnectionError:
            return raw
        raw += chunk
        head, found, body = raw.partition(b"\r\n\r\n")
        if not chunk:
            return raw
        if found and b"content-length: " in head.lower():
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(body) >= length:
                return raw
