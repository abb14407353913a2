"""The short way of plain deliveries answers exactly as the ordinary way does, in every cutting."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from hookyard.adapters.database.port import RawSql
from hookyard.bootstrap import Yard
from hookyard.entrypoints.http import lane
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.server import protocol_of
from hookyard.kit.clock import SystemClock
from hookyard_sandbox.senders import signed_request
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import SECRET, Caller, make_yard, serving

KB = 1024


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    made = await make_yard(tmp_path, {})
    yield made
    await made.close()


@pytest.fixture
async def caller(yard: Yard) -> AsyncIterator[Caller]:
    async with serving(yard) as caller:
        yield caller


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each request that went the short way."""
    seen: list[bool] = []
    real = lane.LaneProtocol.answer

    def counted(self: lane.LaneProtocol, *parts: object) -> None:
        seen.append(True)
        real(self, *parts)  # type: ignore[arg-type]

    monkeypatch.setattr(lane.LaneProtocol, "answer", counted)
    return seen


class Wire(asyncio.Transport):
    """A connection's other end, for driving a protocol by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def make_protocol(yard: Yard, wire: Wire, keep_alive_s: float = 5.0) -> lane.LaneProtocol:
    """The front door's protocol on `wire`, as the server would make it."""
    front = Front(yard)
    config = Config(front, http="httptools", ws="none", log_config=None, access_log=False)
    config.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]
    config.load()
    made = protocol_of(front)(config=config, server_state=ServerState(), app_state={})
    made.connection_made(wire)
    return made


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another task is about to do."""
    async with asyncio.timeout(10):
        while not holds():
            await SystemClock().sleep(0.005)


async def settled(yard: Yard) -> None:
    """Long enough for a delivery under way to be on disk and answered."""
    for _ in range(3):
        await yard.database.write(lambda unit: unit.fetch_raw(RawSql.same("SELECT 1")))


def request(number: int, *, size: int = 0, extra: str = "", path: str = "") -> bytes:
    """A signed delivery as bytes; `size` pads the issue's text, `extra` adds header lines."""
    scene = GitHubScene()
    signed = signed_request(
        "github",
        scene.issue_opened(number, "title", "x" * size),
        SECRET,
        event="issues",
        delivery_id=f"0f0e6a60-0000-4000-8000-{number:012x}",
        hook_id="1",
        target_id="2",
    )
    lines = [f"{name}: {value}" for name, value in signed.headers.items()]
    head = f"POST {path or signed.path} HTTP/1.1\r\nHost: x\r\n" + "\r\n".join(lines)
    return f"{head}\r\nContent-Length: {len(signed.body)}\r\n{extra}\r\n".encode() + signed.body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """One final answer off a connection: status and decoded body."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100 "):
            head = await reader.readuntil(b"\r\n\r\n")
        text = head.decode().lower()
        length = int(text.split("content-length: ")[1].split("\r\n")[0])
        return int(text.split(" ")[1]), json.loads(await reader.readexactly(length))


async def talk(caller: Caller, *parts: bytes, answers: int) -> list[tuple[int, dict[str, str]]]:
    """Send the parts, each read on its own; that many answers, in order.

    With as many answers as parts, each answer is awaited before the next part is sent.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.http.base_url.port)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if len(parts) == answers:
                found.append(await read_answer(reader))
            else:
                await caller.http.get("/health")
        while len(found) < answers:
            found.append(await read_answer(reader))
    finally:
        writer.close()
    return found


async def test_a_plain_delivery_goes_the_short_way(caller: Caller, short: list[bool]) -> None:
    [(status, body)] = await talk(caller, request(1), answers=1)
    assert (status, body["status"]) == (202, "accepted")
    assert short == [True]


@pytest.mark.parametrize("cut", [5, 60, -1, -300])
async def test_a_delivery_in_two_reads_is_the_same(
    caller: Caller, short: list[bool], cut: int
) -> None:
    whole = request(2)
    [(status, body)] = await talk(caller, whole[:cut], whole[cut:], answers=1)
    assert (status, body["status"]) == (202, "accepted")
    [(status, body)] = await talk(caller, whole, answers=1)
    assert (status, body["status"]) == (200, "duplicate")
    assert short == [True]


async def test_requests_behind_one_another_are_answered_in_order(caller: Caller) -> None:
    together = b"".join(request(number) for number in (11, 12, 11, 13))
    found = await talk(caller, together, answers=4)
    assert [status for status, _ in found] == [202, 202, 200, 202]
    assert found[0][1]["delivery_id"] == found[2][1]["delivery_id"]


async def test_a_kept_connection_serves_many(caller: Caller, short: list[bool]) -> None:
    found = await talk(caller, *(request(number) for number in range(20, 26)), answers=6)
    assert [status for status, _ in found] == [202] * 6
    assert len(short) == 6


