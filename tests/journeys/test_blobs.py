"""Large bodies and artifacts through the front door, on each engine, with blobs in a folder."""

import asyncio
import random
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from hookyard.adapters.blobs.port import Reading, Span
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import RawSql
from hookyard.bootstrap import Yard
from hookyard.core.ingress.bodies import SET_ASIDE
from hookyard.core.jobs.model import ClaimRequest, Job, NewJob
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import JsonObject
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import Caller

SIZE = 700 * 1024


def large(number: int = 1) -> JsonObject:
    """An `issues` payload that stays large when it is compressed."""
    noise = random.Random(number).randbytes(SIZE // 2).hex()
    scene = GitHubScene(owner="octo", name="garden")
    return {**scene.issue_opened(number, "A title", "- [ ] It works"), "noise": noise}


def folder(yard: Yard) -> Path:
    return yard.settings.data_dir / "blobs"


async def keys(yard: Yard, area: str = "deliveries") -> list[str]:
    return [info.key for info in (await yard.storage.blobs.list(area)).items]


async def kept_in_row(yard: Yard, delivery_id: str) -> int:
    """Bytes of the body that lie in the delivery's row."""
    sql = RawSql.same("SELECT length(payload) FROM deliveries WHERE id = $1")
    rows = await yard.database.read(lambda unit: unit.fetch_raw(sql, delivery_id))
    return int(str(rows[0][0]))


async def ends(client: Caller, delivery_id: str) -> dict[str, object]:
    """The delivery, once it is routed, ignored or dead."""
    ended = asyncio.Event()
    client.yard.endings.listeners.append(lambda *_: ended.set())
    if not client.yard.tasks:
        await client.yard.start_working()
    while True:
        ended.clear()
        found = (await client.get(f"/api/deliveries/{delivery_id}")).json()
        if found["status"] != "accepted":
            return dict(found)
        await asyncio.wait_for(ended.wait(), 20)


async def test_a_large_body_lies_in_the_store_and_is_routed_and_given_back(client: Caller) -> None:
    payload = large()
    sent = await client.send("issues", payload)
    assert sent.status_code == 202, sent.text
    delivery_id = sent.json()["delivery_id"]
    assert await kept_in_row(client.yard, delivery_id) == 0
    [key] = await keys(client.yard)
    assert key == f"deliveries/{delivery_id[:5]}/{delivery_id}"
    assert (await client.yard.storage.blobs.stat(key)).size > SET_ASIDE
    back = await client.get(f"/api/deliveries/{delivery_id}/payload")
    assert back.status_code == 200
    assert back.json() == payload
    assert (await ends(client, delivery_id))["status"] == "routed"


async def test_a_body_that_is_small_when_compressed_stays_in_its_row(client: Caller) -> None:
    payload: JsonObject = {**large(), "noise": "z" * SIZE}
    delivery_id = (await client.send("issues", payload)).json()["delivery_id"]
    assert 0 < await kept_in_row(client.yard, delivery_id) < SET_ASIDE
    assert await keys(client.yard) == []
    assert (await client.get(f"/api/deliveries/{delivery_id}/payload")).json() == payload


async def test_a_large_body_that_comes_again_is_kept_once(client: Caller) -> None:
    answers = [await client.send("issues", large(), delivery_id="d-again") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert len(await keys(client.yard)) == 1


async def test_without_the_store_large_bodies_wait_and_small_ones_come_in(client: Caller) -> None:
    drafts = folder(client.yard) / ".drafts"
    drafts.rmdir()
    refused = await client.send("issues", large(), delivery_id="d-large")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["code"] == "unavailable"
    assert str(folder(client.yard)) not in refused.text
    await client.deliver()
    health = (await client.get("/healthz")).json()["dependencies"]["blobstore"]
    assert (health["healthy"], health["reason"]) == (False, "unreachable")
    drafts.mkdir()
    assert (await client.send("issues", large(), delivery_id="d-large")).status_code == 202


async def test_health_names_the_blob_store(client: Caller) -> None:
    health = (await client.get("/healthz")).json()["dependencies"]["blobstore"]
    assert (health["healthy"], health["reason"]) == (True, None)
    assert health["latency_ms"] >= 0


async def test_a_body_that_is_lost_ends_its_delivery_with_a_reason(client: Caller) -> None:
    delivery_id = (await client.send("issues", large())).json()["delivery_id"]
    for key in await keys(client.yard):
        await client.yard.storage.blobs.delete(key)
    found = await ends(client, delivery_id)
    assert found["status"] == "dead"
    assert str(found["reason"]).startswith("body_lost")
    back = await client.get(f"/api/deliveries/{delivery_id}/payload")
    assert (back.status_code, back.json()["code"]) == (404, "body_lost")


async def test_a_body_that_was_changed_on_disk_is_not_believed(client: Caller) -> None:
    delivery_id = (await client.send("issues", large())).json()["delivery_id"]
    [key] = await keys(client.yard)
    path = folder(client.yard) / key
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    back = await client.get(f"/api/deliveries/{delivery_id}/payload")
    assert (back.status_code, back.json()["code"]) == (404, "body_lost")


async def test_routing_waits_for_a_store_that_is_away(client: Caller) -> None:
    delivery_id = (await client.send("issues", large())).json()["delivery_id"]
    blobs = client.yard.storage.blobs
    get, away = blobs.get, True

    async def gone(key: str, span: Span | None = None) -> Reading:
        if away:
            raise Unavailable("the disk is being mended")
        return await get(key, span)

    blobs.get = gone  # type: ignore[method-assign]
    held = asyncio.Event()
    client.yard.endings.listeners.append(lambda *_: held.set())
    await client.yard.start_working()
    await asyncio.wait_for(held.wait(), 20)
    job = await routing_job(client, delivery_id)
    assert (job["state"], job["attempt"]) == ("waiting", 0)
    assert "blob store" in str(job["why"])
    away = False
    release = client.yard.ledger.release
    await client.yard.database.write(lambda unit: release(unit, "limit", "the blob store"))
    assert (await ends(client, delivery_id))["status"] == "routed"


async def routing_job(client: Caller, delivery_id: str) -> dict[str, object]:
    found = (await client.get("/api/jobs", delivery_id=delivery_id)).json()["items"]
    return next(dict(job) for job in found if job["kind"] == "ingress.route")


# --- artifacts ---


async def running(yard: Yard, repository: str | None = "octo/garden") -> Job:
    """A job under a lease."""
    wanted = NewJob("upkeep.bury", {}, repository=repository)
    await yard.database.write(lambda unit: yard.ledger.enqueue(unit, wanted))
    request = ClaimRequest("boot/w", 1, {}, {})
    claimed = await yard.database.write(lambda unit: yard.ledger.claim(unit, request))
    return claimed.jobs[0]


async def link_of(client: Caller, job: Job, name: str) -> str:
    """Where the API sends whoever asks for a file."""
    answer = await client.get(f"/api/jobs/{job.id}/artifacts/{name}")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def fetched(client: Caller, url: str, **headers: str) -> httpx2.Response:
    """A signed link, opened without any key."""
    return await client.http.get(url, headers=headers)


async def test_an_artifact_is_listed_and_saved_by_a_signed_link(client: Caller) -> None:
    job = await running(client.yard)
    page = b"<script>alert(1)</script>" * 50_000
    await client.yard.artifacts.add(job, "page.html", once(page), content_type="text/html")
    listed = (await client.get(f"/api/jobs/{job.id}/artifacts")).json()
    assert [(a["name"], a["size"], a["url"]) for a in listed["items"]] == [
        ("page.html", len(page), f"/api/jobs/{job.id}/artifacts/page.html")
    ]
    url = await link_of(client, job, "page.html")
    saved = await fetched(client, url)
    assert (saved.status_code, saved.content) == (200, page)
    assert saved.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["x-content-type-options"] == "nosniff"
    assert saved.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in saved.headers["cache-control"]


async def test_a_part_of_an_artifact(client: Caller) -> None:
    job = await running(client.yard)
    await client.yard.artifacts.add(job, "a.bin", once(b"0123456789"))
    url = await link_of(client, job, "a.bin")
    part = await fetched(client, url, range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert (await fetched(client, url, range="bytes=7-")).content == b"789"
    assert (await fetched(client, url, range="bytes=10-")).status_code == 416
    assert (await fetched(client, url, range="bytes=4-2")).status_code == 416
    for whole in ("bytes=-3", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"):
        assert (await fetched(client, url, range=whole)).status_code == 200


async def test_a_link_that_was_changed_or_made_up_is_refused(client: Caller) -> None:
    job = await running(client.yard)
    first = await client.yard.artifacts.add(job, "a", once(b"a"))
    second = await client.yard.artifacts.add(job, "b", once(b"b"))
    url = await link_of(client, job, "a")
    for bad in (
        url.replace(first.key, second.key),
        url.replace("filename=a", "filename=a.html"),
        url.replace("expires=", "expires=9"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("&signature=")[0],
        url.partition("?")[0],
        "/blobs/",
        "/blobs/%2e%2e/admin.key?expires=1&filename=x&signature=00",
    ):
        answer = await fetched(client, bad)
        assert answer.status_code in (403, 404), (bad, answer.status_code)
        if answer.status_code == 403:
            assert answer.json()["code"] == "bad_signature"


async def test_an_old_link_is_refused(client: Caller) -> None:
    job = await running(client.yard)
    made = await client.yard.artifacts.add(job, "a", once(b"a"))
    links = client.yard.storage.links
    assert links is not None
    fields = urlsplit(await link_of(client, job, "a")).query
    assert "expires=" in fields
    past = str(client.yard.clock.now_ms() // 1000 - 1)
    signature = links._sign(made.key, past, "a").hex()
    answer = await fetched(
        client, f"/blobs/{made.key}?expires={past}&filename=a&signature={signature}"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "expired")


@pytest.mark.parametrize("path", ["/artifacts", "/artifacts/a"])
async def test_artifacts_are_as_visible_as_their_job(client: Caller, path: str) -> None:
    job = await running(client.yard, "octo/garden")
    await client.yard.artifacts.add(job, "a", once(b"a"))
    good, other = (
        await client.key("viewer", "repo:octo/garden"),
        await client.key("viewer", "repo:octo/x"),
    )
    assert (await good.get(f"/api/jobs/{job.id}{path}")).status_code in (200, 302)
    assert (await other.get(f"/api/jobs/{job.id}{path}")).status_code == 404
    assert (await client.with_token("").get(f"/api/jobs/{job.id}{path}")).status_code == 401
    missing = "0" * 26
    assert (await client.get(f"/api/jobs/{missing}{path}")).status_code == 404
    assert (await client.get(f"/api/jobs/{job.id}/artifacts/none")).status_code == 404
