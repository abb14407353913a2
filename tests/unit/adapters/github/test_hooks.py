"""Reading GitHub's own record of deliveries, and leaving others their share of the limit."""

import httpx2
import pytest

from hookyard.adapters.github.hooks import APP_HOOK, Hook, HookItem, HookLog, ReadBudget
from hookyard.adapters.github.port import GitHubLimited, GitHubRefused
from tests.support.github import BASE, Script, answer

ENTRY = {
    "id": 12345678,
    "guid": "0b989ba4",
    "delivered_at": "2023-11-14T22:13:20Z",
    "event": "issues",
    "action": "opened",
    "status_code": 502,
}
LATER = {**ENTRY, "id": 12345679, "event": "push", "action": None}


def log_of(script: Script, per_minute: int = 600) -> HookLog:
    return HookLog(script.client, script.clock, ReadBudget(per_minute))


async def test_a_page_is_read_with_its_cursor() -> None:
    link = f'<{BASE}/app/hook/deliveries?per_page=100&cursor=v1_12345678>; rel="next"'
    wrong = [{**ENTRY, "delivered_at": "soon"}, {**ENTRY, "guid": ""}, 7]
    script = Script(answer(data=[LATER, ENTRY, *wrong], headers={"link": link}), answer(data=[]))
    log = log_of(script)
    page = await log.page(APP_HOOK, failures_only=True)
    assert page.items == [
        HookItem(12345679, "0b989ba4", "push", None, 1_700_000_000_000),
        HookItem(12345678, "0b989ba4", "issues", "opened", 1_700_000_000_000),
    ]
    last = await log.page(APP_HOOK, page.cursor)
    assert (last.items, last.cursor) == ([], None)
    assert script.asked == [
        "GET /api/app/hook/deliveries?per_page=100&status=failure",
        "GET /api/app/hook/deliveries?per_page=100&cursor=v1_12345678",
    ]


async def test_a_delivery_is_read_with_lower_case_headers() -> None:
    shown = {"request": {"headers": {"X-GitHub-Event": "issues"}, "payload": {"a": 1}}}
    script = Script(answer(data=shown))
    found = await log_of(script).request(Hook("h", "/repos/a/b/hooks/1"), 5)
    assert (found.headers, found.payload) == ({"x-github-event": "issues"}, {"a": 1})


async def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(GitHubRefused):
        await log_of(Script(answer(data={"deliveries": 1}))).page(APP_HOOK)


async def test_a_pace_is_kept_and_says_until_when() -> None:
    script = Script(*[answer(data=[]) for _ in range(3)])
    log = log_of(script, per_minute=2)
    await log.page(APP_HOOK)
    await log.page(APP_HOOK)
    with pytest.raises(GitHubLimited) as caught:
        await log.page(APP_HOOK)
    assert (caught.value.kind, caught.value.until_ms) == ("pace", script.clock.now_ms() + 60_000)
    script.clock.advance(60)
    await log.page(APP_HOOK)
    assert len(script.asked) == 3


async def test_the_last_fifth_of_the_limit_is_left_to_others() -> None:
    def left(remaining: int, reset_s: int) -> httpx2.Response:
        headers = {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-reset": str(reset_s),
        }
        return answer(data=[], headers=headers)

    script = Script()
    reset_s = script.clock.now_ms() // 1000 + 900
    script.steps += [left(1000, reset_s), left(1003, reset_s), left(4999, reset_s + 3600)]
    log = log_of(script)
    await log.page(APP_HOOK)
    with pytest.raises(GitHubLimited) as caught:
        await log.page(APP_HOOK)
    assert (caught.value.kind, caught.value.until_ms) == ("reserve", reset_s * 1000)
    assert len(script.asked) == 1
    script.clock.advance(901)
    await log.page(APP_HOOK)
    assert len(script.asked) == 2
