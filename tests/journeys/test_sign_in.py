"""People sign in with GitHub, use the API by cookie, and their sessions end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.core.identity.session_rules import digest
from tests.support.browsers import Browser, browsing, query_of
from tests.support.worlds import World, open_world

HOUR_S = 3_600
TEAMS = """
rules:
  - people: [alice]
    role: operator
    scope: repo:acme/shop
  - people: [rita]
    role: admin
    scope: tenant
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_TEAMS_FILE": str(rules), "HOOKYARD_ADMINS": "root-user"}
        yield await open_world(stack, tmp_path, environ, agent=False)


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    async with browsing(origin(world)) as made:
        yield made


def origin(world: World) -> str:
    return str(world.caller.http.base_url).rstrip("/")


async def test_sign_in_opens_what_the_rules_give(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice", name="Alice Liddell")
    landed = await browser.sign_in()
    assert landed.json()["status"] == "alive"
    me = await browser.me()
    assert (me["kind"], me["login"], me["name"]) == ("user", "alice", "Alice Liddell")
    assert me["managed_repos"] == ["acme/shop"]
    assert me["grants"] == [
        {"role": "operator", "scope": "repo:acme/shop", "source": "config alice"}
    ]
    assert me["session"]["current"] is True  # type: ignore[index]
    listed = (await browser.get("/api/repos")).json()["items"]
    assert [found["full_name"] for found in listed] == ["acme/shop"]
    assert (await browser.get("/api/admin/keys")).status_code == 403
    wanted = {"kind": "agent.task", "repository": "acme/shop"}
    assert (await browser.send("POST", "/api/jobs", wanted)).status_code == 202


async def test_the_address_is_asked_with_pkce_and_the_token_is_used_once(
    world: World, browser: Browser
) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    asked = query_of(next(url for url in browser.visited if "/login/oauth/authorize" in url))
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == len(asked["state"]) == 43
    assert "client_secret" not in asked
    (token,) = world.sandbox.world.user_tokens.values()
    assert token.revoked
    assert len(world.calls("GET", "/user")) == 1


async def test_whoever_signs_in_first_is_nobody(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("mallory")
    await browser.sign_in()
    me = await browser.me()
    assert me["grants"] == []
    assert me["managed_repos"] == []
    assert (await browser.get("/api/repos")).status_code == 403
    assert (await browser.get("/api/admin/users")).status_code == 403


async def test_admins_are_named_by_the_settings(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("Root-User")
    await browser.sign_in()
    users = (await browser.get("/api/admin/users")).json()["items"]
    assert [user["login"] for user in users] == ["Root-User"]


async def test_the_session_cookie_is_closed_to_scripts_and_other_sites(
    world: World, browser: Browser
) -> None:
    world.sandbox.sign_in_as("alice")
    started = await browser.go("/auth/github", stop_at="/login/oauth/authorize")
    pending = started.headers["set-cookie"]
    assert pending.startswith("hookyard_signin=")
    assert "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax" in pending
    callback = await browser.go(started.headers["location"], stop_at="/auth/callback")
    answer = await browser.http.get(callback.headers["location"])
    cookies = answer.headers.get_list("set-cookie")
    opened = next(c for c in cookies if c.startswith("hookyard_session=hks_"))
    assert opened.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax")
    assert "domain" not in opened.lower()
    assert any(c.startswith("hookyard_signin=; ") and "Max-Age=0" in c for c in cookies)
    assert answer.headers["cache-control"] == "no-store"


async def test_only_a_hash_of_the_cookie_is_kept(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    assert browser.cookie is not None
    raw = b"".join(
        path.read_bytes() for path in world.yard.settings.data_dir.iterdir() if path.is_file()
    )
    assert browser.cookie.encode() not in raw
    assert digest(browser.cookie).encode() in raw


async def test_logout_ends_the_session_on_the_server(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    kept = browser.cookie
    assert kept is not None
    assert (await browser.send("POST", "/auth/logout")).status_code == 204
    assert browser.cookie is None
    assert (await browser.get("/api/me")).status_code == 401
    browser.plant(kept)
    answer = await browser.get("/api/me")
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_people_see_and_end_their_own_sessions(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    async with browsing(origin(world)) as phone:
        await phone.sign_in()
        listed = (await browser.get("/api/me/sessions")).json()["items"]
        assert [found["current"] for found in listed] == [False, True]
        ended = await browser.send("DELETE", f"/api/me/sessions/{listed[0]['id']}")
        assert ended.status_code == 204
        assert (await phone.get("/api/me")).status_code == 401
        await phone.sign_in()
        all_but = await browser.send("DELETE", "/api/me/sessions?keep_current=true")
        assert all_but.json() == {"ended": 1}
        assert (await phone.get("/api/me")).status_code == 401
    assert (await browser.get("/api/me")).status_code == 200
    assert (await browser.send("DELETE", "/api/me/sessions")).json() == {"ended": 1}
    assert (await browser.get("/api/me")).status_code == 401


async def test_nobody_ends_sessions_of_others_but_admins(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    session_id = (await browser.me())["session"]["id"]  # type: ignore[index]
    user_id = (await browser.me())["id"]
    world.sandbox.sign_in_as("mallory")
    async with browsing(origin(world)) as other:
        await other.sign_in()
        foreign = await other.send("DELETE", f"/api/me/sessions/{session_id}")
        assert foreign.status_code == 404
        path = f"/api/admin/users/{user_id}/sessions"
        assert (await other.get(path)).status_code == 403
        assert (await other.send("DELETE", path)).status_code == 403
    assert (await browser.get("/api/me")).status_code == 200
    listed = await world.caller.get(path)
    assert [found["id"] for found in listed.json()["items"]] == [session_id]
    assert (await world.caller.call("DELETE", path)).json() == {"ended": 1}
    assert (await browser.get("/api/me")).status_code == 401


async def test_an_unused_session_ends(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    for _ in range(3):
        world.clock.advance(11 * HOUR_S)
        assert (await browser.get("/api/me")).status_code == 200
    world.clock.advance(12 * HOUR_S + 1)
    answer = await browser.get("/api/me")
    assert answer.status_code == 401
    assert "not used for too long" in answer.json()["detail"]
    assert browser.cookie is None


async def test_no_session_outlives_its_term(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    for _ in range(7 * 24 // 8 - 1):
        world.clock.advance(8 * HOUR_S)
        assert (await browser.get("/api/me")).status_code == 200
    world.clock.advance(8 * HOUR_S)
    answer = await browser.get("/api/me")
    assert answer.status_code == 401
    assert "sign in again" in answer.json()["detail"]


async def test_what_is_told_of_a_person_is_fresh_at_each_sign_in(
    world: World, browser: Browser
) -> None:
    world.sandbox.sign_in_as("alice", name="Alice")
    await browser.sign_in()
    before = await browser.me()
    world.sandbox.sign_in_as("alice", name="Alice the Second")
    await browser.sign_in()
    after = await browser.me()
    assert (after["id"], after["name"]) == (before["id"], "Alice the Second")


async def test_where_the_app_is_installed(world: World, browser: Browser) -> None:
    world.sandbox.sign_in_as("alice")
    await browser.sign_in()
    site = world.sandbox.base_url
    found = (await browser.get("/api/repos/acme/shop/install")).json()
    assert found["url"] == f"{site}/apps/hookyard/installations/new"
    assert found["installed"] is True
    number = found["installation_id"]
    assert found["manage_url"] == f"{site}/organizations/acme/settings/installations/{number}"
    world.sandbox.create_repository("acme/vault")
    await world.settle()
    for foreign in ("acme/vault", "acme/nothing"):
        hidden = (await browser.get(f"/api/repos/{foreign}/install")).json()
        assert hidden == {**found, "installed": False, "installation_id": None, "manage_url": None}
