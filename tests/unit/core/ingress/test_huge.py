"""Huge bodies: read in a process beside, cut down evenly, with the same event as ever."""

import asyncio
import json

import pytest
import zstandard

from hookyard import registry
from hookyard.core.ingress import huge
from hookyard.core.ingress.huge import READERS, ROOM, Beside, cut_down, read_here
from hookyard.core.ingress.model import Event, Unparsable
from hookyard.core.ingress.providers.github import GITHUB
from hookyard.kit.clock import SystemClock
from hookyard.kit.json import as_list, as_object
from hookyard_sandbox.senders_github import GitHubScene

SIZE = 25 * 1024 * 1024
TEXT = "- [ ] It works\n" * 4_000


def opened(size: int) -> bytes:
    """An `issues` delivery of about this size, most of it a list nobody reads."""
    scene = GitHubScene(owner="octo", name="garden")
    payload = dict(scene.issue_opened(7, "A title", TEXT))
    one = {"id": "f" * 40, "message": "m" * 150, "files": ["a/b/c"] * 10}
    payload["filler"] = [one] * (size // len(json.dumps(one)))
    return json.dumps(payload).encode()


def packed(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(body)


async def read(body: bytes, beside: Beside | None = None) -> tuple[Event, bytes] | Unparsable:
    asked = (GITHUB, "issues", "application/json", packed(body), {"x-github-event": "issues"})
    return read_here(*asked) if beside is None else await beside.read(*asked)


def test_every_provider_can_be_read_beside() -> None:
    assert list(READERS.values()) == [READERS[p.name] for p in READERS.values()]
    assert set(READERS) == {provider.name for provider in registry.PROVIDERS}
    assert all(READERS[provider.name] is provider for provider in registry.PROVIDERS)


async def test_the_event_is_the_same_but_for_what_was_cut() -> None:
    body = opened(3 * 1024 * 1024)
    here, there = await read(body), await read(body, Beside())
    assert not isinstance(here, Unparsable)
    assert not isinstance(there, Unparsable)
    assert here[1] == there[1]
    for name in ("provider", "name", "action", "repository", "subject", "actor", "actor_id"):
        assert getattr(here[0], name) == getattr(there[0], name)
    issue, cut = as_object(here[0].payload["issue"]), as_object(there[0].payload["issue"])
    assert (issue["number"], issue["title"]) == (cut["number"], cut["title"])
    assert issue["body"] == cut["body"]
    filler = as_list(there[0].payload["filler"])
    assert 0 < len(filler) < len(as_list(here[0].payload["filler"]))
    assert len(json.dumps(there[0].payload)) < 2 * ROOM


async def test_what_cannot_be_understood_says_why() -> None:
    found = await read(b'{"a": ' + b"[" * (3 * 1024 * 1024), Beside())
    assert isinstance(found, Unparsable)
    assert found.code in ("too_deep", "malformed_json")


async def test_a_process_that_fails_costs_nothing_but_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(huge, "_ask", lambda asked: None)
    body = opened(3 * 1024 * 1024)
    assert await read(body, Beside()) == await read(body)


def test_a_small_payload_is_left_alone() -> None:
    payload = {"a": [1, 2, {"b": "c" * 1_000}], "d": None, "e": 1.5}
    assert cut_down(payload) == payload


def test_what_cannot_be_cut_to_size_is_left_out() -> None:
    wide: dict[str, object] = {}
    inner = wide
    for _ in range(90):
        inner["k" * 9_000] = inner = {}
    assert cut_down(wide) == {}  # type: ignore[arg-type]


async def test_the_event_loop_goes_on_while_25_mib_are_read() -> None:
    body = opened(SIZE)
    asked = (GITHUB, "issues", "application/json", packed(body), {"x-github-event": "issues"})
    del body
    clock = SystemClock()
    reading = asyncio.create_task(Beside().read(*asked))
    turns = 0
    while not reading.done():
        await clock.sleep(0.001)
        turns += 1
    found = await reading
    assert not isinstance(found, Unparsable)
    assert found[0].subject == "octo/garden#7"
    # why: a machine that is busy with other tests stalls by itself; decoding here takes longer.
    assert turns > 20
