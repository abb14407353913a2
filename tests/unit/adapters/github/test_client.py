"""One call at a time: credentials, outcomes, retries, conditional requests, redirects."""

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hookyard.adapters.github.port import (
    GitHubFailed,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubUnclear,
)
from tests.support.github import BASE, HastyClock, Script, answer, date_header
from tests.support.secret_stubs import rsa_key

SECONDARY = {"message": "You have exceeded a secondary rate limit."}


async def test_call_carries_the_headers_github_asks_for() -> None:
    script = Script(answer(200, {"ok": True}))
    response = await script.client.call("GET", "/app", query={"a": 1})
    request = script.requests[0]
    assert response.data == {"ok": True}
    assert str(request.url) == f"{BASE}/app?a=1"
    assert request.headers["authorization"].startswith("Bearer ey")
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert request.headers["user-agent"] == "hookyard"


async def test_body_goes_out_as_json_and_an_empty_answer_is_none() -> None:
    script = Script(answer(204))
    response = await script.client.call("post", "/app/hook", body={"a": ["ü"]})
    assert (response.status, response.data) == (204, None)
    assert script.requests[0].method == "POST"
    assert script.requests[0].headers["content-type"] == "application/json"
    assert script.requests[0].content == '{"a":["ü"]}'.encode()


async def test_enterprise_prefix_stays_on_every_request() -> None:
    script = Script(
        answer(200, [{"n": 1}], {"link": '<https://ghe.test/api/v3/x?page=2>; rel="next"'}),
        answer(200, [{"n": 2}]),
        base_url="https://ghe.test/api/v3/",
    )
    assert [item["n"] async for item in script.client.pages("/x")] == [1, 2]
    assert script.asked == ["GET /api/v3/x?per_page=100", "GET /api/v3/x?page=2"]


@pytest.mark.parametrize("status", [404, 410])
async def test_missing_things_are_told_apart(status: int) -> None:
    with pytest.raises(GitHubMissing, match="Not Found") as caught:
        await Script(answer(status, {"message": "Not Found"})).client.call("GET", "/x")
    assert caught.value.status == status


async def test_refusal_carries_githubs_words_and_data() -> None:
    data = {"message": "Validation Failed", "errors": [{"field": "head_sha"}]}
    with pytest.raises(GitHubRefused, match="Validation Failed") as caught:
        await Script(answer(422, data)).client.call("POST", "/x", body={})
    assert caught.value.data == data


async def test_refusal_that_is_not_json_still_has_a_message() -> None:
    with pytest.raises(GitHubRefused, match="HTTP 400"):
        await Script(httpx2.Response(400, content=b"<html>")).client.call("POST", "/x", body={})


async def test_get_is_tried_again_at_most_three_times() -> None:
    script = Script(*[answer(500) for _ in range(4)])
    with pytest.raises(GitHubFailed):
        await script.client.call("GET", "/x")
    assert len(script.requests) == 4
    assert isinstance(script.clock, HastyClock)
    assert len(script.clock.slept) == 3
    assert all(0 < pause <= 8 for pause in script.clock.slept)


@pytest.mark.parametrize(
    "first",
    [
        answer(502),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("reset"),
        httpx2.Response(200, content=b"{", headers={"content-length": "1"}),
    ],
    ids=["502", "connect", "timeout", "reset", "truncated"],
)
async def test_get_recovers_from_one_failure(first: httpx2.Response | Exception) -> None:
    script = Script(first, answer(200, [1]))
    if isinstance(first, httpx2.Response) and first.status_code == 200:
        with pytest.raises(GitHubFailed, match="not JSON"):
            await script.client.call("GET", "/x")
        return
    assert (await script.client.call("GET", "/x")).data == [1]


@pytest.mark.parametrize("error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout])
async def test_write_that_never_went_out_has_failed(error: type[httpx2.TransportError]) -> None:
    script = Script(error("no"))
    with pytest.raises(GitHubFailed, match=error.__name__):
        await script.client.call("POST", "/x", body={})
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "error", [httpx2.ReadTimeout, httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.WriteError]
)
async def test_write_without_an_answer_is_unclear(error: type[httpx2.TransportError]) -> None:
    script = Script(error("gone"))
    with pytest.raises(GitHubUnclear):
        await script.client.call("POST", "/x", body={})
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(500, GitHubFailed), (502, GitHubUnclear), (503, GitHubFailed), (504, GitHubUnclear)],
)
async def test_write_is_never_repeated_after_a_server_error(
    status: int, outcome: type[Exception]
) -> None:
    script = Script(answer(status))
    with pytest.raises(outcome):
        await script.client.call("PATCH", "/x", body={})
    assert len(script.requests) == 1


