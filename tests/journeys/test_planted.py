"""Planted secrets are looked for in everything a process tells: bodies, headers, logs, metrics
and traces, while things go right and wrong."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor
from hookyard.entrypoints.worker.hidden import secrets_of
from tests.journeys.conftest import ADMIN, SECRET, Caller
from tests.support.collector import Collector, collecting
from tests.support.tokens import SECRET as JWT
from tests.support.worlds import REPOSITORY, World, open_world

FORGED = "planted-forged-secret-0123456789"


class Told:
    """Every body and header that came back, but for the one that is to show a token."""

    def __init__(self) -> None:
        self.text = ""

    async def hear(self, response: httpx2.Response) -> None:
        await response.aread()
        self.text += response.text + str(response.headers.raw)


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "*")
    with collecting() as running:
        yield running


async def go_right_and_wrong(world: World) -> set[str]:
    """Use every secret there is, each once as it should be and once not; what was given out."""
    caller = world.caller
    given = {ADMIN, SECRET, JWT, FORGED, world.app.client_secret, world.app.private_key}
    minted = await httpx2_quiet(caller, f"/tokens/accounts/{REPOSITORY.partition('/')[0]}")
    given.add(minted)
    made = await caller.call("POST", "/api/admin/keys", {"name": "k", "role": "viewer"})
    given.add(made.json()["token"])
    for token in (FORGED, f"hky_{FORGED}", f"{FORGED}.{FORGED}.{FORGED}", "ghs_" + FORGED * 2):
        assert (await caller.with_token(token).get("/api/jobs")).status_code == 401
    assert (await caller.send("ping", {"zen": FORGED[:4]}, secret=FORGED)).status_code == 401
    world.sandbox.fail("error", path="*/access_tokens", status=500)
    await caller.get(f"/tokens/accounts/{REPOSITORY.partition('/')[0]}", permissions="issues:read")
    number = world.issue()
    await world.settle()
    world.say(number, "/hookyard run it", by="rita")
    await world.settle()
    given |= set(world.sandbox.world.tokens)
    for path in (
        "/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/setup", "/api/jobs",
        "/api/deliveries", "/api/effects", "/api/admin/audit", "/api/admin/keys", "/api/me",
        "/tokens/mints", "/api/admin/grants", "/api/admin/audit/export",
    ):  # fmt: skip
        assert (await caller.get(path)).status_code < 500, path
    return given


async def httpx2_quiet(caller: Caller, path: str) -> str:
    """A token, asked for by a client that nobody listens to: its answer has to show it."""
    async with httpx2.AsyncClient(base_url=caller.http.base_url, trust_env=False) as http:
        answer = await http.get(path, headers={"authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


async def test_planted_secrets_are_told_nowhere(
    tmp_path: Path, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told()
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_OTEL_ENDPOINT": collector.url, "JWT_SECRET": JWT}
        world = await open_world(stack, tmp_path, environ)
        configure("debug", "json", Redactor(secrets_of(world.yard.settings)))
        world.caller.http.event_hooks["response"].append(told.hear)
        given = await go_right_and_wrong(world)
    logs = "".join(capsys.readouterr())
    traces = "\n".join(map(str, collector.spans)) + str(collector.resources)
    assert "/access_tokens" in traces
    assert "webhook_signature_validation_failures_total" in told.text
    assert len(given) >= 8
    shown_once = {one for one in given if one.startswith("hky_")}
    for secret in given - shown_once:
        for place, text in (("answers", told.text), ("logs", logs), ("traces", traces)):
            for line in secret.strip().splitlines()[-2:]:
                assert line not in text, f"{secret[:8]}… in {place}"
    for secret in shown_once:
        assert told.text.count(secret) == 1
        assert secret not in logs + traces
