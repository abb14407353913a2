"""`/setup` of a running server: an App registered from a browser by whoever has the admin key."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from hookyard.bootstrap import Yard, open_yard
from hookyard.bootstrap.keeping import load_settings
from hookyard.entrypoints.http.setup import CALLBACK, RESULT
from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import ADMIN, Caller, serving
from tests.support.browsers import HTML, Browser, browsing
from tests.support.registering import Registrar, form_of, manifest_in

WISH = {"key": ADMIN, "name": "Shop Robot", "organization": "acme"}


@dataclass
class Place:
    """A running server without an App, and a GitHub beside it."""

    yard: Yard
    caller: Caller
    sandbox: Sandbox
    browser: Browser
    environ: dict[str, str]

    async def ask(self, **changed: str) -> httpx2.Response:
        """Send the first page's form as a browser does; "" leaves a field or header out."""
        headers = {"origin": self.browser.origin, "sec-fetch-site": "same-origin", **HTML}
        sent = {**WISH, **{k: v for k, v in changed.items() if k in WISH}}
        headers |= {k.replace("_", "-"): v for k, v in changed.items() if k not in WISH}
        return await self.browser.http.post(
            self.browser.origin + "/setup",
            data={name: value for name, value in sent.items() if value},
            headers={name: value for name, value in headers.items() if value},
        )

    async def confirmed(self, page: str) -> str:
        """Where GitHub sends the browser, once somebody has said yes there."""
        registrar = Registrar()
        try:
            return await asyncio.to_thread(registrar.back, page)
        finally:
            registrar.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with Sandbox() as sandbox:
        environ = {
            "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "GITHUB_API_BASE_URL": sandbox.base_url,
            "HOOKYARD_RECOVER": "off",
        }
        settings = await asyncio.to_thread(load_settings, environ, folder=tmp_path)
        yard = await open_yard(settings, environ)
        async with (
            serving(yard) as caller,
            browsing(str(caller.http.base_url).rstrip("/")) as browser,
        ):
            yield Place(yard, caller, sandbox, browser, environ)
        await yard.close()


async def test_an_app_is_made_and_its_ping_arrives_without_a_restart(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    first = await place.browser.go("/setup")
    assert 'name="key"' in first.text
    page = await place.ask()
    assert page.status_code == 200, page.text
    assert ADMIN not in page.text
    assert manifest_in(page.text)["name"] == "Shop Robot"
    action, _ = form_of(page.text)
    assert action.startswith(f"{place.sandbox.base_url}/organizations/acme/settings/apps/new?")
    assert f"form-action {place.sandbox.base_url}" in page.headers["content-security-policy"]
    back = await place.confirmed(page.text)
    done = await place.browser.go(back)
    assert done.status_code == 200, done.text
    assert "GitHub reaches this server" in done.text
    assert "Restart Hookyard" in done.text
    (app,) = place.sandbox.world.apps.values()
    folder = place.yard.settings.data_dir / "secrets"
    secrets = [path.read_text() for path in folder.iterdir()]
    assert app.hook.secret in secrets
    said = "".join([first.text, page.text, done.text, *capfd.readouterr()])
    said += (await place.caller.get("/api/admin/audit")).text
    assert f"github-app:{app.id}" in said
    for secret in secrets:
        assert secret.strip() not in said
    (delivery,) = await place.caller.page("/api/deliveries")
    assert delivery["event"] == "ping"
    settings = await asyncio.to_thread(
        load_settings, place.environ, folder=place.yard.settings.data_dir.parent
    )
    assert settings.github.app_id == str(app.id)


async def test_without_the_admin_key_nothing_begins(place: Place) -> None:
    viewer = (await place.caller.key("viewer")).token
    for key, status in (("", 401), ("guess", 401), (viewer, 403)):
        refused = await place.ask(key=key)
        assert refused.status_code == status
        assert "manifest" not in refused.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "", "sec_fetch_site": ""},
        {"origin": "https://evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(place: Place, headers: dict[str, str]) -> None:
    refused = await place.ask(**headers)
    assert refused.status_code == 403
    assert "csrf" in refused.text


async def test_a_state_is_good_once_and_in_its_browser_alone(place: Place) -> None:
    page = await place.ask()
    back = await place.confirmed(page.text)
    async with browsing(place.browser.origin) as other:
        stolen = await other.go(back)
        assert stolen.status_code == 409
        assert "registration_browser" in stolen.text
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    assert "registration_state" in (await place.browser.go(forged)).text
    assert (await place.browser.go(back)).status_code == 200
    replayed = await place.browser.go(back)
    assert replayed.status_code == 409
    assert len(place.sandbox.world.apps) == 1


async def test_a_second_app_is_refused_and_the_page_closes(place: Place) -> None:
    page = await place.ask()
    await place.browser.go(await place.confirmed(page.text))
    assert "app_configured" in (await place.ask()).text
    async with browsing(place.browser.origin) as other:
        assert (await other.go(RESULT)).status_code == 403


async def test_an_error_github_brings_back_makes_nothing(place: Place) -> None:
    page = await place.ask()
    back = await place.confirmed(page.text)
    wrong = re.sub(r"code=[^&]+", "code=../../app", back)
    refused = await place.browser.go(wrong)
    assert refused.status_code == 409
    assert "registration_refused" in refused.text
    assert not (place.yard.settings.data_dir / "github-app.env").exists()


async def test_once_an_app_is_configured_the_page_is_for_admins_alone(
    place: Place, tmp_path: Path
) -> None:
    page = await place.ask()
    await place.browser.go(await place.confirmed(page.text))
    environ = {**place.environ, "HOOKYARD_DATA_DIR": str(tmp_path / "second")}
    (tmp_path / "second").mkdir()
    for name in ("github-app.env", "secrets"):
        (tmp_path / "data" / name).rename(tmp_path / "second" / name)
    settings = await asyncio.to_thread(load_settings, environ, folder=tmp_path)
    yard = await open_yard(settings, environ)
    async with serving(yard) as caller:
        assert (await caller.with_token("").get("/setup")).status_code == 401
        viewer = await caller.key("viewer")
        assert (await viewer.get("/setup")).status_code == 403
        shown = await caller.get("/setup")
        assert shown.status_code == 200
        assert "shop-robot" in shown.text
        assert (await caller.with_token("").get(CALLBACK)).status_code == 409
    await yard.close()
