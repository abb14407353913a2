"""Attacks on sign-in and on sessions, each by the name it goes by."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.browsers import Browser, browsing, query_of
from tests.support.worlds import World, open_world

TEAMS = """
rules:
  - people: [alice]
    role: operator
    scope: repo:acme/shop
"""
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2f/evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%25252fevil.example",
    "/\tevil.example",
    "/\n/evil.example",
    "/%09/evil.example",
    "/%0d%0aset-cookie:%20a=b",
    " //evil.example",
    "/ /evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "http:evil.example",
    "/auth/logout",
    "/auth/github",
    "/%61uth/github",
    "/%zz",
    "/\u2028/evil.example",
    "/\uff0fevil.example",
    "/" + "a" * 2_000,
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_TEAMS_FILE": str(rules)}
        made = await open_world(stack, tmp_path, environ, agent=False)
        made.sandbox.sign_in_as("alice")
        yield made


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    async with browsing(origin(world)) as made:
        yield made


def origin(world: World) -> str:
    return str(world.caller.http.base_url).rstrip("/")


async def answered(browser: Browser) -> str:
    """Begin a sign-in and come back from GitHub: the callback's address, not yet opened."""
    last = await browser.go("/auth/github", stop_at="/auth/callback")
    return str(last.headers["location"])


async def refused(browser: Browser, address: str, code: str) -> None:
    """Opening the address is refused with this code, opens no session, and tells nothing."""
    had = browser.cookie
    answer = await browser.http.get(address)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == code
    assert "again" in answer.json()["detail"]
    assert browser.cookie == had
    for secret in (query_of(address).get("code"), query_of(address).get("state")):
        assert not secret or secret not in answer.text


# --- open redirect ---


async def test_open_redirect(world: World, browser: Browser) -> None:
    for elsewhere in ELSEWHERE:
        answer = await browser.http.get(
            origin(world) + "/auth/github", params={"return_to": elsewhere}
        )
        assert answer.status_code == 400, elsewhere
        assert answer.json()["code"] == "bad_return_to"
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers


async def test_open_redirect_by_a_second_parameter(world: World, browser: Browser) -> None:
    answer = await browser.http.get(
        origin(world) + "/auth/github?return_to=/&return_to=//evil.example"
    )
    assert answer.status_code == 400


