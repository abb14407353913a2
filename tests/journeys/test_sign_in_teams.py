"""Roles from GitHub's teams: who is in, who is out again, and what happens when GitHub is away."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.browsers import Browser, browsing
from tests.support.worlds import World, open_world

T = TypeVar("T")
TEAMS = """
rules:
  - team: acme/platform
    include_children: true
    role: maintainer
  - team: acme/shop-owners
    include_children: false
    role: operator
    scope: repo:acme/shop
  - members_of: acme
    role: viewer
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        made = await open_world(stack, tmp_path, {"HOOKYARD_TEAMS_FILE": str(rules)}, agent=False)
        for name in ("Platform", "Shop Owners"):
            made.sandbox.create_team("acme", name)
        made.sandbox.create_team("acme", "Storage", parent="platform")
        made.sandbox.create_team("acme", "Trainees", parent="shop-owners")
        made.sandbox.sign_in_as("alice")
        await made.settle()
        yield made


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    async with browsing(origin(world)) as made:
        yield made


def origin(world: World) -> str:
    return str(world.caller.http.base_url).rstrip("/")


async def patiently(world: World, doing: Coroutine[None, None, T]) -> T:
    """What comes of it, while the clock goes on: a refused call is tried again after a pause."""
    task = asyncio.create_task(doing)
    while not task.done():
        await asyncio.wait({task}, timeout=0.05)
        world.clock.advance(0.0 if task.done() else 1.0)
    return await task


async def sources(browser: Browser) -> list[str]:
    """The rules that give the person in the browser something."""
    grants = (await browser.me())["grants"]
    return sorted(grant["source"] for grant in grants)  # type: ignore[attr-defined,index]


async def test_members_of_a_team_and_of_its_children(world: World, browser: Browser) -> None:
    world.sandbox.join_org("acme", "alice")
    world.sandbox.join_team("acme", "storage", "alice")
    world.sandbox.join_team("acme", "trainees", "alice")
    await world.settle()
    await browser.sign_in()
    assert await sources(browser) == ["team acme", "team acme/platform"]
    held = (await browser.me())["grants"]
    assert {"role": "maintainer", "scope": "org:acme", "source": "team acme/platform"} in held  # type: ignore[operator]


@pytest.mark.parametrize("tells_inherited", [True, False])
async def test_direct_members_only(world: World, browser: Browser, tells_inherited: bool) -> None:
    world.sandbox.world.tells_inherited = tells_inherited
    world.sandbox.join_team("acme", "shop-owners", "alice")
    world.sandbox.join_team("acme", "trainees", "rita")
    await world.settle()
    await browser.sign_in()
    assert await sources(browser) == ["team acme/shop-owners"]
    world.sandbox.sign_in_as("rita")
    await browser.sign_in()
    assert await sources(browser) == []


async def test_every_page_of_a_large_team(world: World, browser: Browser) -> None:
    with world.sandbox.world.lock:
        team = world.sandbox.team("acme", "platform")
        for number in range(230):
            login = f"member-{number:03d}"
            world.sandbox.world.user(login)
            team.members[login] = "member"
    world.sandbox.join_team("acme", "platform", "zoe")
    await world.settle()
    world.sandbox.sign_in_as("zoe")
    await browser.sign_in()
    assert await sources(browser) == ["team acme/platform"]
    assert len(world.calls("GET", "/orgs/acme/teams/platform/members")) == 3


async def test_teams_are_asked_for_once_in_five_minutes(world: World, browser: Browser) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    await browser.sign_in()
    asked = len(world.calls("GET", "/orgs/acme/"))
    for _ in range(10):
        await browser.me()
    assert len(world.calls("GET", "/orgs/acme/")) == asked
    world.clock.advance(301)
    await browser.me()
    assert len(world.calls("GET", "/orgs/acme/")) > asked


