"""Jira's list of failed webhooks: what is asked, what is read, how refusals are told apart."""

from collections.abc import Callable

import httpx2
import pytest

from hookyard.adapters.jira.failed import JiraAccess, JiraFailedLog
from hookyard.adapters.jira.port import FailedHook, JiraError, JiraLimited, JiraRefused
from hookyard.kit.clock import ManualClock

ACCESS = JiraAccess("https://acme.example/jira/", "s3cret", "bot@acme.example")


def log_of(
    answer: Callable[[httpx2.Request], httpx2.Response], access: JiraAccess = ACCESS
) -> JiraFailedLog:
    return JiraFailedLog(access, ManualClock(), httpx2.MockTransport(answer))


async def test_a_page_is_asked_for_and_read() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        good = {"id": "w-1", "body": '{"a": "ü"}', "url": "https://x.example", "failureTime": 17}
        wrong = [{"id": "w-2", "url": "u", "failureTime": 1}, {"body": "{}"}, 7, None]
        return httpx2.Response(200, json={"values": [good, *wrong], "next": "https://more.example"})

    found = await log_of(answer).page(12)
    assert found.items == [FailedHook("w-1", "https://x.example", '{"a": "ü"}'.encode(), 17)]
    assert found.more
    (request,) = asked
    assert str(request.url) == (
        "https://acme.example/jira/rest/api/3/webhook/failed?maxResults=100&after=12"
    )
    assert request.headers["authorization"].startswith("Basic ")
    assert "s3cret" not in repr(ACCESS)


async def test_without_a_user_the_token_is_a_bearer() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200, json={"values": []})

    found = await log_of(answer, JiraAccess("https://api.example", "tok")).page(0)
    assert (found.items, found.more, seen) == ([], False, ["Bearer tok"])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(429, headers={"retry-after": "7"}), JiraLimited),
        (httpx2.Response(401), JiraRefused),
        (httpx2.Response(302, headers={"location": "https://elsewhere.example"}), JiraRefused),
        (httpx2.Response(503), JiraError),
        (httpx2.Response(200, content=b"<html>"), JiraError),
    ],
)
async def test_refusals_are_told_apart(answer: httpx2.Response, error: type[JiraError]) -> None:
    with pytest.raises(JiraError) as caught:
        await log_of(lambda request: answer).page(0)
    assert type(caught.value) is error
    if isinstance(caught.value, JiraLimited):
        assert caught.value.until_ms == ManualClock().now_ms() + 7_000


async def test_a_site_that_cannot_be_reached_is_no_refusal() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no")

    with pytest.raises(JiraError, match="could not be reached"):
        await log_of(answer).page(0)
