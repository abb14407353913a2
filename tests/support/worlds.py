"""A whole Hookyard beside a simulated GitHub, with the clock of both in the test's hands.

What people do on the simulated GitHub becomes signed webhooks, which `World.settle` sends through
the real front door; it moves the clock on only while no attempt runs.
"""

import asyncio
import json
import queue
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from hookyard.bootstrap import Yard, open_yard
from hookyard.core.ingress.model import Delivery
from hookyard.core.jobs.model import ACTIVE, Job, JobFilter, JobState
from hookyard.kit.clock import ManualClock
from hookyard.kit.json import JsonObject
from hookyard.settings import load_settings
from hookyard_sandbox.github.model import Comment, HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from hookyard_sandbox.senders import SignedRequest, signed_request
from tests.journeys.conftest import ADMIN, SECRET, Caller, serving
from tests.support.github import private_key
from tests.support.prepared import installed

REPOSITORY = "acme/shop"
PATIENCE_S = 30.0
PROVIDERS = ("github", "slack", "jira", "sentry")
AGENT = (
    "import json,sys; t=json.load(sys.stdin)['task'];"
    "json.dump({'summary': 'did it', 'comment': 'Answer to ' + t['text']}, sys.stdout)"
)


class World:
    """The running pair. `yard` and `caller` are Hookyard's, `sandbox` is GitHub."""

    def __init__(self, sandbox: Sandbox, clock: ManualClock, emitted: "Emitted") -> None:
        self.sandbox, self.clock, self.emitted = sandbox, clock, emitted
        self.app: RegisteredApp
        self.yard: Yard
        self.caller: Caller
        self.held: list[HookDelivery] = []

    # --- acting ---

    def issue(self, body: str = "- [ ] It works", *, by: str = "alice") -> int:
        """Somebody opens an issue; its number."""
        return self.sandbox.create_issue(REPOSITORY, "An issue", body, by=by).number

    def say(self, number: int, text: str, *, by: str = "alice") -> None:
        """Somebody comments."""
        self.sandbox.create_comment(REPOSITORY, number, text, by=by)

    async def send(self, provider: str, body: bytes | JsonObject, **options: str) -> int:
        """A request of another provider, signed now, through the front door; the status."""
        signed = signed_request(
            provider, body, SECRET, now_ms=self.clock.now_ms(), event=options.pop("event", ""),
            delivery_id=options.pop("delivery_id", "d-1"), **options,
        )  # fmt: skip
        return await self.post(signed)

    async def post(self, request: SignedRequest) -> int:
        """One request through the front door; the status."""
        answer = await self.caller.http.post(
            request.path, content=request.body, headers=request.headers
        )
        assert answer.status_code in (200, 202), answer.text
        return answer.status_code

    # --- time ---

    async def deliver(self) -> None:
        """Send what GitHub has emitted so far."""
        for hook in self.emitted.take():
            self.held.append(hook)
            await self.post(SignedRequest(dict(hook.headers), hook.body, "/webhooks/github"))

    async def until(self, holds: Callable[[], Awaitable[object]]) -> None:
        """Deliver and work, moving the clock on whenever nothing happens, until it holds."""
        moved = asyncio.Event()
        self.yard.endings.listeners.append(lambda *_: moved.set())
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.deliver()
                moved.clear()
                if await holds():
                    return
                try:
                    async with asyncio.timeout(0.02):
                        await moved.wait()
                except TimeoutError:
                    # why: an attempt may itself be waiting for time to pass, but one that is
                    # waiting for the other side must not see an hour go by.
                    self.clock.advance(0.25 if self.yard.runner.running else 1.0)

    async def settle(self, *, waiting: str = "") -> None:
        """Until all work has ended, but for jobs of the kind that is expected to wait."""

        async def nothing_left() -> bool:
            jobs = await self.jobs()
            left = [j for j in jobs if j.state in ACTIVE and not j.kind.startswith("upkeep.")]
            return self.emitted.is_empty() and all(
                job.kind == waiting and job.state is JobState.WAITING for job in left
            )

        await self.until(nothing_left)

    # --- looking ---

    async def jobs(self, kind: str | None = None) -> list[Job]:
        """Jobs oldest first."""
        wanted = JobFilter(kind=kind)
        page = await self.yard.database.read(
            lambda unit: self.yard.ledger.list(unit, wanted, limit=200)
        )
        return list(reversed(page.items))

    async def deliveries(self) -> Sequence[Delivery]:
        """Deliveries oldest first."""
        page = await self.yard.database.read(
            lambda unit: self.yard.deliveries.list_page(unit, {}, None, 200)
        )
        return [row.delivery for row in reversed(page.items)]

    async def of_people(self) -> Sequence[Delivery]:
        """The deliveries that are no echo of ours, nor about the App itself."""
        return [
            delivery
            for delivery in await self.deliveries()
            if "our own echo" not in (delivery.reason or "")
            and delivery.event not in ("ping", "installation")
        ]

    def comments(self, number: int, text: str = "") -> list[Comment]:
        """Our comments on an issue that hold this text, oldest first."""
        found = self.sandbox.repository(REPOSITORY).issues[number].comments
        return [c for c in found if c.user is self.app.app.bot and text in c.body]

    def reactions(self, number: int) -> list[str]:
        """Our reactions to the comments of an issue."""
        issue = self.sandbox.repository(REPOSITORY).issues[number]
        found = [reaction for comment in issue.comments for reaction in comment.reactions]
        return [reaction.content for reaction in found]

    def calls(self, method: str, pattern: str) -> list[int]:
        """Statuses GitHub gave to calls whose path holds this."""
        return [s for m, p, s in self.sandbox.gateway.seen if m == method and pattern in p]


