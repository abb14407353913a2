"""Nothing of a sign-in that could be used again is told anywhere, nor kept."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from hookyard.kit.clock import ManualClock
from hookyard_sandbox.oidc.issuer import Issuer
from hookyard_sandbox.oidc.model import Person
from tests.support.browsers import Browser, browsing, query_of
from tests.support.worlds import World, open_world

OIDC_SECRET = "planted-oidc-client-secret-0123456789"


class Told:
    """Everything the server said: bodies, and headers but the cookies themselves."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.texts: list[str] = []
        self.cookies: set[str] = set()
        self.codes: set[str] = set()

    async def hear(self, response: httpx2.Response) -> None:
        await response.aread()
        where = response.headers.get("location", "")
        if str(response.request.url).startswith(self._origin):
            plain = [v for n, v in response.headers.items() if n.lower() != "set-cookie"]
            leads_to_provider = "/authorize?" in where
            shown = [v for v in plain if not (leads_to_provider and v == where)]
            self.texts += [response.text, *shown]
            for cookie in response.headers.get_list("set-cookie"):
                self.cookies |= {cookie.partition("=")[2].partition(";")[0]} - {""}
        if "/authorize?" in where:
            self.codes.add(query_of(where)["state"])
        elif "code=" in where:
            self.codes.add(query_of(where)["code"])


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[World, Issuer]]:
    async with AsyncExitStack() as stack:
        clock = ManualClock()
        issuer = stack.enter_context(Issuer(clock))
        environ = {
            "OIDC_ISSUER": issuer.address,
            "OIDC_CLIENT_ID": "hookyard",
            "OIDC_CLIENT_SECRET": OIDC_SECRET,
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1",
            "HOOKYARD_ADMINS": "alice",
        }
        world = await open_world(stack, tmp_path, environ, agent=False, clock=clock)
        callback = f"{origin(world)}/auth/oidc/callback"
        issuer.register("hookyard", callback, secret=OIDC_SECRET)
        issuer.sign_in_as(Person("sub-mia", "Mia"))
        world.sandbox.sign_in_as("alice")
        yield world, issuer


def origin(world: World) -> str:
    return str(world.caller.http.base_url).rstrip("/")


async def everything(world: World, issuer: Issuer, browser: Browser) -> None:
    """Sign in and out in both ways, and go wrong in every way that comes to mind."""
    await browser.sign_in()
    for path in ("/api/me/sessions", "/api/admin/users", "/api/admin/audit", "/openapi.json"):
        assert (await browser.get(path)).status_code == 200
    await browser.send("POST", "/api/jobs", {"kind": "x"}, x_hookyard_csrf="guess")
    used = next(url for url in browser.visited if "/auth/callback?" in url)
    assert (await browser.http.get(used)).status_code == 400
    last = await browser.go("/auth/github", stop_at="/auth/callback")
    world.sandbox.fail("error", path="/user", status=500)
    assert (await browser.http.get(last.headers["location"])).status_code == 503
    last = await browser.go("/auth/github", stop_at="/auth/callback")
    address = str(last.headers["location"])
    world.app.app.client_secret, kept = "another", world.app.app.client_secret
    assert (await browser.http.get(address)).status_code == 400
    world.app.app.client_secret = kept
    start = "/auth/oidc/login?return_to=/health"
    await browser.sign_in(start)
    last = await browser.go(start, stop_at="/auth/oidc/callback")
    issuer.faults.signer = True
    assert (await browser.http.get(last.headers["location"])).status_code == 400
    issuer.faults.clear()
    assert (await browser.send("POST", "/auth/logout")).status_code == 204
    assert (await browser.get("/metrics")).status_code == 200
    assert (await browser.get("/healthz")).status_code in (200, 503)


async def test_nothing_that_could_be_used_is_told_or_kept(
    pair: tuple[World, Issuer], capsys: pytest.CaptureFixture[str]
) -> None:
    world, issuer = pair
    told = Told(origin(world))
    async with browsing(origin(world)) as browser:
        browser.http.event_hooks["response"].append(told.hear)
        await everything(world, issuer, browser)
    tokens = {*world.sandbox.world.user_tokens, *issuer.desk.people}
    secrets = {
        world.app.client_secret,
        OIDC_SECRET,
        *tokens,
        *told.cookies,
        *told.codes,
    }
    assert len(told.cookies) >= 7
    assert len(told.codes) >= 6
    assert tokens
    logs = "".join(capsys.readouterr())
    assert "signin_refused" in logs
    files = [p for p in world.yard.settings.data_dir.rglob("*") if p.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert b"sub-mia" in kept
    said = "\n".join(told.texts)
    for secret in secrets:
        assert secret not in said
        assert secret not in logs
        assert secret.encode() not in kept
    assert OIDC_SECRET not in repr(world.yard.settings)
