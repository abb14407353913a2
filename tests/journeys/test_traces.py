"""One trace shows a delivery from its receipt to the work it led to; off, nothing is traced."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hookyard.adapters.telemetry.traces import place_of_attempt, place_of_delivery
from hookyard.bootstrap import Yard
from hookyard.core.jobs.model import TERMINAL, Job, JobFilter
from hookyard.core.jobs.rules import Step
from hookyard.entrypoints.http.traced import TracedWebhookApp
from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import SECRET, make_yard, serving
from tests.support.collector import Collector, attributes, collecting

BODY_WORDS = "It works in a way nobody may read elsewhere"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "*")
    with collecting() as running:
        yield running


async def test_a_delivery_and_its_attempts_are_one_trace(
    tmp_path: Path, collector: Collector
) -> None:
    yard = await make_yard(tmp_path, {"HOOKYARD_OTEL_ENDPOINT": collector.url})
    async with serving(yard) as caller:
        sent = caller.scene.issue_opened(1, "A title", f"- [ ] {BODY_WORDS}")
        for expected in (202, 200):
            answer = await caller.send("issues", sent, delivery_id="twice")
            assert answer.status_code == expected, answer.text
        delivery_id = str(answer.json()["delivery_id"])
        routed = ended(yard, "ingress.route")
        await yard.start_working()
        await asyncio.wait_for(routed, 20)
        page = await yard.database.read(
            lambda unit: yard.ledger.list(unit, JobFilter(kind="ingress.route"))
        )
    await yard.close()
    route = next(job for job in page.items if job.delivery_id == delivery_id)
    root = place_of_delivery(delivery_id)
    trace = [span for span in collector.spans if int.from_bytes(span.trace_id) == root.trace_id]
    assert sorted(span.name for span in trace) == [
        "job ingress.route",
        "receive github",
        "receive github",
    ]
    received = [span for span in trace if not span.parent_span_id]
    assert [int.from_bytes(span.span_id) for span in received] == [root.span_id]
    (attempt,) = [span for span in trace if span.name == "job ingress.route"]
    place = place_of_attempt(route.id, route.lease, delivery_id)
    assert int.from_bytes(attempt.span_id) == place.span_id
    assert int.from_bytes(attempt.parent_span_id) == root.span_id
    assert attributes(attempt)["hookyard.job.outcome"] == "succeeded"
    assert not any(BODY_WORDS in str(span) for span in collector.spans)


async def test_an_issue_is_one_trace_down_to_the_comment_on_github(
    tmp_path: Path, collector: Collector
) -> None:
    with Sandbox() as sandbox:
        app = sandbox.register_app(webhook_secret=SECRET)
        sandbox.create_repository("acme/shop")
        yard = await make_yard(
            tmp_path,
            {
                "HOOKYARD_OTEL_ENDPOINT": collector.url,
                "GITHUB_APP_ID": str(app.id),
                "GITHUB_PRIVATE_KEY": app.private_key,
                "GITHUB_API_BASE_URL": sandbox.base_url,
            },
        )
        async with serving(yard) as caller:
            app.app.hook = replace(app.app.hook, url=f"{caller.http.base_url}/webhooks/github")
            landed, known = ended(yard, "effect.land"), ended(yard, "ingress.route")
            await yard.start_working()
            sandbox.create_installation(app)
            await asyncio.wait_for(known, 20)
            issue = sandbox.create_issue("acme/shop", "Save", f"## AC\n- [ ] {BODY_WORDS}\n")
            land = await asyncio.wait_for(landed, 30)
        await yard.close()
        assert len(issue.comments) == 1
    assert land.delivery_id is not None
    trace_id = place_of_delivery(land.delivery_id).trace_id
    trace = [span for span in collector.spans if int.from_bytes(span.trace_id) == trace_id]
    attempts = {span.span_id: span.name for span in trace if span.name.startswith("job ")}
    assert set(attempts.values()) == {
        "job ingress.route",
        "job criteria.extract",
        "job effect.land",
    }
    assert [span.name for span in trace if not span.parent_span_id] == ["receive github"]
    (post,) = [span for span in trace if span.name == "POST /repos/{}/{}/issues/{}/comments"]
    assert attempts[post.parent_span_id] == "job effect.land"
    assert attributes(post)["http.response.status_code"] == 201
    told = "".join(str(span) for span in collector.spans)
    assert not [word for word in (BODY_WORDS, "ghs_", app.private_key, SECRET) if word in told]


def ended(yard: Yard, kind: str) -> "asyncio.Future[Job]":
    """The first job of a kind that ends."""
    found: asyncio.Future[Job] = asyncio.get_running_loop().create_future()

    def listen(job: Job, step: Step) -> None:
        if job.kind == kind and step.life.state in TERMINAL and not found.done():
            found.set_result(job)

    yard.endings.listeners.append(listen)
    return found


async def test_without_an_endpoint_the_plain_route_runs(tmp_path: Path) -> None:
    yard = await make_yard(tmp_path, {})
    try:
        async with serving(yard) as caller:
            assert yard.traces is None
            assert type(caller.front.webhooks) is not TracedWebhookApp
            assert await caller.deliver()
    finally:
        await yard.close()
