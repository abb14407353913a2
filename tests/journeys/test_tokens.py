"""Installation tokens through the front door: narrow, cached, recorded, refused with reasons."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.core.tokens.rules import fingerprint
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.minting import Hub, hub, policy_file
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation

POLICY = """
version: 1
rules:
  - name: readers
    who:
      - {kind: admin_key}
    owners: [acme]
    repositories: [acme/shop, acme/web]
    permissions: {contents: read, issues: write}
  - name: deployers
    who:
      - {kind: api_key, name: deploy-*}
    owners: [acme]
    repositories: [acme/api-*]
    permissions: {contents: write}
    mints_per_hour: 2
"""
Open = Callable[..., Awaitable[Caller]]


@pytest.fixture
def github() -> Iterator[Hub]:
    with hub() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
async def opened(
    request: pytest.FixtureRequest, tmp_path: Path, github: Hub
) -> AsyncIterator[Open]:
    """Opens a front door on an engine of its own; `policy` becomes its mint policy."""
    async with AsyncExitStack() as stack:
        environ = dict(github.environ)
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = server.lend(an_installation)
            stack.callback(server.take_back, name)
            environ["DATABASE_URL"] = server.url(name)

        async def begin(policy: str = "") -> Caller:
            if policy:
                environ["HOOKYARD_MINT_POLICY_FILE"] = policy_file(tmp_path, policy)
            yard = await make_yard(tmp_path, environ)
            stack.push_async_callback(yard.close)
            return await stack.enter_async_context(serving(yard))

        yield begin


async def test_token_is_minted_once_and_cached(opened: Open, github: Hub) -> None:
    door = await opened()
    first = await door.get(github.path)
    assert first.status_code == 200, first.text
    token = first.json()
    assert token["cached"] is False
    assert token["permissions"]["issues"] == "write"
    assert token["repositories"] is None
    assert first.headers["cache-control"] == "no-store"
    assert github.status(token["token"]) == 200
    for _ in range(3):
        again = await door.get(github.path)
        assert again.json() == token | {"cached": True}
        assert again.headers["cache-control"] == "no-store"
        assert again.headers["x-request-id"]
    assert github.minted() == 1
    page = (await door.get("/tokens/mints")).json()["items"]
    assert [mint["id"] for mint in page] == [token["mint_id"]]
    assert page[0]["token_sha256"] == fingerprint(token["token"])
    assert token["token"] not in str(page)


async def test_narrower_scopes_are_minted_narrow_and_never_answered_with_more(
    opened: Open, github: Hub
) -> None:
    door = await opened()
    whole = (await door.get(github.path)).json()
    body = {"repositories": ["acme/shop"], "permissions": {"issues": "read"}}
    narrow = (await door.call("POST", github.path, body)).json()
    assert narrow["token"] != whole["token"]
    assert narrow["repositories"] == ["acme/shop"]
    assert narrow["permissions"] == {"issues": "read", "metadata": "read"}
    again = await door.get(github.path, repositories="shop", permissions="issues:read")
    assert again.json()["token"] == narrow["token"]
    assert again.json()["cached"] is True
    assert github.minted() == 2


async def test_more_than_is_granted_is_refused_with_the_difference(
    opened: Open, github: Hub
) -> None:
    door = await opened()
    github.app.app.permissions["checks"] = "write"
    body = {"permissions": {"checks": "write", "contents": "admin", "issues": "read"}}
    answer = await door.call("POST", github.path, body)
    assert answer.status_code == 403
    problem = answer.json()
    assert problem["code"] == "permissions_not_granted"
    assert problem["lacking"] == {
        "checks": {"asked": "write", "granted": None, "app": "write"},
        "contents": {"asked": "admin", "granted": "write", "app": "write"},
    }
    assert "contents" in problem["detail"]
    assert github.minted() == 0


async def test_repository_that_github_does_not_show_is_told_as_that(
    opened: Open, github: Hub
) -> None:
    door = await opened()
    answer = await door.get(github.path, repositories="acme/nowhere")
    assert answer.status_code == 403
    assert answer.json()["code"] == "repositories_not_accessible"
    assert "does not say which" in answer.json()["detail"]


async def test_attack_repository_of_another_owner_is_not_turned_into_ours(
    opened: Open, github: Hub
) -> None:
    door = await opened()
    answer = await door.get(github.path, repositories="evil/shop")
    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign_repository"
    assert github.minted() == 0


async def test_policy_narrows_what_was_left_open_and_refuses_the_rest(
    opened: Open, github: Hub
) -> None:
    door = await opened(POLICY)
    given = (await door.get(github.path)).json()
    assert given["repositories"] == ["acme/shop", "acme/web"]
    assert given["permissions"] == {"contents": "read", "issues": "write", "metadata": "read"}
    refused = await door.get(github.path, permissions="contents:write")
    assert refused.status_code == 403
    assert refused.json()["code"] == "policy_refused"
    assert refused.json()["rules"][0]["condition"] == "permissions"
    assert "contents: write is more than the rule's read" in refused.json()["detail"]
    outside = await door.get(github.path, repositories="api-one")
    assert "acme/api-one is not in the rule" in outside.json()["detail"]
    stranger = await door.key("mint")
    nothing = await stranger.get(github.path)
    assert nothing.status_code == 403
    assert nothing.json()["detail"] == "no rule of the mint policy is for this caller"
    assert nothing.json()["rules"] == []
    assert nothing.json()["rules_for_others"] == 2
    assert github.minted() == 1
    trail = await door.page("/api/admin/audit", action="tokens.mint")
    assert sorted(entry["outcome"] for entry in trail) == ["done", "refused", "refused", "refused"]


async def test_quota_counts_tokens_and_not_requests(opened: Open, github: Hub) -> None:
    door = await opened(POLICY)
    github.sandbox.create_repository("acme/api-two")
    github.sandbox.create_repository("acme/api-three")
    wanted = {"name": "deploy-1", "role": "mint"}
    made = await door.call("POST", "/api/admin/keys", wanted)
    deployer = door.with_token(made.json()["token"])
    for _ in range(3):
        for name in ("api-one", "api-two"):
            assert (await deployer.get(github.path, repositories=name)).status_code == 200
    third = await deployer.get(github.path, repositories="api-three")
    assert third.status_code == 429
    assert 3500 < int(third.headers["retry-after"]) <= 3600
    assert (await deployer.get(github.path, repositories="api-one")).status_code == 200
    assert github.minted() == 2


async def test_narrow_key_gets_its_repository_and_nothing_else(opened: Open, github: Hub) -> None:
    door = await opened()
    narrow = await door.key("mint", "repo:acme/shop")
    assert (await narrow.get(github.path, repositories="shop")).status_code == 200
    whole = await narrow.get(github.path)
    assert whole.status_code == 403
    assert "must name them" in whole.json()["detail"]
    assert (await narrow.get(github.path, repositories="shop,web")).status_code == 403
    elsewhere = await door.key("mint", "org:octo")
    hidden = await elsewhere.get(github.path)
    unknown = await elsewhere.get("/tokens/installations/99999999")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json() == unknown.json()


async def test_cached_token_is_not_given_to_the_next_who_may_not_have_it(
    opened: Open, github: Hub
) -> None:
    door = await opened()
    assert (await door.get(github.path)).status_code == 200
    assert (await door.get(github.path)).json()["cached"] is True
    viewer = await door.key("viewer")
    assert (await viewer.get(github.path)).status_code == 403
    minter = await door.key("mint")
    assert (await minter.get(github.path)).json()["cached"] is True
    keys = await door.page("/api/admin/keys")
    minter_id = next(key["id"] for key in keys if key["role"] == "mint")
    await door.call("DELETE", f"/api/admin/keys/{minter_id}")
    assert (await minter.get(github.path)).status_code == 401
    trail = await door.page("/api/admin/audit", action="tokens.give")
    assert [entry["actor"] for entry in trail] == [f"api_key:{minter_id}"]


async def test_revoked_token_is_dead_and_never_given_again(opened: Open, github: Hub) -> None:
    door = await opened()
    token = (await door.get(github.path)).json()
    ended = await door.call("DELETE", f"/tokens/{token['mint_id']}")
    assert ended.json()["ended"] is True
    assert github.status(token["token"]) == 401
    fresh = (await door.get(github.path)).json()
    assert fresh["token"] != token["token"]
    assert fresh["cached"] is False
    again = await door.call("DELETE", f"/tokens/{token['mint_id']}")
    assert again.json()["ended"] is True
    assert github.calls("DELETE", "/installation/token", 204) == 1
    mint = (await door.get(f"/tokens/mints/{token['mint_id']}")).json()
    assert mint["state"] == "revoked"


async def test_everything_an_actor_ever_got_is_revoked_at_once(opened: Open, github: Hub) -> None:
    door = await opened()
    shared = (await door.get(github.path, repositories="shop")).json()
    kept = (await door.get(github.path, repositories="web")).json()
    minter = await door.key("mint")
    assert (await minter.get(github.path, repositories="shop")).json()["cached"] is True
    own = (await minter.get(github.path, permissions="issues:read")).json()
    minter_id = (await door.page("/api/admin/keys"))[0]["id"]
    answer = await door.call("POST", "/tokens/revoke", {"actor": f"api_key:{minter_id}"})
    ended = {item["mint_id"] for item in answer.json()["items"] if item["ended"]}
    assert ended == {shared["mint_id"], own["mint_id"]}
    assert github.status(shared["token"]) == 401
    assert github.status(kept["token"]) == 200


async def test_explanation_says_what_would_come_and_mints_nothing(
    opened: Open, github: Hub
) -> None:
    door = await opened(POLICY)
    wanted = {"installation_id": github.installation.id, "permissions": {"contents": "write"}}
    mine = (await door.call("POST", "/tokens/explain", wanted)).json()
    assert mine["allowed"] is False
    assert mine["code"] == "policy_refused"
    who = {"kind": "api_key", "id": "x", "name": "deploy-7"}
    theirs = wanted | {"repositories": ["acme/api-one"], "who": who}
    asked = (await door.call("POST", "/tokens/explain", theirs)).json()
    assert asked["allowed"] is True
    assert asked["rule"] == "deployers"
    assert [rule["condition"] for rule in asked["rules"]] == ["who", None]
    viewer = await door.key("viewer")
    assert (await viewer.call("POST", "/tokens/explain", theirs)).status_code == 403
    own = (await viewer.call("POST", "/tokens/explain", wanted)).json()
    assert own["code"] == "installation_unknown"
    assert github.minted() == 0


async def test_simulation_shows_what_another_policy_would_change(opened: Open, github: Hub) -> None:
    door = await opened()
    assert (await door.get(github.path)).status_code == 200
    assert (await door.get(github.path, repositories="api-one")).status_code == 200
    assert (await door.get(github.path, repositories="shop", permissions="issues:read")).json()
    found = (await door.call("POST", "/tokens/simulate", {"policy": POLICY})).json()
    assert (found["requests"], found["same"], found["different"]) == (3, 1, 2)
    told = {change["would"]: change for change in found["changes"]}
    assert told["narrowed"]["rule"] == "readers"
    assert "acme/api-one is not in the rule" in told["refused"]["reason"]
    wrong = await door.call("POST", "/tokens/simulate", {"policy": "version: 1\nrules: [x]"})
    assert wrong.status_code == 400
    assert wrong.json()["code"] == "bad_policy"
    assert "line 2" in wrong.json()["detail"]


async def test_command_line_mints_explains_and_revokes(
    opened: Open, github: Hub, tmp_path: Path
) -> None:
    door = await opened(POLICY)
    url = str(door.http.base_url)
    file = tmp_path / "other.yml"
    file.write_text("version: 1\nrules: []\n", encoding="utf-8")

    async def run(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "hookyard", "tokens", *words]
        child = await asyncio.create_subprocess_exec(
            *command, "--url", url, "--key", door.token, stdout=-1, stderr=-1, cwd=tmp_path
        )
        out, err = await child.communicate()
        return child.returncode or 0, out.decode(), err.decode()

    asked = ("acme", "--repository", "shop", "--permission", "contents:read")
    code, token, about = await run("mint", *asked)
    assert code == 0, about
    assert github.status(token.strip()) == 200
    assert "contents:read" in about
    assert token.strip() not in about
    code, said, _ = await run(
        "explain", "acme", "--repository", "shop", "--permission", "issues:admin"
    )
    assert code == 1
    assert "rule readers: permissions: issues: admin is more than the rule's write" in said
    code, said, _ = await run("simulate", str(file))
    assert (code, "1 of 1 requests change" in said) == (0, True)
    code, listed, _ = await run("list", "--json")
    assert token.strip() not in listed
    mint_id = json.loads(listed)["items"][0]["id"]
    code, said, _ = await run("revoke", mint_id)
    assert (code, said) == (0, f"{mint_id} is dead\n")
    assert github.status(token.strip()) == 401