async def test_open_redirect_by_the_host_header(world: World, browser: Browser) -> None:
    answer = await browser.http.get(
        origin(world) + "/auth/github", headers={"host": "evil.example"}
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "public_url_missing"
    assert "location" not in answer.headers


# --- OAuth ---


async def test_state_replay(world: World, browser: Browser) -> None:
    address = await answered(browser)
    kept = browser.http.cookies.get("hookyard_signin")
    assert kept
    assert (await browser.http.get(address)).status_code == 303
    browser.http.cookies.set("hookyard_signin", kept, domain="127.0.0.1")
    await refused(browser, address, "signin_state")


async def test_state_of_another_browser(world: World, browser: Browser) -> None:
    address = await answered(browser)
    async with browsing(origin(world)) as victim:
        await refused(victim, address, "signin_browser")
        await victim.go("/auth/github", stop_at="/login/oauth/authorize")
        await refused(victim, await answered(browser), "signin_browser")


async def test_made_up_or_missing_state(world: World, browser: Browser) -> None:
    base = origin(world) + "/auth/callback"
    for query in ("", "?code=x", "?code=x&state=", "?code=x&state=made-up", "?state=%00&code=x"):
        await refused(browser, base + query, "signin_state")
    twice = await browser.http.get(base + "?code=x&state=a&state=b")
    assert twice.json()["code"] == "signin_parameter"
    long = await browser.http.get(base + "?code=x&state=" + "a" * 10_000)
    assert long.json()["code"] == "signin_parameter"


async def test_late_answer(world: World, browser: Browser) -> None:
    address = await answered(browser)
    world.clock.advance(601)
    await refused(browser, address, "signin_late")
    await refused(browser, address, "signin_state")


async def test_made_up_code_and_stolen_code(world: World, browser: Browser) -> None:
    address = await answered(browser)
    state = query_of(address)["state"]
    forged = f"{origin(world)}/auth/callback?state={state}&code=made-up"
    await refused(browser, forged, "signin_refused")
    # The code of one sign-in, used in another: PKCE binds it to the browser that began.
    stolen = query_of(await answered(browser))["code"]
    state = query_of(await answered(browser))["state"]
    injected = f"{origin(world)}/auth/callback?state={state}&code={stolen}"
    await refused(browser, injected, "signin_refused")


async def test_mix_up_of_providers(world: World, browser: Browser) -> None:
    address = await answered(browser)
    await refused(browser, address + "&iss=https://evil.example", "signin_issuer")
    address = await answered(browser)
    other = address.replace("/auth/callback", "/auth/oidc/callback")
    answer = await browser.http.get(other)
    assert answer.status_code == 404
    assert answer.json()["code"] == "signin_not_set_up"


async def test_cancelled_at_github_is_told_to_people(world: World, browser: Browser) -> None:
    await browser.go("/auth/github", stop_at="/login/oauth/authorize")
    authorize = browser.visited[-1]
    started = await browser.http.get(authorize)
    went = await browser.http.get(started.headers["location"] + "&deny=1")
    page = await browser.go(went.headers["location"])
    assert page.status_code == 400
    assert page.headers["content-type"].startswith("text/html")
    assert "cancelled" in page.text
    assert "signin_denied" in page.text
    assert "error_description" not in page.text


async def test_script_in_the_error_of_a_callback(world: World, browser: Browser) -> None:
    address = await answered(browser)
    state = query_of(address)["state"]
    evil = f"{origin(world)}/auth/callback?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E"
    page = await browser.go(evil)
    assert page.status_code == 400
    assert "script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_strangers_cannot_fill_the_table_of_sign_ins(
    world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookyard.core.identity.signin.AT_MOST", 5)
    monkeypatch.setattr("hookyard.core.identity.signin.SPARE", 3)
    for _ in range(20):
        world.clock.advance(0.01)
        await browser.go("/auth/github", stop_at="/login/oauth/authorize")
    assert (await browser.go("/auth/github?return_to=/health")).status_code == 200


async def test_github_that_fails_opens_nothing(world: World, browser: Browser) -> None:
    address = await answered(browser)
    world.sandbox.fail("error", times=None, path="/user", status=502)
    answer = await browser.http.get(address)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert browser.cookie is None


# --- sessions ---


async def test_session_fixation(world: World, browser: Browser) -> None:
    """An attacker's own session, planted before the victim signs in, is worth nothing after."""
    await browser.sign_in()
    planted = browser.cookie
    assert planted
    async with browsing(origin(world)) as victim:
        victim.plant(planted)
        await victim.sign_in()
        assert victim.cookie not in (None, planted)
        assert (await victim.get("/api/me")).status_code == 200
    assert (await browser.get("/api/me")).status_code == 401
    async with browsing(origin(world)) as other:
        other.plant("hks_" + "A" * 43)
        await other.sign_in()
        assert other.cookie != "hks_" + "A" * 43


async def test_logout_reuse(world: World, browser: Browser) -> None:
    await browser.sign_in()
    kept = browser.cookie
    assert kept
    assert (await browser.send("POST", "/auth/logout")).status_code == 204
    for _ in range(2):
        browser.plant(kept)
        assert (await browser.get("/api/me")).status_code == 401
    assert (await browser.send("POST", "/auth/logout")).status_code == 204


async def test_cookie_tossing(world: World, browser: Browser) -> None:
    """A neighbour plants a second cookie of the same name: neither is believed."""
    await browser.sign_in()
    both = f"hookyard_session={browser.cookie}; hookyard_session=hks_{'B' * 43}"
    browser.http.cookies.clear()
    answer = await browser.http.get(origin(world) + "/api/me", headers={"cookie": both})
    assert answer.status_code == 401
    assert "twice" in answer.json()["detail"]


async def test_guessed_and_broken_cookies(world: World, browser: Browser) -> None:
    for value in ("x", "hks_", "hks_" + "A" * 43, "a" * 9_000, "%00", '"quoted"', "hks_' OR 1=1"):
        answer = await browser.http.get(
            origin(world) + "/api/me", headers={"cookie": f"hookyard_session={value}"}
        )
        assert answer.status_code == 401, value
        assert value not in answer.text or len(value) == 1


# --- CSRF ---

JOB = {"kind": "agent.task", "repository": "acme/shop"}


FORGED: tuple[dict[str, str], ...] = (
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "none"},
    {"sec_fetch_site": "", "origin": "https://evil.example"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://app.127.0.0.1"},
    {"origin": "", "sec_fetch_site": ""},
    {"x_hookyard_csrf": ""},
    {"x_hookyard_csrf": "guess"},
)


async def test_csrf(world: World, browser: Browser) -> None:
    await browser.sign_in()
    for headers in FORGED:
        answer = await browser.send("POST", "/api/jobs", JOB, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf"), headers
        logout = await browser.send("POST", "/auth/logout", **headers)
        assert (logout.status_code, logout.json()["code"]) == (403, "csrf"), headers
    assert (await browser.get("/api/me")).status_code == 200
    assert await world.caller.page("/api/jobs", kind="agent.task") == []
    trail = await world.caller.page("/api/admin/audit", outcome="refused")
    assert any(str(entry["actor"]).startswith("user:") for entry in trail)


async def test_csrf_from_a_sibling_subdomain_with_the_token_of_another_session(
    world: World, browser: Browser
) -> None:
    await browser.sign_in()
    async with browsing(origin(world)) as attacker:
        await attacker.sign_in()
        answer = await browser.send("POST", "/api/jobs", JOB, x_hookyard_csrf=attacker.csrf)
        assert answer.status_code == 403


async def test_csrf_by_a_form(world: World, browser: Browser) -> None:
    await browser.sign_in()
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        answer = await browser.http.post(
            origin(world) + "/api/jobs",
            content=b'{"kind":"agent.task"}',
            headers={"content-type": kind, "origin": browser.origin},
        )
        assert answer.status_code == 415


async def test_bearer_callers_need_no_token_and_their_cookie_is_not_read(
    world: World, browser: Browser
) -> None:
    await browser.sign_in()
    key = await world.caller.key("operator")
    headers = {"authorization": f"Bearer {key.token}", "origin": "https://evil.example"}
    me = (await browser.http.get(origin(world) + "/api/me", headers=headers)).json()
    assert (me["kind"], me["csrf_token"], me["session"]) == ("api_key", None, None)
    made = await browser.http.post(origin(world) + "/api/jobs", json=JOB, headers=headers)
    assert made.status_code == 202
    wrong = await browser.http.get(
        origin(world) + "/api/me", headers={"authorization": "Bearer nonsense"}
    )
    assert wrong.status_code == 401


async def test_webhooks_read_no_cookies(world: World, browser: Browser) -> None:
    await browser.sign_in()
    answer = await browser.http.post(
        origin(world) + "/webhooks/github",
        json={},
        headers={"x-github-event": "ping", "x-github-delivery": "d-9"},
    )
    assert answer.status_code == 401
