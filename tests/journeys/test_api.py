"""The API through the front door: what came in, what it led to, and bringing it back."""

import json

import pytest

from hookyard.core.jobs.model import ClaimRequest, Fail, Finished, Job
from hookyard.core.publishing.model import CommentEffect
from tests.journeys.conftest import Caller


async def test_delivery_and_its_jobs_are_shown(client: Caller) -> None:
    delivery_id = await client.routed()
    found = (await client.get(f"/api/deliveries/{delivery_id}")).json()
    assert found["status"] == "routed"
    assert (found["provider"], found["event"], found["action"]) == ("github", "issues", "opened")
    assert found["repository"] == "octo/garden"
    assert next(job["kind"] for job in found["jobs"]) == "ingress.route"
    assert found["jobs"][0]["state"] == "succeeded"
    job = (await client.get(f"/api/jobs/{found['jobs'][0]['id']}")).json()
    assert job["delivery_id"] == delivery_id
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["succeeded"]


async def test_lists_page_without_gap_or_repeat(client: Caller) -> None:
    made = [await client.deliver(number=n) for n in range(1, 8)]
    items = await client.page("/api/deliveries", limit=3)
    assert [item["id"] for item in items] == made[::-1]
    assert all(len(item["jobs"]) == 1 for item in items)
    jobs = await client.page("/api/jobs", limit=2)
    assert {job["delivery_id"] for job in jobs} == set(made)


async def test_lists_filter_by_field(client: Caller) -> None:
    await client.routed("octo/garden")
    waiting = await client.page("/api/deliveries", provider="slack")
    assert waiting == []
    for wanted in (
        {"source": "github"},
        {"event": "issues"},
        {"action": "opened"},
        {"repository": "octo/garden"},
        {"status": "routed"},
    ):
        assert len(await client.page("/api/deliveries", **wanted)) == 1, wanted
    assert len(await client.page("/api/jobs", kind="ingress.route", state="succeeded")) == 1


async def test_effects_are_shown_with_what_is_wanted(client: Caller) -> None:
    delivery_id = await client.deliver()
    effect = CommentEffect("octo/garden", 1, "criteria", "Hello")
    yard = client.yard
    effect_id = await yard.database.write(
        lambda unit: yard.publisher.request(unit, effect, delivery_id=delivery_id)
    )
    found = (await client.get(f"/api/effects/{effect_id}")).json()
    assert (found["state"], found["url"], found["desired"]["body"]) == ("pending", None, "Hello")
    for wanted in (
        {"delivery_id": delivery_id},
        {"repository": "octo/garden"},
        {"state": "pending"},
        {"job_id": found["job_id"]},
    ):
        assert [e["id"] for e in await client.page("/api/effects", **wanted)] == [effect_id]
    detail = (await client.get(f"/api/deliveries/{delivery_id}")).json()
    shown = {"id": effect_id, "kind": "comment", "state": "pending", "url": None}
    assert detail["effects"] == [shown]


async def test_payload_is_saved_as_it_came_and_never_shown(client: Caller) -> None:
    sent = await client.send("ping", client.scene.ping())
    path = f"/api/deliveries/{sent.json()['delivery_id']}/payload"
    got = await client.get(path)
    assert json.loads(got.content) == client.scene.ping()
    assert got.headers["content-type"] == "application/json"
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    viewer = await client.key("viewer")
    assert (await viewer.get(path)).status_code == 403


async def test_replay_routes_again_once_routing_has_ended(client: Caller) -> None:
    waiting = await client.deliver()
    early = await client.call("POST", f"/api/deliveries/{waiting}/replay")
    assert (early.status_code, early.json()["code"]) == (409, "not_finished")
    delivery_id = await client.routed(number=2)
    again = await client.call("POST", f"/api/deliveries/{delivery_id}/replay")
    assert again.status_code == 202
    job = (await client.get(f"/api/jobs/{again.json()['job_id']}")).json()
    assert (job["kind"], job["delivery_id"]) == ("ingress.route", delivery_id)


async def test_job_is_started_cancelled_and_replayed(client: Caller) -> None:
    wanted = {"kind": "agent.task", "payload": {"say": "hi"}, "repository": "octo/garden"}
    made = await client.call("POST", "/api/jobs", wanted)
    assert made.status_code == 202
    path = f"/api/jobs/{made.json()['job_id']}"
    job = (await client.get(path)).json()
    assert (job["state"], job["payload"]) == ("queued", {"say": "hi"})
    cancelled = (await client.call("POST", f"{path}/cancel")).json()
    assert cancelled["state"] == "cancelled"
    assert "cancelled by admin_key:admin" in json.dumps(cancelled["error"])
    replayed = (await client.call("POST", f"{path}/replay")).json()
    assert replayed["state"] == "queued"


