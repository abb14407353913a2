"""Tokens when GitHub, its clock or its owners misbehave, and with several Apps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
import yaml

from hookyard.bootstrap import open_yard
from hookyard.core.tokens.apps_rules import Room
from hookyard.core.tokens.revoking import NOT_ENDED
from hookyard.kit.clock import ManualClock
from hookyard.settings import load_settings
from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import ADMIN, SECRET, Caller, serving
from tests.support.github import private_key
from tests.support.minting import RIGHTS, Hub

PLANTED = ("ghs_", "BEGIN RSA", "eyJ")


class Scene:
    """A Hookyard over a simulated GitHub, the clock of both in the test's hands."""

    def __init__(self, stack: AsyncExitStack, folder: Path, *, stateless: bool = True) -> None:
        self.stack, self.folder, self.clock = stack, folder, ManualClock()
        self.sandbox = stack.enter_context(
            Sandbox(self.clock, deliver=lambda _: None, stateless_tokens=stateless)
        )
        self.sandbox.create_repository("acme/shop")
        app = self.sandbox.register_app(private_key=private_key(), permissions=dict(RIGHTS))
        self.hub = Hub(self.sandbox, app, self.sandbox.create_installation(app))

    async def open(self, **environ: str) -> Caller:
        """The front door."""
        given = self.hub.environ | {
            "HOOKYARD_DATA_DIR": str(self.folder / "data"),
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "APP_KEY": private_key(),
            **environ,
        }
        self.yard = await open_yard(load_settings(given, folder=self.folder), given, self.clock)
        self.stack.push_async_callback(self.yard.close)
        return await self.stack.enter_async_context(serving(self.yard))

    def more_apps(self, **apps: tuple[int, str]) -> dict[str, str]:
        """A sources file with further Apps: name to number and host."""
        path = self.folder / "sources.yml"
        listed = [
            {"name": name, "id": number, "api_base_url": host, "private_key_env": "APP_KEY"}
            for name, (number, host) in apps.items()
        ]
        path.write_text(yaml.safe_dump({"apps": listed}), encoding="utf-8")
        return {"HOOKYARD_SOURCES_FILE": str(path)}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield Scene(stack, tmp_path)


@pytest.mark.parametrize("skew_s", [600, -600])
async def test_clock_that_is_ten_minutes_off_is_learned_and_said(scene: Scene, skew_s: int) -> None:
    scene.sandbox.skew(skew_s)
    door = await scene.open()
    given = await door.get(scene.hub.path)
    assert given.status_code == 200, given.text
    assert (await door.get(scene.hub.path)).json()["cached"] is True
    health = (await door.get("/healthz")).json()
    assert abs(health["clock_offset_ms"] - skew_s * 1000) < 2000
    assert "clock_offset" in [warned["code"] for warned in health["warnings"]]


async def test_installation_that_left_is_asked_about_once(scene: Scene) -> None:
    door = await scene.open()
    assert (await door.get(scene.hub.path)).status_code == 200
    scene.hub.installation.removed = True
    narrow = await door.get(scene.hub.path, repositories="shop")
    assert narrow.status_code == 404
    assert narrow.json()["code"] == "installation_gone"
    for _ in range(3):
        assert (await door.get(scene.hub.path, repositories="shop")).status_code == 404
    assert scene.hub.calls("POST", "/access_tokens", 404) == 1


async def test_reinstalled_app_is_found_again_by_its_account(scene: Scene) -> None:
    door = await scene.open()
    old = (await door.get("/tokens/accounts/acme")).json()
    assert old["installation_id"] == scene.hub.installation.id
    scene.hub.installation.removed = True
    anew = scene.sandbox.create_installation(scene.hub.app)
    gone = await door.get("/tokens/accounts/acme", repositories="shop")
    assert gone.status_code == 404
    found = await door.get("/tokens/accounts/acme", repositories="shop")
    assert found.status_code == 200, found.text
    assert found.json()["installation_id"] == anew.id


async def test_suspended_installation_says_who_can_resume_it(scene: Scene) -> None:
    door = await scene.open()
    scene.hub.installation.suspended_at_ms = scene.clock.now_ms()
    refused = await door.get(scene.hub.path)
    assert refused.status_code == 403
    assert refused.json()["code"] == "installation_suspended"
    scene.hub.installation.suspended_at_ms = None
    scene.yard.tokens.apps.forget(scene.hub.installation.id)
    assert (await door.get(scene.hub.path)).status_code == 200


async def test_limit_on_minting_is_told_with_its_end(scene: Scene) -> None:
    door = await scene.open()
    scene.sandbox.fail("secondary_limit", path="*/access_tokens", wait_s=90)
    limited = await door.get(scene.hub.path)
    assert limited.status_code == 429
    assert 80 <= int(limited.headers["retry-after"]) <= 91
    assert (await door.get(scene.hub.path)).status_code == 429
    scene.clock.advance(95)
    assert (await door.get(scene.hub.path)).status_code == 200


