"""A whole front door on a loop of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.postgres import PostgresServer


class Background:
    """A front door on a loop of its own, for clients that block."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environ = environ or {}
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self.caller: Caller | None = None
        self.failure: BaseException | None = None
        self.ids: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Background":
        self._thread.start()
        self._started.wait(30)
        if self.failure is not None:
            raise self.failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self.failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        yard = await make_yard(self._folder, self._environ)
        try:
            async with serving(yard) as caller:
                self.ids["delivery_id"] = await caller.deliver()
                jobs = await caller.page("/api/jobs")
                self.ids["job_id"] = str(jobs[0]["id"])
                # why: else a made-up `wait_s` waits half a minute for work.
                yard.desk.close()
                self.caller = caller
                self._started.set()
                await self._stop.wait()
        finally:
            await yard.close()

    @property
    def document(self) -> dict[str, Any]:
        """The document it publishes."""
        assert self.caller is not None
        return self.caller.front.openapi

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self.caller is not None
        return str(self.caller.http.base_url).rstrip("/")


@contextmanager
def on_engine(
    server: PostgresServer | None, folder: Path, environ: Mapping[str, str]
) -> Iterator[Background]:
    """A front door over a fresh database of a server, over SQLite where there is none."""
    if server is None:
        with Background(folder, environ) as found:
            yield found
        return
    name = server.create_database()
    try:
        with Background(folder, {**environ, "DATABASE_URL": server.url(name)}) as found:
            yield found
    finally:
        server.drop_database(name)
