"""Deliveries that cannot be worked off yet: what they wait for or died of, and the way back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard import registry
from hookyard.bootstrap import open_yard
from hookyard.core.ingress.model import DeliveryStatus, Event, Unparsable
from hookyard.core.jobs.model import JobState
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.settings import load_settings
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import SECRET, Caller
from tests.support.github import private_key
from tests.support.worlds import open_world


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Learner:
    """GitHub's wire format as a version knew it that could not read issues yet."""

    def __init__(self) -> None:
        self._real = registry.PROVIDERS_BY_NAME["github"]
        self.mended = False

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        if event == "issues" and not self.mended:
            return Unparsable("unknown_shape", "this version cannot read it")
        return self._real.parse(event, content_type, body, headers)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


async def test_a_poisoned_payload_is_replayed_after_a_fix(
    stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Learner()
    known = {**registry.PROVIDERS_BY_NAME, "github": learner}
    monkeypatch.setattr(registry, "PROVIDERS_BY_NAME", known)
    world = await open_world(stack, tmp_path)
    number = world.issue()
    await world.settle()
    [delivery] = await world.of_people()
    assert (delivery.status, delivery.reason) == (
        DeliveryStatus.DEAD,
        "unknown_shape: this version cannot read it",
    )
    shown = (await world.caller.get(f"/api/deliveries/{delivery.id}")).json()
    [job] = shown["jobs"]
    assert job["state"] == "dead"
    dead = (await world.caller.get(f"/api/jobs/{job['id']}")).json()
    assert dead["error"]["reason"] == "this version cannot read it"
    learner.mended = True
    replayed = await world.caller.call("POST", f"/api/deliveries/{delivery.id}/replay")
    assert replayed.status_code == 202, replayed.text
    await world.settle()
    assert len(world.comments(number)) == 1
    assert (await world.of_people())[0].status is DeliveryStatus.ROUTED


async def test_without_an_agent_command_a_task_waits_and_says_why(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    world = await open_world(stack, tmp_path, agent=False)
    number = world.issue("x")
    world.say(number, "/hookyard fix it")
    await world.settle(waiting="agent.task")
    [job] = await world.jobs("agent.task")
    assert job.state is JobState.WAITING
    shown = (await world.caller.get(f"/api/jobs/{job.id}")).json()
    assert shown["waiting_for"] == {"what": "kind", "holder": "agent.task", "until": None}
    assert "agent.task" in world.yard.ledger.why_waiting(job)
    assert world.reactions(number) == ["eyes"]
    assert world.comments(number, "Answer") == []


async def test_an_agent_that_fails_is_tried_again_and_dies_with_its_reason(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    world = await open_world(stack, tmp_path, {"HOOKYARD_AGENT_COMMAND": "false"})
    number = world.issue("x")
    world.say(number, "/hookyard fix it")
    await world.settle()
    [job] = await world.jobs("agent.task")
    assert (job.state, job.attempt) == (JobState.DEAD, 3)
    assert "status 1" in str(job.error)


async def test_a_routing_job_that_was_cancelled_leaves_a_dead_delivery(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    world = await open_world(stack, tmp_path)
    limit = world.sandbox.fail("primary_limit", method="GET", wait_s=3_600, times=None)
    world.issue()

    async def is_held() -> bool:
        return any(j.state is JobState.WAITING for j in await world.jobs("ingress.route"))

    await world.until(is_held)
    [held] = [j for j in await world.jobs("ingress.route") if j.state is JobState.WAITING]
    assert held.waiting_for is not None
    assert held.waiting_for.holder == "github primary"
    limit.times = 0
    assert (await world.caller.call("POST", f"/api/jobs/{held.id}/cancel")).status_code == 202

    async def is_buried() -> bool:
        return (await world.of_people())[-1].status is DeliveryStatus.DEAD

    await world.until(is_buried)
    assert (await world.of_people())[-1].reason == "cancelled: its routing was cancelled"


async def test_a_delivery_that_cannot_be_stored_is_asked_for_again(
    client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong on our side is a 503 with Retry-After, and the next try is taken."""

    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    payload = GitHubScene().ping()
    with monkeypatch.context() as patch:
        patch.setattr("hookyard.core.ingress.store.insert_new", broken)
        patch.setattr("hookyard.core.ingress.store.insert_beside", broken)
        refused = await client.send("ping", payload, delivery_id="same")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    assert "mistake" not in refused.text
    assert await client.page("/api/deliveries") == []
    taken = await client.send("ping", payload, delivery_id="same")
    assert taken.status_code == 202
    shown = await client.http.get("/metrics")
    assert 'webhook_requests_total{provider="github",status="unavailable"} 1.0' in shown.text


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"HOOKYARD_ADMIN_KEY": "short"}, "at least 16"),
        ({"HOOKYARD_DATA_DIR": "/proc/nowhere"}, "HOOKYARD_DATA_DIR"),
        ({"GITHUB_APP_ID": "my-app"}, "GITHUB_APP_ID must be"),
        ({"GITHUB_PRIVATE_KEY": "no key"}, "GITHUB"),
        ({"HOOKYARD_AGENT_COMMAND": "agent 'unclosed"}, "HOOKYARD_AGENT_COMMAND"),
        ({"HOOKYARD_SOURCES_FILE": "/nowhere/sources.yml"}, "HOOKYARD_SOURCES_FILE"),
        ({"TASK_LOGS_DIR": "/proc/nowhere"}, "TASK_LOGS_DIR"),
    ],
)
async def test_a_start_that_fails_names_the_setting_and_leaves_nothing_open(
    tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    good = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GITHUB_APP_ID": "7",
        "GITHUB_PRIVATE_KEY": private_key(),
    }
    with pytest.raises(ConfigurationError) as refused:
        await open_yard(load_settings(good | environ, folder=tmp_path), {})
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    yard = await open_yard(load_settings(good, folder=tmp_path), {})
    await yard.close()


async def test_a_database_that_cannot_be_reached_leaves_nothing_open(tmp_path: Path) -> None:
    environ = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": "postgresql://nobody:hush@127.0.0.1:1/x",
        "GITHUB_APP_ID": "7",
        "GITHUB_PRIVATE_KEY": private_key(),
    }
    with pytest.raises(Unavailable) as failed:
        await open_yard(load_settings(environ, folder=tmp_path), {})
    assert "hush" not in str(failed.value)


async def test_a_source_without_a_secret_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("sources: [{provider: slack, id: team}]")
    environ = {
        "HOOKYARD_DATA_DIR": str(tmp_path),
        "HOOKYARD_SOURCES_FILE": str(tmp_path / "sources.yml"),
    }
    with pytest.raises(ConfigurationError, match=r"source 1 \(team\): has no secret"):
        await open_yard(load_settings(environ, folder=tmp_path), {})


async def test_a_provider_without_a_secret_has_no_address(client: Caller) -> None:
    answer = await client.http.post("/webhooks/jira", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_source")