async def test_github_that_is_down_is_our_503_and_mints_nothing_twice(scene: Scene) -> None:
    door = await scene.open()
    scene.sandbox.fail("error", path="*/access_tokens", status=500)
    down = await door.get(scene.hub.path)
    assert down.status_code == 503
    assert int(down.headers["retry-after"]) > 0
    scene.clock.advance(3)
    assert (await door.get(scene.hub.path)).status_code == 200


async def test_token_is_given_out_with_the_life_that_was_asked_for(scene: Scene) -> None:
    door = await scene.open()
    first = (await door.get(scene.hub.path)).json()
    scene.clock.advance(1800)
    assert (await door.get(scene.hub.path)).json()["token"] == first["token"]
    longer = (await door.get(scene.hub.path, min_ttl=3000)).json()
    assert longer["token"] != first["token"]
    assert (await door.get(scene.hub.path, min_ttl=3301)).status_code == 400


async def test_expired_token_is_not_revoked_again(scene: Scene) -> None:
    door = await scene.open()
    token = (await door.get(scene.hub.path)).json()
    scene.clock.advance(3700)
    ended = (await door.call("DELETE", f"/tokens/{token['mint_id']}")).json()
    assert ended["ended"] is True
    assert ended["reason"] == "it had expired before"
    assert scene.hub.calls("DELETE", "/installation/token", 204) == 0
    assert scene.hub.calls("DELETE", "/installation/token", 401) == 0


async def test_token_that_is_dead_already_counts_as_revoked(scene: Scene) -> None:
    door = await scene.open()
    token = (await door.get(scene.hub.path)).json()
    scene.sandbox.world.tokens[token["token"]].revoked = True
    ended = (await door.call("DELETE", f"/tokens/{token['mint_id']}")).json()
    assert ended["ended"] is True


async def test_github_that_does_not_revoke_is_believed_once_and_answered_honestly(
    scene: Scene,
) -> None:
    door = await scene.open()
    tokens = [
        (await door.get(scene.hub.path, permissions=p)).json()
        for p in ("issues:read", "contents:read")
    ]
    for n, token in enumerate(tokens):
        if n == 0:
            scene.sandbox.fail("error", path="/installation/token", status=404)
        ended = (await door.call("DELETE", f"/tokens/{token['mint_id']}")).json()
        assert ended["ended"] is False
        assert "GitHub does not end tokens of this App" in ended["reason"]
        assert scene.hub.status(token["token"]) == 200
    assert len([m for m, p, _ in scene.sandbox.gateway.seen if m == "DELETE"]) == 1
    fresh = (await door.get(scene.hub.path, permissions="issues:read")).json()
    assert fresh["token"] != tokens[0]["token"]
    mint = (await door.get(f"/tokens/mints/{tokens[0]['mint_id']}")).json()
    assert mint["state"] == "kept"


async def test_a_204_is_not_believed_while_the_token_still_works(scene: Scene) -> None:
    door = await scene.open()
    token = (await door.get(scene.hub.path)).json()
    scene.sandbox.world.revokes = False
    ending = asyncio.create_task(door.call("DELETE", f"/tokens/{token['mint_id']}"))
    while not ending.done():
        scene.clock.advance(1.0)
        await asyncio.wait({ending}, timeout=0.02)
    ended = (await ending).json()
    assert (ended["ended"], NOT_ENDED in ended["reason"]) == (False, True)
    assert scene.hub.calls("DELETE", "/installation/token", 204) == 1
    assert scene.hub.status(token["token"]) == 200
    mint = (await door.get(f"/tokens/mints/{token['mint_id']}")).json()
    assert mint["state"] == "kept"
    assert (await door.get(scene.hub.path)).json()["token"] != token["token"]
    (said,) = await door.page("/api/admin/audit", action="tokens.revoke")
    assert said["outcome"] == "failed"


async def test_of_two_apps_on_an_account_the_one_with_room_is_taken(scene: Scene) -> None:
    second = scene.sandbox.register_app(
        "Second", private_key=private_key(), permissions=dict(RIGHTS) | {"checks": "write"}
    )
    scene.sandbox.create_installation(second)
    host = scene.sandbox.base_url
    door = await scene.open(**scene.more_apps(second=(second.id, host)))
    path = "/tokens/accounts/acme"
    first = (await door.get(path)).json()
    assert first["app_id"] == scene.hub.app.id
    apps = scene.yard.tokens.apps
    main = next(app for app in apps.all if app.name == "main")
    apps.saw(main.key, scene.hub.installation.id, Room(10, 5000, scene.clock.now_ms()))
    assert (await door.get(path)).json()["app_id"] == second.id
    assert (await door.get(path, app="main")).json()["app_id"] == scene.hub.app.id
    assert (await door.get(path, app="nobody")).json()["code"] == "unknown_app"
    assert (await door.get("/tokens/accounts/octo")).json()["code"] == "not_installed"


