"""Requests made up from our own OpenAPI document: no 5xx, no answer it does not describe."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.journeys.conftest import ADMIN, Caller, make_yard, serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Background:
    """A front door on a loop of its own, for clients that block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
        yard = await make_yard(self._folder, {})
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


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with Background(tmp_path_factory.mktemp("schema")) as running:
        yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_made_up_request_surprises(background: Background, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(background.document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 25
    tried = 0

    def ask(case: schemathesis.Case) -> None:
        nonlocal tried
        tried += 1
        for name, real in background.ids.items():
            if name in case.path_parameters and mode is GenerationMode.POSITIVE and tried % 2:
                case.path_parameters[name] = real
        # why: a process without a GitHub App says 503 there, and says so in the document.
        own = CHECKS[1:] if case.path == "/healthz" else CHECKS
        case.call_and_validate(
            base_url=background.address,
            headers={"Authorization": f"Bearer {ADMIN}"},
            checks=own,
            timeout=20,
        )

    for operation in operations:
        bounded = settings(
            max_examples=8 if operation.path_parameters or operation.body else 5,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        try:
            bounded(given(case=operation.as_strategy(generation_mode=mode))(ask))()
        except Unsatisfiable:
            continue
    assert tried > 100
