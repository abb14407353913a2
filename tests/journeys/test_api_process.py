"""What the process says of itself: alive, ready, healthy, measured, documented."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import Caller, make_yard, serving


async def test_alive_and_ready_need_no_key(client: Caller) -> None:
    stranger = client.with_token("")
    assert (await stranger.get("/health")).json() == {"status": "alive"}
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


async def test_not_ready_once_the_runner_has_died(client: Caller) -> None:
    await client.yard.start_working()
    runner = next(task for task in client.yard.tasks if task.get_name() == "runner")
    runner.cancel()
    while not runner.done():
        await client.get("/health")
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "reasons": ["runner_stopped"]}


async def test_a_lost_database_is_said_and_breaks_no_page(tmp_path: Path) -> None:
    yard = await make_yard(tmp_path, {})
    async with serving(yard) as caller:
        await yard.database.close()
        ready = await caller.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        health = await caller.get("/healthz")
        assert health.status_code == 503
        assert health.json()["dependencies"]["sqlite"]["healthy"] is False
        assert (await caller.get("/health")).status_code == 200
        metrics = await caller.get("/metrics")
        assert metrics.status_code == 200
        assert "tasks_in_queue" not in metrics.text
        unstored = await caller.send("ping", caller.scene.ping())
        assert unstored.status_code == 503
        assert unstored.headers["retry-after"]
        assert unstored.json()["code"] == "unavailable"
    await yard.close()


async def test_missing_github_app_is_unhealthy(client: Caller) -> None:
    answer = await client.with_token("").get("/healthz")
    found = answer.json()
    engine = "postgres" if client.yard.database.dialect == "postgresql" else "sqlite"
    assert answer.status_code == 503
    assert found["healthy"] is False
    assert set(found["dependencies"]) == {engine, "queue", "blobstore", "github_api"}
    assert found["dependencies"][engine]["healthy"] is True
    assert found["dependencies"]["queue"]["healthy"] is True
    assert found["dependencies"]["github_api"]["reason"] == "not_configured"


async def test_healthy_with_a_github_app_that_answers(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        app = sandbox.register_app()
        yard = await make_yard(
            tmp_path,
            {
                "GITHUB_APP_ID": str(app.id),
                "GITHUB_PRIVATE_KEY": app.private_key,
                "GITHUB_API_BASE_URL": sandbox.base_url,
            },
        )
        try:
            async with serving(yard) as caller:
                answer = await caller.get("/healthz")
                assert answer.status_code == 200, answer.text
                assert answer.json()["dependencies"]["github_api"]["healthy"] is True
                before = len(yard.calls.listeners)
                for _ in range(20):
                    await caller.get("/healthz")
                assert len(yard.calls.listeners) == before
                text = (await caller.get("/metrics")).text
                calls = 'hookyard_github_calls_total{method="GET",route="/app",status="200"} 1.0'
                assert calls in text
                assert app.private_key not in answer.text
        finally:
            await yard.close()


async def test_metrics_have_the_fixed_names(client: Caller) -> None:
    await client.routed()
    await client.send("issues", {}, secret="wrong")
    text = (await client.with_token("").get("/metrics")).text
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    requests = ("webhook_requests_total", (("provider", "github"), ("status", "accepted")))
    assert found[requests] == 1
    failures = ("webhook_signature_validation_failures_total", (("provider", "github"),))
    assert found[failures] == 1
    names = {name for name, _ in found}
    assert {
        "tasks_in_queue",
        "task_processing_duration_seconds_bucket",
        "hookyard_effects",
        "hookyard_deliveries_recent",
        "hookyard_queue_oldest_seconds",
        "hookyard_delivery_batch_size_bucket",
        "hookyard_database_commits_total",
    } <= names
    routed = ("task_processing_duration_seconds_count", (
        ("kind", "ingress.route"), ("outcome", "succeeded"),
    ))  # fmt: skip
    assert found[routed] == 1
    lanes = {dict(labels)["lane"] for name, labels in found if name == "tasks_in_queue"}
    assert lanes == {"critical", "high", "default", "bulk"}
    labels = {label for _, pairs in found for label, _ in pairs}
    assert labels <= {
        "provider", "status", "lane", "state", "kind", "outcome", "le", "method", "route",
        "resource", "source",
    }  # fmt: skip
    assert "octo" not in text


async def test_metrics_through_a_proxy_need_the_right(client: Caller) -> None:
    through = {"x-forwarded-for": "203.0.113.9"}
    refused = await client.http.get("/metrics", headers=through)
    assert refused.status_code == 401
    viewer = await client.key("viewer")
    allowed = {**through, "authorization": f"Bearer {viewer.token}"}
    assert (await client.http.get("/metrics", headers=allowed)).status_code == 200
    mint = await client.key("mint")
    forbidden = {**through, "authorization": f"Bearer {mint.token}"}
    assert (await client.http.get("/metrics", headers=forbidden)).status_code == 403


class Loaded(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "form"):
            self.found.append(tag)
        for name, _ in attrs:
            if name.startswith("on") or name in ("src", "style"):
                self.found.append(name)


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_load_nothing_and_say_so(client: Caller, path: str) -> None:
    answer = await client.with_token("").get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    loaded = Loaded()
    loaded.feed(answer.text)
    assert loaded.found == []


async def test_docs_page_shows_every_operation(client: Caller) -> None:
    text = (await client.get("/docs")).text
    document = (await client.get("/openapi.json")).json()
    shown = set(re.findall(r'<h3 id="([a-z_]+)"><span class="verb">', text))
    named = {op["operationId"] for item in document["paths"].values() for op in item.values()}
    assert shown == named
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors


async def test_every_answer_carries_its_headers_and_request_id(client: Caller) -> None:
    for path in ("/api/me", "/api/nowhere", "/health", "/docs", "/openapi.json"):
        answer = await client.http.get(path, headers={"x-request-id": "abc-123"})
        assert answer.headers["x-request-id"] == "abc-123"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    unfit = {"x-request-id": "no good;" + "x" * 80}
    made = await client.http.get("/api/me", headers=unfit)
    assert re.fullmatch(r"[0-9a-z]{26}", made.headers["x-request-id"])
