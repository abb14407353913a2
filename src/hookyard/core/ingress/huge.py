"""Bodies so large that reading them here would hold up everything else: read in a process beside.

# why: decoding JSON holds Python's lock from beginning to end, on a thread too; 25 MiB take some
# hundred milliseconds, in which no other delivery is answered.

Routing then sees a payload that was cut down: every list and text as far as there is room, the
same share of each. What is stored stays whole.
"""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

import msgspec
import structlog

from hookyard.core.ingress.dictionary import Dictionary, decompress
from hookyard.core.ingress.model import Event, Provider, Unparsable
from hookyard.core.ingress.providers.generic import (
    BITBUCKET,
    GITLAB,
    LINEAR,
    PAGERDUTY,
    STANDARD,
)
from hookyard.core.ingress.providers.github import GITHUB
from hookyard.core.ingress.providers.jira import JIRA
from hookyard.core.ingress.providers.sentry import SENTRY
from hookyard.core.ingress.providers.slack import SLACK
from hookyard.kit.json import Json, as_object

READERS: Mapping[str, Provider] = {
    reader.name: reader
    for reader in (
        GITHUB, JIRA, SENTRY, SLACK, GITLAB, BITBUCKET, LINEAR, PAGERDUTY, STANDARD,
    )
}  # fmt: skip
HUGE = 2 * 1024 * 1024
ROOM = 512 * 1024
# why: the door caps bodies by its setting; this only bounds what a damaged row can ask for.
MAX_BODY = 1 << 30
LIMIT_S = 60.0
# why: an issue's text has up to 64 Ki characters and is what people wrote; lists go first.
CUTS = (
    *((4_096 >> step, 65_536) for step in range(8)),
    *((32, 65_536 >> step) for step in range(1, 9)),
)

log = structlog.get_logger("hookyard.routing")


class Beside:
    """Reads huge bodies one at a time, each in a process that ends with it."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def read(
        self,
        provider: Provider,
        event: str,
        content_type: str,
        packed: bytes,
        headers: Mapping[str, str],
    ) -> tuple[Event, bytes] | Unparsable:
        """As `read_here`, with the payload cut down. Read here when the process fails."""
        head = {"provider": provider.name, "event": event, "type": content_type}
        asked = msgspec.json.encode(head | {"headers": dict(headers)}) + b"\n" + packed
        async with self._turn:
            is_known = READERS.get(provider.name) is provider
            said = await asyncio.to_thread(_ask, asked) if is_known else None
            if said is not None:
                return _understood(said)
            log.warning("huge_body_read_here", bytes=len(packed))
            return await asyncio.to_thread(
                read_here, provider, event, content_type, packed, headers
            )


def read_here(
    provider: Provider,
    event: str,
    content_type: str,
    packed: bytes,
    headers: Mapping[str, str],
    dictionary: Dictionary | None = None,
) -> tuple[Event, bytes] | Unparsable:
    """The event of a stored body and the body's SHA-256."""
    try:
        body = decompress(packed, MAX_BODY, dictionary)
    except ValueError as error:
        return Unparsable("unreadable", str(error))
    found = provider.parse(event, content_type, body, headers)
    return found if isinstance(found, Unparsable) else (found, hashlib.sha256(body).digest())


def _ask(asked: bytes) -> bytes | None:
    """What the process beside says; None when it does not come to it."""
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", __name__],
            input=asked,
            stdout=subprocess.PIPE,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def _understood(said: bytes) -> tuple[Event, bytes] | Unparsable:
    fields = msgspec.json.decode(said)
    if "code" in fields:
        return Unparsable(**fields)
    digest = bytes.fromhex(fields.pop("digest"))
    return Event(**fields), digest


def answer(asked: bytes) -> bytes:
    """The process's whole work: what was asked, read, cut down, as JSON."""
    line, _, packed = asked.partition(b"\n")
    head = msgspec.json.decode(line)
    provider = READERS[head["provider"]]
    found = read_here(provider, head["event"], head["type"], packed, head["headers"])
    if isinstance(found, Unparsable):
        return msgspec.json.encode(asdict(found))
    event, digest = found
    fields = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    fields["payload"] = as_object(cut_down(event.payload))
    return msgspec.json.encode(fields | {"digest": digest.hex()})


def cut_down(payload: Json, room: int = ROOM) -> Json:
    """The payload in at most `room` bytes of JSON: lists are cut first, texts only at need."""
    for items, text in CUTS:
        cut = _cut(payload, items, text)
        if len(msgspec.json.encode(cut)) <= room:
            return cut
    return {}


def _cut(value: Json, items: int, text: int) -> Json:
    if isinstance(value, str):
        return value[:text]
    if isinstance(value, Mapping):
        return {key: _cut(value[key], items, text) for key in list(value)[:items]}
    if isinstance(value, list):
        return [_cut(item, items, text) for item in value[:items]]
    return value


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