async def test_secondary_limit_without_header_holds_a_minute_and_everything_with_it() -> None:
    script = Script(answer(403, SECONDARY), answer(200, 1))
    now_ms = script.clock.now_ms()
    with pytest.raises(GitHubLimited) as caught:
        await script.client.call("POST", "/x", body={})
    assert (caught.value.kind, caught.value.until_ms) == ("secondary", now_ms + 60_000)
    script.clock.advance(59.9)
    with pytest.raises(GitHubLimited) as again:
        await script.client.call("GET", "/y")
    assert again.value.until_ms == now_ms + 60_000
    assert len(script.requests) == 1
    script.clock.advance(0.1)
    assert (await script.client.call("GET", "/y")).data == 1


async def test_primary_limit_of_search_leaves_the_rest_alone() -> None:
    spent = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1700000030",
        "x-ratelimit-resource": "search",
    }
    script = Script(answer(403, {"message": "API rate limit exceeded"}, spent), answer(200, 1))
    with pytest.raises(GitHubLimited, match="primary"):
        await script.client.call("GET", "/search/code")
    assert (await script.client.call("GET", "/x")).data == 1


@pytest.mark.parametrize("skew_s", [600, -600])
async def test_clock_skew_is_learned_and_the_call_repeated_once(skew_s: int) -> None:
    clock = HastyClock()
    date = date_header(clock.now_ms() + skew_s * 1000)
    said = {"message": "'Issued at' claim ('iat') must be an Integer"}
    script = Script(answer(401, said, date), answer(200, {"id": 42}), clock=clock)
    assert (await script.client.call("GET", "/app")).data == {"id": 42}
    assert script.client.jwt.offset_ms == skew_s * 1000
    assert (
        script.requests[0].headers["authorization"] != script.requests[1].headers["authorization"]
    )


async def test_credentials_refused_for_good_are_not_tried_twice() -> None:
    clock = HastyClock()
    script = Script(
        answer(401, {"message": "Bad credentials"}, date_header(clock.now_ms())), clock=clock
    )
    with pytest.raises(GitHubRefused, match="Bad credentials"):
        await script.client.call("GET", "/app")


async def test_a_key_that_was_exchanged_is_asked_for_once_when_github_refuses() -> None:
    clock = HastyClock()
    refused = answer(401, {"message": "Bad credentials"}, date_header(clock.now_ms()))
    script = Script(refused, answer(200, {"id": 42}), clock=clock)
    asked = 0

    async def other_key() -> bool:
        nonlocal asked
        asked += 1
        script.client.jwt.use_key(secrets_pem())
        return True

    script.client.jwt.on_refused = other_key
    assert (await script.client.call("GET", "/app")).data == {"id": 42}
    assert asked == 1
    before, after = (request.headers["authorization"] for request in script.requests)
    assert before != after


async def test_a_key_that_nobody_exchanged_is_refused_after_one_question() -> None:
    clock = HastyClock()
    refused = answer(401, {"message": "Bad credentials"}, date_header(clock.now_ms()))
    script = Script(refused, clock=clock)

    async def same_key() -> bool:
        return False

    script.client.jwt.on_refused = same_key
    with pytest.raises(GitHubRefused, match="Bad credentials"):
        await script.client.call("GET", "/app")
    assert len(script.requests) == 1


def secrets_pem() -> str:
    """Another RSA key in PEM."""
    return (
        rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    )


async def test_unchanged_answer_comes_from_the_cache() -> None:
    script = Script(
        answer(200, {"v": [1]}, {"etag": 'W/"1"', "link": "<l>"}),
        answer(304, headers={"x-ratelimit-remaining": "7"}),
    )
    first = await script.client.call("GET", "/x")
    second = await script.client.call("GET", "/x")
    assert "if-none-match" not in script.requests[0].headers
    assert script.requests[1].headers["if-none-match"] == 'W/"1"'
    assert (first.unchanged, second.unchanged) == (False, True)
    assert (second.status, second.data) == (200, {"v": [1]})
    assert second.data is not first.data
    assert second.headers["link"] == "<l>"
    assert second.headers["x-ratelimit-remaining"] == "7"
    assert [report.status for report in script.reports] == [200, 304]


async def test_changed_answer_replaces_the_kept_one() -> None:
    script = Script(answer(200, 1, {"etag": '"1"'}), answer(200, 2, {"etag": '"2"'}), answer(304))
    for expected in (1, 2, 2):
        assert (await script.client.call("GET", "/x")).data == expected
    assert script.requests[2].headers["if-none-match"] == '"2"'


async def test_write_is_never_conditional() -> None:
    script = Script(answer(200, 1, {"etag": '"1"'}), answer(201, 2, {"etag": '"2"'}))
    await script.client.call("GET", "/x")
    await script.client.call("POST", "/x", body={})
    assert "if-none-match" not in script.requests[1].headers


async def test_pages_are_followed_and_unwrapped() -> None:
    first = {"total_count": 3, "check_runs": [{"id": 1}, {"id": 2}]}
    script = Script(
        answer(200, first, {"link": f'<{BASE}/r?page=2>; rel="next"'}),
        answer(200, {"total_count": 3, "check_runs": [{"id": 3}]}),
    )
    got = [item["id"] async for item in script.client.pages("/r", query={"filter": "all"})]
    assert got == [1, 2, 3]
    assert script.asked[0] == "GET /api/r?per_page=100&filter=all"


