"""People sign in by an OpenID Connect issuer that enforces PKCE, nonce and exact redirects."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.entrypoints.http.app import Front
from hookyard.kit.clock import ManualClock
from hookyard_sandbox.oidc.issuer import Issuer
from hookyard_sandbox.oidc.model import Person
from tests.support.browsers import Browser, browsing, query_of
from tests.support.worlds import World, open_world

SECRET = "planted-oidc-client-secret"
MIA = Person("sub-mia", "Mia", "mia@acme.example", {"email_verified": True})
TEAMS = """
rules:
  - people: ["oidc:sub-mia"]
    role: maintainer
    scope: org:acme
  - people: [mia, alice]
    role: admin
    scope: tenant
"""


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[World, Issuer]]:
    """A Hookyard and the issuer it trusts; the issuer knows the callback once both listen."""
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        clock = ManualClock()
        issuer = stack.enter_context(Issuer(clock))
        environ = {
            "HOOKYARD_TEAMS_FILE": str(rules),
            "OIDC_ISSUER": issuer.address,
            "OIDC_CLIENT_ID": "hookyard",
            "OIDC_CLIENT_SECRET": SECRET,
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1",
        }
        world = await open_world(stack, tmp_path, environ, agent=False, clock=clock)
        callback = f"{origin(world)}/auth/oidc/callback"
        issuer.register("hookyard", callback, secret=SECRET)
        issuer.sign_in_as(MIA)
        yield world, issuer


@pytest.fixture
async def browser(pair: tuple[World, Issuer]) -> AsyncIterator[Browser]:
    async with browsing(origin(pair[0])) as made:
        yield made


def origin(world: World) -> str:
    return str(world.caller.http.base_url).rstrip("/")


START = "/auth/oidc/login?return_to=/health"


async def answered(browser: Browser) -> str:
    last = await browser.go(START, stop_at="/auth/oidc/callback")
    return str(last.headers["location"])


async def test_sign_in_by_an_issuer(pair: tuple[World, Issuer], browser: Browser) -> None:
    _, issuer = pair
    await browser.sign_in(START)
    me = await browser.me()
    assert (me["name"], me["email"]) == ("Mia", "mia@acme.example")
    assert me["session"]["issuer"] == issuer.address  # type: ignore[index]
    assert me["grants"] == [
        {"role": "maintainer", "scope": "org:acme", "source": "config oidc:sub-mia"}
    ]
    assert me["managed_repos"] == ["acme/shop"]
    asked = query_of(next(url for url in browser.visited if "/authorize?" in url))
    assert asked["code_challenge_method"] == "S256"
    assert asked["nonce"] != asked["state"]


async def test_a_login_at_an_issuer_is_no_login_at_github(
    pair: tuple[World, Issuer], browser: Browser
) -> None:
    """Whoever is called alice at the issuer gets nothing of what GitHub's alice gets."""
    _, issuer = pair
    issuer.sign_in_as(Person("alice", "alice", "", {"preferred_username": "alice"}))
    await browser.sign_in(START)
    me = await browser.me()
    assert (me["login"], me["grants"]) == ("alice", [])


async def test_an_address_nobody_verified_is_not_shown(
    pair: tuple[World, Issuer], browser: Browser
) -> None:
    _, issuer = pair
    issuer.sign_in_as(Person("sub-x", "X", "ceo@acme.example", {"email_verified": False}))
    await browser.sign_in(START)
    me = await browser.me()
    assert (me["email"], me["login"]) == (None, "sub-x")


async def test_both_ways_are_two_people(pair: tuple[World, Issuer], browser: Browser) -> None:
    world, _ = pair
    await browser.sign_in(START)
    by_issuer = await browser.me()
    world.sandbox.sign_in_as("mia")
    await browser.sign_in()
    by_github = await browser.me()
    assert by_issuer["id"] != by_github["id"]
    assert [grant["role"] for grant in by_github["grants"]] == ["admin"]  # type: ignore[union-attr,index]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": ""},
        {"azp": "somebody-else", "aud": ["hookyard", "somebody-else"]},
    ],
    ids=str,
)
async def test_id_tokens_that_say_the_wrong_thing(
    pair: tuple[World, Issuer], browser: Browser, claims: dict[str, object]
) -> None:
    _, issuer = pair
    address = await answered(browser)
    issuer.faults.claims.update(claims)  # type: ignore[arg-type]
    answer = await browser.http.get(address)
    assert (answer.status_code, answer.json()["code"]) == (400, "signin_refused")
    assert browser.cookie is None


async def test_id_token_signed_by_a_stranger(pair: tuple[World, Issuer], browser: Browser) -> None:
    _, issuer = pair
    address = await answered(browser)
    issuer.faults.signer = True
    answer = await browser.http.get(address)
    assert (answer.status_code, answer.json()["code"]) == (400, "signin_refused")


async def test_mix_up_of_issuers(pair: tuple[World, Issuer], browser: Browser) -> None:
    world, issuer = pair
    address = await answered(browser)
    assert query_of(address)["iss"] == issuer.address
    changed = address.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example"
    wrong = await browser.http.get(changed)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "signin_issuer")
    issuer.faults.strips_iss = True
    missing = await browser.http.get(await answered(browser))
    assert (missing.status_code, missing.json()["code"]) == (400, "signin_refused")
    world.sandbox.sign_in_as("alice")
    last = await browser.go("/auth/github", stop_at="/auth/callback")
    crossed = str(last.headers["location"]).replace("/auth/callback", "/auth/oidc/callback")
    answer = await browser.http.get(crossed)
    assert (answer.status_code, answer.json()["code"]) == (400, "signin_issuer")


async def test_keys_rotate_while_people_sign_in(
    pair: tuple[World, Issuer], browser: Browser
) -> None:
    world, issuer = pair
    await browser.sign_in(START)
    issuer.rotate(keep_old=False)
    world.clock.advance(120)
    await browser.sign_in(START)
    assert (await browser.me())["login"] == "mia@acme.example"


async def test_an_issuer_that_is_down_is_told(pair: tuple[World, Issuer], browser: Browser) -> None:
    _, issuer = pair
    address = await answered(browser)
    issuer.faults.token_status = 503
    answer = await browser.http.get(address)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert SECRET not in answer.text


async def test_a_person_who_declines(pair: tuple[World, Issuer], browser: Browser) -> None:
    _, issuer = pair
    issuer.sign_in_as(None)
    page = await browser.go(START)
    assert page.status_code == 400
    assert "signin_denied" in page.text


async def test_both_ways_are_routes_of_the_front_door(pair: tuple[World, Issuer]) -> None:
    front: Front = pair[0].caller.front
    paths = {path for path in front.openapi["paths"] if path.startswith("/auth/")}
    assert paths == {
        "/auth/github",
        "/auth/callback",
        "/auth/oidc/login",
        "/auth/oidc/callback",
        "/auth/logout",
    }