async def test_ways_may_change_on_one_connection(caller: Caller, short: list[bool]) -> None:
    parts = [request(90), request(91, extra="Expect: 100-continue\r\n"), request(92)]
    found = await talk(caller, *parts, answers=3)
    assert [status for status, _ in found] == [202] * 3
    assert short == [True, True]


async def test_a_request_after_half_of_another_is_not_taken_out_of_turn(
    caller: Caller, short: list[bool]
) -> None:
    first, second = request(93), request(94)
    found = await talk(caller, first[:200], first[200:] + second[:50], second[50:], answers=2)
    assert [status for status, _ in found] == [202, 202]
    assert short == []


async def test_close_is_honoured(caller: Caller) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.http.base_url.port)
    writer.write(request(30, extra="Connection: close\r\n"))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b"connection: close\r\n" in answer


async def test_a_client_that_does_not_read_is_held_up(yard: Yard, short: list[bool]) -> None:
    class Slow(Wire):
        slow = True

        def write(self, data: bytes) -> None:  # type: ignore[override]
            super().write(data)
            if self.slow:
                protocol.pause_writing()

    wire = Slow()
    protocol = make_protocol(yard, wire)
    for number in range(95, 98):
        protocol.data_received(request(number))
    await until(lambda: len(short) == 1)
    await settled(yard)
    assert wire.sent.count(b"HTTP/1.1 202") == 1
    wire.slow = False
    protocol.resume_writing()
    await until(lambda: wire.sent.count(b"HTTP/1.1 202") == 3)
    assert short == [True]


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(yard: Yard) -> None:
    wire = Wire()
    protocol = make_protocol(yard, wire, keep_alive_s=0.2)
    loop = asyncio.get_running_loop()
    ends = loop.time() + 0.6
    number = 100
    while loop.time() < ends:
        number += 1
        protocol.data_received(request(number))
        await SystemClock().sleep(0.05)
        assert not wire.is_closing()
    await until(wire.is_closing)
    assert loop.time() - ends > 0.1


@pytest.mark.parametrize(
    "line",
    [
        b"X-Odd : space before the colon",
        b"X-Odd:no space after it",
        b" folded: line",
        b"X-Odd: control \x01 character",
        b"X-Odd: bare\rreturn",
        b"X-Odd: bare\nfeed",
        b"X-Odd: caf\xe9",
        b"no colon at all",
        b"Content-Length: 1",
        b"Transfer-Encoding: chunked",
        b"Connection: Upgrade",
        b"",
    ],
)
async def test_an_unusual_line_is_left_to_the_parser(
    yard: Yard, short: list[bool], line: bytes
) -> None:
    wire = Wire()
    protocol = make_protocol(yard, wire)
    head, _, body = request(110).partition(b"\r\n\r\n")
    protocol.data_received(head + b"\r\n" + line + b"\r\n\r\n" + body)
    await settled(yard)
    assert short == []


async def test_remembered_lines_are_bounded(yard: Yard) -> None:
    wire = Wire()
    protocol = make_protocol(yard, wire)
    for number in range(3_000):
        bad = request(1, extra=f"X-Noise: {number}\r\n").replace(b"sha256=", b"sha256=0")
        protocol.data_received(bad)
    assert wire.sent.count(b"HTTP/1.1 401") == 3_000
    assert len(lane._LINES) <= 1_024


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ((b"sha256=", b"sha256=00"), "bad_signature"),
        ((b"application/json", b"text/plain"), "unsupported_media_type"),
        ((b"x-github-event: issues", b"x-github-event: NO/PE"), "malformed_event"),
    ],
)
async def test_refusals_are_problems_here_too(
    caller: Caller, short: list[bool], changed: tuple[bytes, bytes], code: str
) -> None:
    bad = request(40).replace(*changed)
    [(status, body)] = await talk(caller, bad, answers=1)
    assert (body["code"], str(body["status"])) == (code, str(status))
    assert short == [True]


@pytest.mark.parametrize(
    "extra", ["Expect: 100-continue\r\n", "X-GitHub-Event: issues\r\n", "Upgrade: h2c\r\n"]
)
async def test_what_is_not_plain_goes_the_ordinary_way(
    caller: Caller, short: list[bool], extra: str
) -> None:
    await talk(caller, request(50, extra=extra).replace(b"POST", b"POST", 1), answers=1)
    assert short == []


async def test_other_addresses_go_the_ordinary_way(caller: Caller, short: list[bool]) -> None:
    for path in ("/webhooks/nobody", "/webhooks/github?x=1", "/webhooks/git%68ub"):
        await talk(caller, request(60, path=path), answers=1)
    assert short == []


async def test_a_large_body_is_taken(caller: Caller) -> None:
    [(status, _)] = await talk(caller, request(70, size=900 * KB), answers=1)
    assert status == 202
    [(status, _)] = await talk(caller, request(71, size=3_000 * KB), answers=1)
    assert status == 202


async def test_a_server_that_stops_answers_what_it_has(yard: Yard, short: list[bool]) -> None:
    async with serving(yard) as caller:
        port = caller.http.base_url.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(80))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert short == [True]
