"""A whole Hookyard in this process, on each engine in turn, behind a real socket."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import httpx2
import pytest

from hookyard.bootstrap import Yard, open_yard
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.server import listen, serve
from hookyard.kit.json import JsonObject
from hookyard.settings import load_settings
from hookyard_sandbox.senders import signed_request
from hookyard_sandbox.senders_github import GitHubScene
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation, installed

ADMIN = "the-admin-key-of-these-tests"
SECRET = "hush-hush-hush"
COUNTER = itertools.count(1)


async def make_yard(folder: Path, environ: Mapping[str, str]) -> Yard:
    """A yard on a fresh data folder, with an admin key and sources for GitHub and Slack."""
    await installed(folder, environ)
    settings = load_settings(
        {
            "HOOKYARD_DATA_DIR": str(folder / "data"),
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "SLACK_SIGNING_SECRET": SECRET,
            **environ,
        },
        folder=folder,
    )
    return await open_yard(settings, {})


@pytest.fixture(params=["sqlite", "postgres"])
async def yard(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Yard]:
    """Everything but the workers."""
    if request.param == "sqlite":
        made = await make_yard(tmp_path, {})
        yield made
        await made.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(an_installation)
    made = await make_yard(tmp_path, {"DATABASE_URL": server.url(name)})
    yield made
    await made.close()
    server.take_back(name)


@dataclass
class Caller:
    """Speaks to a running front door, as the admin unless another key is given."""

    http: httpx2.AsyncClient
    yard: Yard
    front: Front
    token: str = ADMIN
    scene: GitHubScene = field(default_factory=GitHubScene)

    def with_token(self, token: str) -> "Caller":
        """The same door with another key; "" sends none."""
        return Caller(self.http, self.yard, self.front, token, self.scene)

    async def call(
        self, method: str, path: str, body: object = None, **params: str | int
    ) -> httpx2.Response:
        """One request; `body` travels as JSON."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.request(
            method, path, json=body, params=params or None, headers=headers
        )

    async def get(self, path: str, **params: str | int) -> httpx2.Response:
        """One GET."""
        return await self.call("GET", path, None, **params)

    async def page(self, path: str, **params: str | int) -> list[dict[str, object]]:
        """Every item of a list, page by page."""
        items: list[dict[str, object]] = []
        cursor: dict[str, str | int] = {}
        while True:
            answer = await self.get(path, **params, **cursor)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return items
            cursor = {"cursor": answer.json()["next_cursor"]}

    async def key(self, role: str, scope: str = "tenant") -> "Caller":
        """The same door with a fresh API key."""
        wanted = {"name": f"{role} of {scope}", "role": role, "scope": scope}
        made = await self.call("POST", "/api/admin/keys", wanted)
        assert made.status_code == 201, made.text
        return self.with_token(made.json()["token"])

    async def send(self, event: str, payload: JsonObject, **options: str) -> httpx2.Response:
        """A signed GitHub delivery through the webhook route."""
        delivery_id = options.pop("delivery_id", f"d-{next(COUNTER)}")
        signed = signed_request(
            "github", payload, options.pop("secret", SECRET), event=event, delivery_id=delivery_id
        )
        return await self.http.post(signed.path, content=signed.body, headers=signed.headers)

    async def deliver(self, repository: str = "octo/garden", number: int = 1) -> str:
        """The id of a fresh `issues` delivery about a repository, on disk and not yet routed."""
        owner, name = repository.split("/")
        # why: the inventory tells repositories apart by id; one id would be one that is renamed.
        scene = GitHubScene(owner=owner, name=name, repository_id=crc32(repository.encode()))
        sent = await self.send("issues", scene.issue_opened(number, "A title", "- [ ] It works"))
        assert sent.status_code == 202, sent.text
        return str(sent.json()["delivery_id"])

    async def routed(self, repository: str = "octo/garden", number: int = 1) -> str:
        """The id of a fresh delivery that the workers have routed."""
        delivery_id = await self.deliver(repository, number)
        ended = asyncio.Event()
        self.yard.endings.listeners.append(lambda *_: ended.set())
        if not self.yard.tasks:
            await self.yard.start_working()
        while True:
            ended.clear()
            found = await self.get(f"/api/deliveries/{delivery_id}")
            if found.json()["status"] != "accepted":
                return delivery_id
            await asyncio.wait_for(ended.wait(), 20)


@pytest.fixture
async def client(yard: Yard) -> AsyncIterator[Caller]:
    """The admin at the front door of `yard`, over a real socket."""
    async with serving(yard) as caller:
        yield caller


class serving:  # noqa: N801
    """`async with serving(yard) as caller`: the front door on a loopback port."""

    def __init__(self, yard: Yard, *, deadline_s: float = 30.0) -> None:
        self._yard = yard
        self._deadline_s = deadline_s
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Caller:
        front = Front(self._yard, deadline_s=self._deadline_s)
        self._bound = listen("127.0.0.1", 0)
        self._bound.listen(128)
        self._serving = asyncio.create_task(serve(self._yard, front, self._bound, self._stop))
        port = self._bound.getsockname()[1]
        self._http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False
        )
        return Caller(self._http, self._yard, front)

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        self._stop.set()
        await self._serving
        self._bound.close()