async def test_delayed_job_says_until_when_it_waits(client: Caller) -> None:
    wanted = {"kind": "agent.task", "run_at": "2100-01-01T00:00:00Z"}
    made = (await client.call("POST", "/api/jobs", wanted)).json()
    job = (await client.get(f"/api/jobs/{made['job_id']}")).json()
    assert job["state"] == "waiting"
    assert job["waiting_for"] == {
        "what": "time",
        "holder": None,
        "until": "2100-01-01T00:00:00.000Z",
    }
    assert job["why"]


async def test_same_key_folds_when_asked(client: Caller) -> None:
    wanted = {"kind": "agent.task", "key": "octo/garden#1", "policy": "drop_new"}
    first = (await client.call("POST", "/api/jobs", wanted)).json()
    second = (await client.call("POST", "/api/jobs", wanted)).json()
    assert second == {"job_id": first["job_id"], "folded": True}


async def _die(client: Caller) -> list[Job]:
    """Every ready job, claimed and failed for good."""
    yard = client.yard
    claimed = await yard.database.write(
        lambda unit: yard.ledger.claim(unit, ClaimRequest("other/one", 50, {}, {}))
    )
    ended = [Finished(job, Fail("it broke")) for job in claimed.jobs]
    await yard.database.write(lambda unit: yard.ledger.finish_batch(unit, ended))
    return list(claimed.jobs)


async def test_many_dead_jobs_are_replayed_by_filter(client: Caller) -> None:
    for number in range(3):
        await client.deliver(number=number + 1)
    dead = await _die(client)
    assert len(dead) == 3
    body = {"filter": {"kind": "ingress.route"}, "limit": 2}
    some = (await client.call("POST", "/api/jobs/replay", body)).json()
    assert some["ids"] == sorted(job.id for job in dead)[:2]
    rest = (await client.call("POST", "/api/jobs/replay", {"filter": {}})).json()
    assert len(rest["ids"]) == 1
    none = (await client.call("POST", "/api/jobs/replay", {"filter": {"kind": "x.y"}})).json()
    assert none["ids"] == []


async def test_log_is_paged_in_order(client: Caller) -> None:
    made = (await client.call("POST", "/api/jobs", {"kind": "ingress.route"})).json()
    yard = client.yard
    claimed = await yard.database.write(
        lambda unit: yard.ledger.claim(unit, ClaimRequest("other/one", 5, {}, {}))
    )
    (job,) = claimed.jobs
    for number in range(5):
        await yard.database.write(
            lambda unit, n=number: yard.ledger.log(unit, job, f"line {n}", {"n": n})
        )
    lines = await client.page(f"/api/jobs/{made['job_id']}/log", limit=2)
    assert [line["message"] for line in lines] == [f"line {n}" for n in range(5)]
    assert lines[3]["fields"] == {"n": 3}


async def test_repositories_come_from_installations(client: Caller) -> None:
    await _installed(client)
    listed = await client.page("/api/repos")
    assert listed
    name = str(listed[0]["full_name"])
    found = (await client.get(f"/api/repos/{name}")).json()
    assert found["repository"]["full_name"] == name
    assert found["installation"]["account_login"] == "octo"
    assert (await client.get("/api/repos/octo/nowhere")).status_code == 404
    foreign = await client.key("viewer", "repo:acme/shop")
    assert await foreign.page("/api/repos") == []
    assert (await foreign.get(f"/api/repos/{name}")).status_code == 404
    own = await client.key("viewer", f"repo:{name}")
    assert [found["full_name"] for found in await own.page("/api/repos")] == [name]


async def _installed(client: Caller) -> None:
    sent = await client.send("installation", client.scene.installation_created())
    assert sent.status_code == 202
    await client.routed(number=99)
    while not await client.page("/api/deliveries", event="installation", status="routed"):
        ignored = await client.page("/api/deliveries", event="installation", status="ignored")
        if ignored:
            return
        await client.routed(number=100)


async def test_configuration_schema_is_published(client: Caller) -> None:
    schema = (await client.get("/api/config/schema")).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "commands" in schema["properties"]


@pytest.mark.parametrize("what", ["deliveries", "jobs", "effects", "admin/keys"])
async def test_what_is_not_there_is_a_problem(client: Caller, what: str) -> None:
    verb = "DELETE" if what == "admin/keys" else "GET"
    missing = await client.call(verb, f"/api/{what}/01k0000000000000000000000z")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["code"] == "not_found"
