"""Installation tokens: shapes, scope, life and death."""

import re

import pytest

from hookyard.kit.json import Json
from hookyard_sandbox.github.routes.apps import NO_PERMISSION, NO_REPOSITORY
from tests.support.sandbox import Hub, make_hub


async def mint(hub: Hub, body: Json = None, status: int = 201) -> dict[str, Json]:
    path = f"/app/installations/{hub.installation.id}/access_tokens"
    answer = await hub.as_app("POST", path, body)
    assert answer.status_code == status
    made: dict[str, Json] = answer.json()
    return made


async def test_a_stateless_token_is_long_and_names_its_app(hub: Hub) -> None:
    token = (await mint(hub))["token"]
    assert re.fullmatch(rf"ghs_{hub.app.id}_[\w-]+\.[\w-]+\.[\w-]+", str(token))
    assert 450 < len(str(token)) < 600


async def test_a_classic_token_has_40_characters() -> None:
    hub = make_hub(stateless_tokens=False)
    assert re.fullmatch(r"ghs_[A-Za-z0-9]{36}", str((await mint(hub))["token"]))
    await hub.client.aclose()


@pytest.mark.parametrize(("asked", "classic"), [("disabled", True), ("enabled", False)])
async def test_a_header_chooses_the_shape(hub: Hub, asked: str, classic: bool) -> None:
    hub.sandbox.world.stateless_tokens = asked == "disabled"
    path = f"/app/installations/{hub.installation.id}/access_tokens"
    headers = {"X-GitHub-Stateless-S2S-Token": asked}
    answer = await hub.call("POST", path, token=hub.assertion(), headers=headers)
    assert (len(answer.json()["token"]) == 40) is classic


async def test_a_token_lives_one_hour(hub: Hub) -> None:
    token = str((await mint(hub))["token"])
    hub.clock.advance(3599)
    assert (await hub.repo("GET", "", token=token)).status_code == 200
    hub.clock.advance(1)
    answer = await hub.repo("GET", "", token=token)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


async def test_scope_can_only_shrink(hub: Hub) -> None:
    refused = await mint(hub, {"permissions": {"administration": "write"}}, 422)
    assert refused["message"] == NO_PERMISSION
    refused = await mint(hub, {"permissions": {"metadata": "write"}}, 422)
    assert refused["message"] == NO_PERMISSION
    refused = await mint(hub, {"repositories": ["shop", "unknown"]}, 422)
    assert refused["message"] == NO_REPOSITORY
    refused = await mint(hub, {"repository_ids": [1]}, 422)
    assert refused["message"] == NO_REPOSITORY


async def test_a_list_of_over_500_repositories_is_refused(hub: Hub) -> None:
    await mint(hub, {"repositories": ["shop"] * 501}, 422)


async def test_a_narrow_token_reaches_nothing_else(hub: Hub) -> None:
    other = hub.sandbox.create_repository("acme/other")
    made = await mint(hub, {"repository_ids": [other.id], "permissions": {"issues": "read"}})
    assert made["permissions"] == {"issues": "read", "metadata": "read"}
    token = str(made["token"])
    assert (await hub.repo("GET", "/issues", token=token)).status_code == 404
    mine = "/repos/acme/other"
    assert (await hub.call("GET", mine + "/issues", token=token)).status_code == 200
    write = await hub.call("POST", mine + "/issues", {"title": "x"}, token=token)
    assert (write.status_code, write.json()["message"]) == (
        403,
        "Resource not accessible by integration",
    )
    listed = await hub.call("GET", "/installation/repositories", token=token)
    assert [r["full_name"] for r in listed.json()["repositories"]] == ["acme/other"]


async def test_a_revoked_token_is_dead(hub: Hub) -> None:
    token = str((await mint(hub))["token"])
    assert (await hub.call("DELETE", "/installation/token", token=token)).status_code == 204
    assert (await hub.repo("GET", "", token=token)).status_code == 401


async def test_a_suspended_installation_answers_403(hub: Hub) -> None:
    hub.sandbox.suspend(hub.installation.id)
    assert (await hub.repo("GET", "")).status_code == 403
    refused = await mint(hub, None, 403)
    assert refused["message"] == "This installation has been suspended"
    hub.sandbox.unsuspend(hub.installation.id)
    assert (await hub.repo("GET", "")).status_code == 200


async def test_a_removed_installation_is_gone(hub: Hub) -> None:
    hub.sandbox.uninstall(hub.installation.id)
    assert (await hub.repo("GET", "")).status_code == 401
    await mint(hub, None, 404)
    answer = await hub.as_app("GET", f"/app/installations/{hub.installation.id}")
    assert answer.status_code == 404
    assert (await hub.as_app("GET", "/app/installations")).json() == []


async def test_an_app_sees_only_its_own_installations(hub: Hub) -> None:
    stranger = hub.sandbox.register_app("Stranger")
    path = f"/app/installations/{hub.installation.id}"
    answer = await hub.call("GET", path, token=stranger.assertion(hub.now_s))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("permission", "method", "path", "body"),
    [
        ("issues", "GET", "/issues/1", None),
        ("issues", "POST", "/issues", {"title": "x"}),
        ("issues", "POST", "/issues/1/comments", {"body": "x"}),
        ("issues", "POST", "/issues/1/reactions", {"content": "eyes"}),
        ("checks", "POST", "/check-runs", {"name": "x", "head_sha": "0" * 40}),
        ("checks", "GET", "/commits/main/check-runs", None),
        ("contents", "GET", "/contents/README.md", None),
        ("contents", "GET", "/commits/main", None),
        ("pull_requests", "GET", "/pulls", None),
        ("statuses", "GET", "/commits/main/statuses", None),
    ],
)
async def test_each_route_needs_its_permission(
    hub: Hub, permission: str, method: str, path: str, body: Json
) -> None:
    hub.sandbox.take_permission(hub.installation.id, permission)
    answer = await hub.repo(method, path, body)
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"


async def test_read_is_not_write(hub: Hub) -> None:
    token = hub.sandbox.mint(hub.installation, {"issues": "read", "pull_requests": "write"})
    assert (await hub.repo("GET", "/issues/1", token=token)).status_code == 200
    answer = await hub.repo("PATCH", "/issues/1", {"body": "x"}, token=token)
    assert answer.status_code == 403


async def test_a_foreign_private_repository_does_not_exist(hub: Hub) -> None:
    hub.sandbox.create_repository("other/secret")
    hub.sandbox.create_repository("other/open", private=False)
    assert (await hub.call("GET", "/repos/other/secret")).status_code == 404
    assert (await hub.call("GET", "/repos/other/open")).status_code == 200
    answer = await hub.call("POST", "/repos/other/open/issues", {"title": "x"})
    assert answer.status_code == 403


async def test_mints_are_in_the_history_without_the_secret(hub: Hub) -> None:
    token = str((await mint(hub))["token"])
    lines = hub.sandbox.history(kind="token", action="created")
    assert len(lines) == 1
    assert token not in str(lines)
