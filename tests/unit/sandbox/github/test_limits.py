"""Rate limits, conditional requests and pages."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.support.sandbox import Hub

SECONDARY = "secondary rate limit"


async def test_every_answer_carries_the_quota(hub: Hub) -> None:
    first = await hub.repo("GET", "")
    second = await hub.repo("GET", "/issues/999")
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert second.headers["x-ratelimit-remaining"] == "4998"
    assert second.headers["x-ratelimit-used"] == "2"
    assert int(second.headers["x-ratelimit-reset"]) == hub.now_s + 3600
    assert second.headers["x-ratelimit-resource"] == "core"


@pytest.mark.parametrize("status", [403, 429])
async def test_a_used_up_quota_refuses_until_the_reset(hub: Hub, status: int) -> None:
    hub.sandbox.limits.primary_per_hour = 2
    hub.sandbox.limits.status = status
    for _ in range(2):
        assert (await hub.repo("GET", "")).status_code == 200
    answer = await hub.repo("POST", "/issues/1/comments", {"body": "x"})
    assert answer.status_code == status
    assert answer.headers["x-ratelimit-remaining"] == "0"
    expected = f"API rate limit exceeded for installation ID {hub.installation.id}."
    assert answer.json()["message"] == expected
    assert hub.sandbox.history(kind="comment") == []
    hub.clock.advance(3600)
    fresh = hub.sandbox.mint(hub.installation)
    assert (await hub.repo("GET", "", token=fresh)).status_code == 200


async def test_quotas_are_per_installation(hub: Hub) -> None:
    hub.sandbox.limits.primary_per_hour = 1
    assert (await hub.repo("GET", "")).status_code == 200
    assert (await hub.as_app("GET", "/app")).status_code == 200
    assert (await hub.repo("GET", "")).status_code == 403


async def test_asking_for_the_rate_limit_is_free(hub: Hub) -> None:
    for _ in range(3):
        core = (await hub.call("GET", "/rate_limit")).json()["resources"]["core"]
        assert core["used"] == 0


async def test_an_unchanged_answer_is_free(hub: Hub) -> None:
    first = await hub.repo("GET", "/issues/1")
    again = await hub.repo("GET", "/issues/1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-used"] == "1"
    hub.sandbox.edit_issue("acme/shop", 1, body="changed")
    third = await hub.repo("GET", "/issues/1", headers={"If-None-Match": first.headers["etag"]})
    assert third.status_code == 200
    assert third.headers["etag"] != first.headers["etag"]
    assert third.headers["x-ratelimit-used"] == "2"


async def test_over_80_pieces_of_content_a_minute_are_refused(hub: Hub) -> None:
    for number in range(80):
        made = await hub.repo("POST", "/issues/1/comments", {"body": str(number)})
        assert made.status_code == 201
    hub.clock.advance(20)
    answer = await hub.repo("POST", "/issues/1/comments", {"body": "80"})
    assert answer.status_code == 403
    assert SECONDARY in answer.json()["message"]
    assert answer.headers["retry-after"] == "40"
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    assert (await hub.repo("GET", "/issues/1")).status_code == 200
    hub.clock.advance(40)
    assert (await hub.repo("POST", "/issues/1/comments", {"body": "80"})).status_code == 201


async def test_over_500_pieces_of_content_an_hour_are_refused(hub: Hub) -> None:
    for number in range(500):
        if number % 50 == 0:
            hub.clock.advance(61)
        made = await hub.repo("POST", "/issues/1/comments", {"body": str(number)})
        assert made.status_code == 201
    hub.clock.advance(61)
    answer = await hub.repo("POST", "/issues/1/comments", {"body": "500"})
    assert answer.status_code == 403
    assert int(answer.headers["retry-after"]) > 60


async def test_over_900_points_a_minute_are_refused(hub: Hub) -> None:
    hub.sandbox.limits.points_per_minute = 11
    hub.sandbox.limits.retry_after = False
    for _ in range(6):
        assert (await hub.repo("GET", "")).status_code == 200
    assert (await hub.repo("PATCH", "/issues/1", {"body": "x"})).status_code == 200
    answer = await hub.repo("GET", "")
    assert answer.status_code == 403
    assert SECONDARY in answer.json()["message"]
    assert "retry-after" not in answer.headers


async def test_over_100_at_once_are_refused(hub: Hub) -> None:
    hub.sandbox.limits.concurrent = 1
    hub.sandbox.fail("slow", delay_s=5)
    slow = asyncio.create_task(hub.repo("GET", ""))
    while not hub.sandbox.gateway.running():
        await asyncio.sleep(0)
    answer = await hub.repo("GET", "")
    assert answer.status_code == 403
    assert SECONDARY in answer.json()["message"]
    hub.clock.advance(5)
    assert (await slow).status_code == 200


async def test_pages_have_30_items_and_links(hub: Hub) -> None:
    for number in range(65):
        hub.sandbox.create_comment("acme/shop", 1, str(number))
    path = "/issues/1/comments"
    seen: list[str] = []
    url: str | None = f"/repos/acme/shop{path}"
    while url:
        answer = await hub.call("GET", url)
        seen += [c["body"] for c in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert seen == [str(n) for n in range(65)]
    first = await hub.repo("GET", path)
    assert len(first.json()) == 30
    assert set(first.links) == {"next", "last"}
    number = hub.sandbox.repository("acme/shop").id
    expected = f"{hub.sandbox.base_url}/repositories/{number}{path}?page=3"
    assert first.links["last"]["url"] == expected
    last = await hub.repo("GET", path + "?page=3")
    assert set(last.links) == {"prev", "first"}
    assert len(last.json()) == 5


async def test_a_page_has_at_most_100_items(hub: Hub) -> None:
    for number in range(101):
        hub.sandbox.create_comment("acme/shop", 1, str(number))
    assert len((await hub.repo("GET", "/issues/1/comments?per_page=1000")).json()) == 100
    assert len((await hub.repo("GET", "/issues/1/comments?per_page=x")).json()) == 30
    assert (await hub.repo("GET", "/issues/1/comments?page=9")).json() == []


async def test_lists_can_start_at_an_instant(hub: Hub) -> None:
    hub.sandbox.create_comment("acme/shop", 1, "early")
    hub.clock.advance(60)
    since = datetime.fromtimestamp(hub.now_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hub.sandbox.create_comment("acme/shop", 1, "late")
    found = await hub.repo("GET", f"/issues/1/comments?since={since}")
    assert [c["body"] for c in found.json()] == ["late"]


async def test_requests_need_a_user_agent(hub: Hub) -> None:
    answer = await hub.repo("GET", "", headers={"User-Agent": ""})
    assert answer.status_code == 403
    assert "User-Agent" in answer.json()["message"]


async def test_an_unknown_api_version_is_refused(hub: Hub) -> None:
    answer = await hub.repo("GET", "", headers={"X-GitHub-Api-Version": "1999-01-01"})
    assert answer.status_code == 400
    for version in ("2022-11-28", "2026-03-10"):
        answer = await hub.repo("GET", "", headers={"X-GitHub-Api-Version": version})
        assert answer.headers["x-github-api-version-selected"] == version


async def test_the_enterprise_prefix_is_the_same_api(hub: Hub) -> None:
    answer = await hub.call("GET", "/api/v3/repos/acme/shop/issues")
    assert answer.status_code == 200
    assert answer.json()[0]["url"].endswith("/api/v3/repos/acme/shop/issues/1")
    assert "/api/v3" not in answer.json()[0]["html_url"]


async def test_a_repository_is_known_by_its_id_too(hub: Hub) -> None:
    number = hub.sandbox.repository("acme/shop").id
    for prefix in ("", "/api/v3"):
        answer = await hub.call("GET", f"{prefix}/repositories/{number}")
        assert answer.json()["full_name"] == "acme/shop"
        answer = await hub.call("GET", f"{prefix}/repositories/{number}/issues/1")
        assert answer.json()["number"] == 1
    assert (await hub.call("GET", "/repositories/1/issues")).status_code == 404
    assert (await hub.call("GET", "/repositories/x")).status_code == 404


async def test_unknown_routes_and_methods_are_not_found(hub: Hub) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/app"), ("GET", "/repos/acme/shop/x")):
        answer = await hub.call(method, path)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
        assert "date" in answer.headers
