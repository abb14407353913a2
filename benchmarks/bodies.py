"""Real GitHub deliveries to send, and what makes each of them a delivery of its own.

The bodies are two examples of npm `@octokit/webhooks-examples` 7.6.1 that bracket what GitHub
sends (p75 and p99 of its 329 examples by size): `issues/unlabeled`, about 10 kB, and
`pull_request/labeled`, about 26 kB. From each, 64 templates are made, as of 64 issues or pull
requests of one repository.

Repeating signed bodies would flatter or punish whoever looks at them: Hookyard takes the same
signed body under a new delivery id for a replay, caches grow warm, compression of neighbours
looks better than it is. Ready-made bodies cannot be distinct in sufficient number either (200,000
of 26 kB are 5 GB). So the load generator signs as it goes: the `label` object, whose id GitHub
may set to any integer, is moved to the end of the JSON object, and its id becomes fifteen digits
that never repeat within or across runs. SHA-256 runs left to right, so the state after everything
before those digits is computed once per template and a request hashes only the seven blocks that
follow (`deliveries.lua`, plain LuaJIT). Every request has a distinct body, a right signature and a
distinct delivery id, at the price of a microsecond or two in the load generator.

GitHub also sends the older `X-Hub-Signature`; none of the servers measured here looks at it when
the SHA-256 one is there, so it is left out for all of them.
"""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.setup import BUILD, HERE

EXAMPLES = HERE / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
SECRET = "It's a Secret to Everybody and all of us"
TEMPLATES = 64
MARK = 100_000_000_000_000
DIGITS = 15


@dataclass(frozen=True, slots=True)
class BodySet:
    """Deliveries of one event: `name` as printed, and which example they are made from."""

    name: str
    event: str
    action: str


SMALL = BodySet("10k", "issues", "unlabeled")
LARGE = BodySet("25k", "pull_request", "labeled")
SETS = {body_set.name: body_set for body_set in (SMALL, LARGE)}


def example(body_set: BodySet) -> dict[str, object]:
    """The largest `issues/unlabeled`, or the plain `pull_request/labeled`, of the package."""
    groups = json.loads(EXAMPLES.read_text("utf-8"))
    found = [
        body
        for group in groups
        if group["name"] == body_set.event
        for body in group["examples"]
        if body.get("action") == body_set.action
    ]
    wanted = [body for body in found if ("organization" in body) == (body_set is SMALL)]
    body: dict[str, object] = (wanted or found)[0]
    return body


def template(body: dict[str, object], number: int) -> tuple[bytes, bytes]:
    """Head and tail of a body about issue or pull request `number`; digits go between them."""
    changed = json.loads(json.dumps(body))
    subject = changed["issue"] if "issue" in changed else changed["pull_request"]
    subject["id"] += number
    subject["number"] = number
    if "number" in changed:
        changed["number"] = number
    label = changed.pop("label")
    label["id"] = MARK
    changed["label"] = label
    text = json.dumps(changed, separators=(",", ":"), ensure_ascii=False)
    head, mark, tail = text.rpartition(f'"label":{{"id":{MARK},')
    if not mark:
        raise ValueError("the label of the example no longer begins with its id")
    return (head + '"label":{"id":').encode(), ("," + tail).encode()


@cache
def templates(body_set: BodySet) -> tuple[tuple[bytes, bytes], ...]:
    """The 64 heads and tails of a set."""
    body = example(body_set)
    return tuple(template(body, number) for number in range(1, TEMPLATES + 1))


def template_file(body_set: BodySet) -> Path:
    """Write the templates where `deliveries.lua` reads them."""
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"templates-{body_set.name}.bin"
    with path.open("wb") as out:
        for head, tail in templates(body_set):
            out.write(b"%d %d\n" % (len(head), len(tail)) + head + tail)
    return path


class Runs:
    """Numbers of seven digits, one per load run, that do not come back for a hundred days."""

    def __init__(self) -> None:
        self._next = int(time.time()) % 8_999_000 + 1_000_000

    def next(self) -> int:
        """A number no earlier run had."""
        self._next = max(self._next + 1, int(time.time()) % 8_999_000 + 1_000_000)
        return self._next


RUNS = Runs()


def headers(event: str, signature: str) -> dict[str, str]:
    """The headers GitHub sends with a delivery, with a fresh delivery id."""
    return {
        "User-Agent": "GitHub-Hookshot/2f3c1ab",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Hook-ID": "512345678",
        "X-GitHub-Hook-Installation-Target-ID": "186853002",
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature-256": f"sha256={signature}",
    }


def signature(body: bytes) -> str:
    """HMAC-SHA256 of a body under the benchmark's secret, hexadecimal."""
    return hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()


def signed(body_set: BodySet) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and bodies of distinct deliveries, without end."""
    run, sent = RUNS.next(), 0
    while True:
        sent += 1
        head, tail = templates(body_set)[sent % TEMPLATES]
        body = head + b"%07d%08d" % (run, sent) + tail
        yield headers(body_set.event, signature(body)), body