async def test_an_event_ends_a_membership_at_once_and_the_cookie_changes(
    world: World, browser: Browser
) -> None:
    world.sandbox.join_org("acme", "alice")
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    await browser.sign_in()
    before, csrf = browser.cookie, browser.csrf
    assert (await browser.send("POST", "/api/jobs", JOB)).status_code == 202
    world.sandbox.leave_team("acme", "platform", "alice")
    await world.settle(waiting="agent.task")
    assert (await browser.send("POST", "/api/jobs", JOB)).status_code == 403
    after = browser.cookie
    assert after not in (None, before)
    assert await sources(browser) == ["team acme"]
    assert browser.csrf != csrf
    browser.plant(before or "")
    assert (await browser.get("/api/me")).status_code == 401
    browser.plant(after or "")
    assert (await browser.get("/api/me")).status_code == 200
    world.sandbox.leave_org("acme", "alice")
    await world.settle(waiting="agent.task")
    assert await sources(browser) == []


JOB = {"kind": "agent.task", "repository": "acme/shop"}


async def test_a_grant_by_hand_shows_at_once_with_a_new_cookie(
    world: World, browser: Browser
) -> None:
    await browser.sign_in()
    me, before = await browser.me(), browser.cookie
    wanted = {"subject": me["actor"], "role": "operator", "scope": "repo:acme/shop"}
    made = await world.caller.call("POST", "/api/admin/grants", wanted)
    assert made.status_code == 201, made.text
    assert await sources(browser) == ["manual"]
    assert browser.cookie != before
    gone = await world.caller.call("DELETE", f"/api/admin/grants/{made.json()['id']}")
    assert gone.status_code == 200, gone.text
    assert await sources(browser) == []


async def test_what_teams_give_is_listed_with_the_other_grants(
    world: World, browser: Browser
) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    await browser.sign_in()
    subject = str((await browser.me())["actor"])
    listed = await world.caller.page("/api/admin/grants", subject=subject)
    assert [(g["role"], g["scope"], g["via"]) for g in listed] == [
        ("maintainer", "org:acme", "acme/platform")
    ]
    world.sandbox.leave_team("acme", "platform", "alice")
    await world.settle()
    await browser.me()
    assert await world.caller.page("/api/admin/grants", subject=subject) == []


async def test_a_team_that_is_gone_gives_nothing(world: World, browser: Browser) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    await browser.sign_in()
    assert await sources(browser) == ["team acme/platform"]
    world.sandbox.delete_team("acme", "platform")
    await world.settle()
    assert await sources(browser) == []


async def test_github_away_keeps_what_was_known_for_an_hour(world: World, browser: Browser) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    await browser.sign_in()
    world.sandbox.fail("error", times=None, path="/orgs/acme/teams/platform/members", status=403)
    for _ in range(5):
        world.clock.advance(600)
        assert await patiently(world, sources(browser)) == ["team acme/platform"]
    world.clock.advance(601)
    assert await patiently(world, sources(browser)) == []
    world.sandbox.faults.clear()
    world.clock.advance(31)
    assert await sources(browser) == ["team acme/platform"]


async def test_github_away_from_the_beginning_gives_nothing(world: World, browser: Browser) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    world.sandbox.fail("error", times=None, path="/orgs/acme/teams/platform/members", status=403)
    await patiently(world, browser.sign_in())
    assert await sources(browser) == []


async def test_an_app_without_the_right_to_see_members_gives_nothing(
    world: World, browser: Browser
) -> None:
    world.sandbox.join_team("acme", "platform", "alice")
    number = next(iter(world.sandbox.world.installations))
    world.sandbox.take_permission(number, "members")
    await world.settle()
    await patiently(world, browser.sign_in())
    assert await sources(browser) == []


async def test_a_namesake_gets_nothing(world: World, browser: Browser) -> None:
    """Memberships go by number: whoever takes over a login does not take over its rights."""
    world.sandbox.join_team("acme", "platform", "alice")
    await world.settle()
    with world.sandbox.world.lock:
        known = world.sandbox.world.users
        old = known.pop("alice")
        old.login = "alice-that-was"
        known["alice-that-was"] = old
        team = world.sandbox.team("acme", "platform")
        team.members = {"alice-that-was": "member"}
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    assert await sources(browser) == []