async def test_one_number_on_two_hosts_has_to_be_told_apart(scene: Scene) -> None:
    other = scene.stack.enter_context(Sandbox(scene.clock, deliver=lambda _: None))
    other.create_repository("acme/shop")
    app = other.register_app(private_key=private_key(), permissions=dict(RIGHTS))
    theirs = other.create_installation(app)
    assert theirs.id == scene.hub.installation.id
    door = await scene.open(**scene.more_apps(ghes=(app.id, other.base_url)))
    unclear = await door.get(scene.hub.path)
    assert unclear.json()["code"] == "ambiguous_app"
    own = (await door.get(scene.hub.path, app="main")).json()
    ghes = (await door.get(scene.hub.path, app="ghes")).json()
    assert own["token"] in scene.sandbox.world.tokens
    assert ghes["token"] in other.world.tokens
    assert own["mint_id"] != ghes["mint_id"]


async def test_planted_secrets_are_in_no_answer_log_or_metric(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    door = await scene.open()
    token = (await door.get(scene.hub.path)).json()["token"]
    answers = [
        await door.get(scene.hub.path, permissions="contents:admin"),
        await door.get("/tokens/mints"),
        await door.get("/api/admin/audit"),
        await door.get("/metrics"),
        await door.get("/healthz"),
        await door.call("POST", "/tokens/explain", {"installation_id": 1}),
        await door.call("DELETE", f"/tokens/{'0' * 26}"),
    ]
    scene.sandbox.fail("error", path="*/access_tokens", status=500, message=token)
    answers.append(await door.get(scene.hub.path, repositories="shop"))
    text = "".join(answer.text + repr(answer.headers) for answer in answers)
    printed = capsys.readouterr()
    for planted in (token, *PLANTED):
        assert planted not in text
        assert planted not in printed.out + printed.err
    metrics = answers[3].text
    assert 'hookyard_token_requests_total{outcome="minted"} 1.0' in metrics
    assert str(scene.hub.installation.id) not in "".join(
        line for line in metrics.splitlines() if "token" in line
    )


async def test_attack_odd_requests_are_refused_and_never_a_5xx(scene: Scene) -> None:
    door = await scene.open()
    path = scene.hub.path
    for query in (
        "repositories=" + "a," * 6000,
        "permissions=contents",
        "permissions=contents:read,contents:write",
        "permissions=contents:root",
        "repositories=../etc",
        "repositories=a%00b",
        "repositories=a%2Fb%2Fc",
        "min_ttl=-1",
        "min_ttl=1e9",
        "app=%2e%2e%2f",
        "campaign=" + "c" * 65,
    ):
        answer = await door.http.get(
            f"{path}?{query}", headers={"authorization": f"Bearer {ADMIN}"}
        )
        assert answer.status_code in (400, 403), (query[:40], answer.text)
    for body in ([], {"repositories": []}, {"permissions": {}}, {"more": 1}, {"min_ttl": True}):
        assert (await door.call("POST", path, body)).status_code == 400, body
    for odd in ("0", "-1", "1e3", "x", "%2e%2e", "9" * 30):
        found = await door.get(f"/tokens/installations/{odd}")
        assert found.status_code in (400, 404), odd
    assert scene.hub.minted() == 0


async def test_attack_cookie_and_doubled_credential_do_not_take_the_short_way(
    scene: Scene,
) -> None:
    door = await scene.open()
    for _ in range(2):
        assert (await door.get(scene.hub.path)).status_code == 200
    request = httpx2.Request(
        "GET", f"{door.http.base_url}{scene.hub.path}",
        headers=[("authorization", f"Bearer {ADMIN}"), ("authorization", "Bearer nonsense")],
    )  # fmt: skip
    doubled = await door.http.send(request)
    assert doubled.status_code in (200, 400, 401)
    stolen = await door.http.get(scene.hub.path, headers={"cookie": "hookyard_session=x"})
    assert stolen.status_code == 401
    wrong = await door.with_token(ADMIN[:-1]).get(scene.hub.path)
    assert wrong.status_code == 401


async def test_the_short_way_counts_against_the_callers_budget(scene: Scene) -> None:
    door = await scene.open(HOOKYARD_CALLS_PER_SECOND="0.1", HOOKYARD_CALLS_AT_ONCE="5")
    answers = [await door.get(scene.hub.path) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[1].json()["cached"] is True
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["retry-after"]) >= 1
    scene.clock.advance(10)
    assert (await door.get(scene.hub.path)).status_code == 200