class Emitted:
    """Webhooks GitHub has made and nobody has sent yet."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[HookDelivery] = queue.SimpleQueue()

    def __call__(self, delivery: HookDelivery) -> None:
        self._queue.put(delivery)

    def is_empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return self._queue.empty()

    def take(self) -> list[HookDelivery]:
        """What was made since the last look."""
        found: list[HookDelivery] = []
        while not self._queue.empty():
            found.append(self._queue.get_nowait())
        return found


async def open_world(
    stack: AsyncExitStack,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    agent: bool = True,
    clock: ManualClock | None = None,
) -> World:
    """Both sides running, one repository with alice (write), rita (read) and the App in it."""
    clock, emitted = clock or ManualClock(), Emitted()
    sandbox = stack.enter_context(Sandbox(clock, deliver=emitted))
    world = World(sandbox, clock, emitted)
    sandbox.create_repository(
        REPOSITORY, files=files or {"README.md": "# shop\n"},
        collaborators={"alice": "write", "rita": "read"},
    )  # fmt: skip
    world.app = sandbox.register_app(webhook_secret=SECRET, private_key=private_key())
    sandbox.create_installation(world.app)
    command = {"HOOKYARD_AGENT_COMMAND": f'{sys.executable} -c "{AGENT}"'} if agent else {}
    port = urlsplit(sandbox.base_url).port
    given = {
        "HOOKYARD_DATA_DIR": str(folder / "data"),
        "HOOKYARD_ADMIN_KEY": ADMIN,
        "HOOKYARD_SOURCES_FILE": str(_sources_file(folder, world.app.slug)),
        "HOOKYARD_DRAIN_SECONDS": "1",
        "HOOKYARD_RECOVER": "off",
        "HOOKYARD_OUTBOUND_ALLOW": f"127.0.0.1,localhost,localhost:{port}",
        "GITHUB_APP_ID": str(world.app.id),
        "GITHUB_APP_SLUG": world.app.slug,
        "GITHUB_PRIVATE_KEY": world.app.private_key,
        "GITHUB_API_BASE_URL": sandbox.base_url,
        "GITHUB_OAUTH_CLIENT_ID": world.app.client_id,
        "GITHUB_OAUTH_CLIENT_SECRET": world.app.client_secret,
        **command,
        **(environ or {}),
    }
    await installed(folder, given)
    world.yard = await open_yard(load_settings(given, folder=folder), dict(secrets or {}), clock)
    stack.push_async_callback(_close, world)
    world.caller = await stack.enter_async_context(serving(world.yard))
    await world.yard.start_working()
    await world.settle()
    return world


async def _close(world: World) -> None:
    """Close the yard; draining waits on the clock, which nobody else moves any more."""
    closing = asyncio.create_task(world.yard.close())
    while not closing.done():
        world.clock.advance(5.0)
        await asyncio.wait({closing}, timeout=0.01)
    await closing


def _sources_file(folder: Path, slug: str) -> Path:
    sources = [
        {
            "id": name,
            "provider": name,
            "secrets": [SECRET],
            "allow": [] if name == "github" else ["U061F7AUR", "acc-mia", "alerts"],
            "repository": REPOSITORY,
            "options": {"app_slug": slug},
        }
        for name in PROVIDERS
    ]
    path = folder / "sources.yml"
    path.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    return path


def payload_of(hook: HookDelivery) -> JsonObject:
    """The JSON of an emitted webhook."""
    found: JsonObject = json.loads(hook.body)
    return found