async def test_pages_stop_at_the_limit_without_asking_for_more() -> None:
    script = Script(answer(200, [{}, {}], {"link": f'<{BASE}/r?page=2>; rel="next"'}))
    assert len([item async for item in script.client.pages("/r", limit=2)]) == 2
    assert len(script.requests) == 1


async def test_pages_that_link_in_a_circle_end() -> None:
    link = {"link": f'<{BASE}/r?page=2>; rel="next"'}
    script = Script(answer(200, [{}], link), answer(200, [{}], link))
    assert len([item async for item in script.client.pages("/r")]) == 2


@pytest.mark.parametrize("where", ["https://evil.test/api/r", "http://github.test/api/r"])
async def test_next_link_to_another_host_is_refused(where: str) -> None:
    script = Script(answer(200, [{}], {"link": f'<{where}?page=2>; rel="next"'}))
    with pytest.raises(GitHubRefused, match="another host"):
        [item async for item in script.client.pages("/r")]
    assert len(script.requests) == 1


async def test_pages_of_something_else_are_refused() -> None:
    with pytest.raises(GitHubRefused, match="list"):
        [item async for item in Script(answer(200, {"id": 1})).client.pages("/r")]


async def test_redirect_of_a_renamed_repository_is_followed() -> None:
    moved = answer(301, headers={"location": f"{BASE}/repositories/7/issues"})
    script = Script(moved, answer(200, [1]))
    assert (await script.client.call("GET", "/repos/o/r/issues")).data == [1]
    assert script.asked[1] == "GET /api/repositories/7/issues"
    assert script.reports[1].route == "/repositories/{}/issues"


async def test_write_is_redirected_only_where_the_method_stays() -> None:
    there = {"location": f"{BASE}/repositories/7/issues"}
    script = Script(answer(307, headers=there), answer(201, 1), answer(301, headers=there))
    assert (await script.client.call("POST", "/repos/o/r/issues", body={"a": 1})).status == 201
    assert (script.requests[1].method, script.requests[1].content) == ("POST", b'{"a":1}')
    with pytest.raises(GitHubRefused, match="redirected"):
        await script.client.call("POST", "/repos/o/r/issues", body={})


async def test_redirect_to_another_host_never_sees_the_token() -> None:
    script = Script(answer(302, headers={"location": "https://evil.test/api/x"}))
    with pytest.raises(GitHubRefused, match="not followed"):
        await script.client.call("GET", "/x")
    assert len(script.requests) == 1


async def test_redirects_without_end_are_refused() -> None:
    script = Script(*[answer(302, headers={"location": f"{BASE}/x"}) for _ in range(9)])
    with pytest.raises(GitHubRefused, match="too many"):
        await script.client.call("GET", "/x")
    assert len(script.requests) == 4


async def test_every_exchange_is_reported() -> None:
    headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "4321",
        "x-ratelimit-reset": "1700000600",
        "x-github-request-id": "AB:12",
    }
    script = Script(httpx2.ConnectError("no"), answer(200, [], headers))
    await script.client.call("GET", "/repos/acme/app/pulls/12")
    lost, told = script.reports
    assert (lost.status, lost.remaining) == (0, None)
    assert (told.method, told.route) == ("GET", "/repos/{}/{}/pulls/{}")
    assert (told.status, told.limit, told.remaining) == (200, 5000, 4321)
    assert (told.reset_ms, told.request_id) == (1_700_000_600_000, "AB:12")


async def test_path_from_a_stranger_cannot_reach_another_address() -> None:
    script = Script()
    with pytest.raises(GitHubRefused, match="nothing was sent"):
        await script.client.call("POST", "/repos/../app/installations", body={})
    assert script.requests == []


async def test_client_without_tokens_speaks_as_the_app_only() -> None:
    with pytest.raises(GitHubRefused, match="as the App only"):
        await Script().client.call("GET", "/x", installation_id=1)


@pytest.mark.parametrize(
    ("base", "where"),
    [
        ("https://api.github.test", "POST /graphql"),
        ("https://ghe.test/api/v3", "POST /api/graphql"),
    ],
)
async def test_a_query_goes_where_this_github_takes_queries(base: str, where: str) -> None:
    script = Script(answer(200, {"data": {"x": 1}}), base_url=base)
    client = script.client.as_token("t")
    found = await client.graph("query { x }", {"n": 1}, installation_id=7)
    assert found == {"x": 1}
    assert script.asked[-1] == where


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("NOT_FOUND", GitHubMissing),
        ("FORBIDDEN", GitHubRefused),
        ("RATE_LIMITED", GitHubLimited),
        ("", GitHubRefused),
    ],
)
async def test_errors_of_a_query_are_told_apart_though_the_status_is_200(
    kind: str, error: type[Exception]
) -> None:
    said = {"data": None, "errors": [{"type": kind, "message": "no"}]}
    client = Script(answer(200, said)).client.as_token("t")
    with pytest.raises(error):
        await client.graph("query { x }", {}, installation_id=7)
