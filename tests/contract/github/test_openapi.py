"""Every route of the simulated GitHub, judged by GitHub's own OpenAPI document.

The hub fixture checks each request body that was accepted and each answer that was given.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from hookyard.core.registration.model import Wish
from hookyard.core.registration.rules import manifest_of
from hookyard.kit.json import dig
from hookyard_sandbox.github.app import ENDPOINTS
from tests.support.openapi import LISTED_INSTALLATIONS, Judge, Watch, require_npm
from tests.support.sandbox import REPOSITORY, Hub

pytestmark = pytest.mark.npm


async def read_everything(hub: Hub) -> None:
    """The routes that only read and need nothing made first."""
    for path in ("/app", "/app/installations", f"/app/installations/{hub.installation.id}"):
        assert (await hub.as_app("GET", path)).status_code == 200
    for path in ("/orgs/acme", "/users/acme", f"/repos/{REPOSITORY}"):
        assert (await hub.as_app("GET", path + "/installation")).status_code == 200
    for path in ("/installation/repositories", "/rate_limit", "/meta"):
        assert (await hub.call("GET", path)).status_code == 200
    tip = hub.sandbox.repository(REPOSITORY).branches["main"]
    blob = hub.sandbox.repository(REPOSITORY).commits[tip].tree["README.md"]
    paths = (
        "",
        "/contents",
        "/contents/src",
        f"/contents/src/cart.py?ref={tip}",
        "/collaborators/octocat/permission",
        "/collaborators/reader/permission",
        "/commits/main",
        "/commits?sha=main",
        f"/git/blobs/{blob}",
        "/git/ref/heads/main",
    )
    for path in paths:
        assert (await hub.repo("GET", path)).status_code == 200, path


async def work_on_issues(hub: Hub) -> None:
    """Issues, labels, comments and reactions."""
    body = {"title": "New", "body": "Text", "labels": ["bug"], "assignees": ["octocat"]}
    assert (await hub.repo("POST", "/issues", body)).status_code == 201
    assert (await hub.repo("GET", "/issues?state=all")).status_code == 200
    assert (await hub.repo("GET", "/issues/1")).status_code == 200
    closing = {"state": "closed", "state_reason": "not_planned", "body": None}
    assert (await hub.repo("PATCH", "/issues/1", closing)).status_code == 200
    label = {"name": "size/L", "color": "ff0000", "description": "large"}
    assert (await hub.repo("POST", "/labels", label)).status_code == 201
    assert (await hub.repo("GET", "/labels")).status_code == 200
    assert (await hub.repo("GET", "/labels/bug")).status_code == 200
    on_issue = "/issues/1/labels"
    assert (await hub.repo("POST", on_issue, {"labels": ["bug", "ui"]})).status_code == 200
    assert (await hub.repo("PUT", on_issue, {"labels": ["ui"]})).status_code == 200
    assert (await hub.repo("GET", on_issue)).status_code == 200
    assert (await hub.repo("DELETE", on_issue + "/ui")).status_code == 200


async def work_on_comments(hub: Hub) -> None:
    """Comments and reactions."""
    made = await hub.repo("POST", "/issues/1/comments", {"body": "hello"})
    assert made.status_code == 201
    one = f"/issues/comments/{made.json()['id']}"
    assert (await hub.repo("PATCH", one, {"body": "hello again"})).status_code == 200
    for path in ("/issues/1/comments", "/issues/comments", one):
        assert (await hub.repo("GET", path)).status_code == 200
    for path in ("/issues/1/reactions", one + "/reactions"):
        first = await hub.repo("POST", path, {"content": "eyes"})
        assert first.status_code == 201
        assert (await hub.repo("POST", path, {"content": "eyes"})).status_code == 200
        assert (await hub.repo("GET", path)).status_code == 200
        assert (await hub.repo("DELETE", f"{path}/{first.json()['id']}")).status_code == 204
    assert (await hub.repo("DELETE", one)).status_code == 204


async def work_on_checks(hub: Hub) -> None:
    """Check runs from queued to completed, and statuses."""
    tip = hub.sandbox.repository(REPOSITORY).branches["main"]
    made = await hub.repo("POST", "/check-runs", {"name": "hookyard/criteria", "head_sha": tip})
    assert made.status_code == 201
    one = f"/check-runs/{made.json()['id']}"
    remark = {
        "path": "src/cart.py",
        "start_line": 1,
        "end_line": 1,
        "start_column": 1,
        "end_column": 2,
        "annotation_level": "warning",
        "message": "look",
        "title": "Look",
    }
    output = {"title": "T", "summary": "S", "text": "X", "annotations": [remark]}
    change = {"status": "completed", "conclusion": "failure", "output": output}
    assert (await hub.repo("PATCH", one, change)).status_code == 200
    for path in (one, one + "/annotations", "/commits/main/check-runs?filter=all"):
        assert (await hub.repo("GET", path)).status_code == 200
    status = {"state": "success", "context": "hookyard", "description": "fine"}
    assert (await hub.repo("POST", f"/statuses/{tip}", status)).status_code == 201
    assert (await hub.repo("GET", "/commits/main/statuses")).status_code == 200


async def work_on_code(hub: Hub) -> None:
    """Branches, files and pull requests."""
    tip = hub.sandbox.repository(REPOSITORY).branches["main"]
    ref = {"ref": "refs/heads/fix", "sha": tip}
    assert (await hub.repo("POST", "/git/refs", ref)).status_code == 201
    content = base64.b64encode(b"new\n").decode()
    body = {"message": "add", "content": content, "branch": "fix"}
    made = await hub.repo("PUT", "/contents/docs/new.md", body)
    assert made.status_code == 201
    body["sha"] = made.json()["content"]["sha"]
    body["content"] = base64.b64encode(b"newer\n").decode()
    assert (await hub.repo("PUT", "/contents/docs/new.md", body)).status_code == 200
    pull = {"head": "fix", "base": "main", "title": "Fix", "body": "It fixes."}
    made = await hub.repo("POST", "/pulls", pull)
    assert made.status_code == 201
    one = f"/pulls/{made.json()['number']}"
    compared = "/compare/main...fix"
    for path in ("/pulls", one, one + "/files", compared, f"/issues/{made.json()['number']}"):
        assert (await hub.repo("GET", path)).status_code == 200


async def work_on_runs(hub: Hub) -> None:
    """Workflow runs, their artifacts, and the tree of a commit."""
    run = hub.sandbox.run_workflow(REPOSITORY, files={"r.xml": "<testsuite/>"})
    one, artifact = f"/actions/runs/{run.id}", f"/actions/artifacts/{run.artifacts[0].id}"
    places = ("/actions/runs", one, one + "/attempts/1", one + "/artifacts", artifact)
    for path in (*places, f"/git/trees/{run.head_sha}?recursive=1"):
        assert (await hub.repo("GET", path)).status_code == 200
    assert (await hub.repo("GET", artifact + "/zip")).status_code == 302


async def work_on_hooks(hub: Hub) -> None:
    """The App's own webhook."""
    config = {"url": "http://127.0.0.1:9/x", "secret": "s", "content_type": "json"}
    assert (await hub.as_app("PATCH", "/app/hook/config", config)).status_code == 200
    assert (await hub.as_app("GET", "/app/hook/config")).status_code == 200
    hub.sandbox.hooks.deliver = lambda _: None
    hub.sandbox.create_issue(REPOSITORY, "Another")
    listed = await hub.as_app("GET", "/app/hook/deliveries")
    assert listed.status_code == 200
    one = f"/app/hook/deliveries/{listed.json()[0]['id']}"
    assert (await hub.as_app("GET", one)).status_code == 200
    assert (await hub.as_app("POST", one + "/attempts")).status_code == 202


async def work_on_plain_hooks(hub: Hub) -> None:
    """Webhooks of a repository and of an organisation."""
    hub.installation.permissions |= {"repository_hooks": "read", "organization_hooks": "read"}
    token = hub.sandbox.mint(hub.installation)
    for owner, base in ((REPOSITORY, f"/repos/{REPOSITORY}/hooks"), ("acme", "/orgs/acme/hooks")):
        hook = hub.sandbox.create_hook(owner, "http://127.0.0.1:9/x", events=["issues"])
        hub.sandbox.send_plain(hook, "issues", {"action": "opened"})
        assert (await hub.call("GET", base, token=token)).status_code == 200
        listed = await hub.call("GET", f"{base}/{hook.id}/deliveries", token=token)
        assert listed.status_code == 200
        one = f"{base}/{hook.id}/deliveries/{listed.json()[0]['id']}"
        assert (await hub.call("GET", one, token=token)).status_code == 200
        assert (await hub.call("POST", one + "/attempts", token=token)).status_code == 202


async def work_on_tokens(hub: Hub) -> None:
    """Minting and revoking."""
    path = f"/app/installations/{hub.installation.id}/access_tokens"
    narrow = {"repositories": ["shop"], "permissions": {"issues": "write"}}
    for body in (None, narrow):
        made = await hub.as_app("POST", path, body)
        assert made.status_code == 201
    gone = await hub.call("DELETE", "/installation/token", token=made.json()["token"])
    assert gone.status_code == 204


async def work_on_people(hub: Hub) -> None:
    """Signing in, teams and organisations; the page and the code are no part of the document."""
    hub.sandbox.sign_in_as("alice", name="Alice")
    token = await user_token(hub)
    assert (await hub.call("GET", "/user", token=token)).status_code == 200
    pair = f"{hub.app.client_id}:{hub.app.client_secret}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    gone = await hub.call(
        "DELETE",
        f"/applications/{hub.app.client_id}/token",
        {"access_token": token},
        token="",
        headers=basic,
    )
    assert gone.status_code == 204
    hub.sandbox.join_org("acme", "alice")
    hub.sandbox.create_team("acme", "Platform")
    hub.sandbox.create_team("acme", "Deep", parent="platform")
    hub.sandbox.join_team("acme", "deep", "alice")
    for path in (
        "/orgs/acme/members",
        "/orgs/acme/teams",
        "/orgs/acme/teams/platform",
        "/orgs/acme/teams/platform/members",
        "/orgs/acme/teams/platform/teams",
        "/orgs/acme/teams/deep/memberships/alice",
    ):
        assert (await hub.call("GET", path)).status_code == 200, path


async def work_on_registration(hub: Hub) -> None:
    """An App registered from the manifest we send, and its code exchanged."""
    here = "https://hookyard.example"
    wish = Wish("Another", "acme", here, f"{here}/setup/callback")
    manifest = json.dumps(manifest_of(wish))
    asked = await hub.client.post(
        "/organizations/acme/settings/apps/new?state=s", data={"manifest": manifest}
    )
    assert asked.status_code == 200, asked.text
    (ticket,) = re.findall(r"name=ticket value=(\w+)", asked.text)
    went = await hub.client.post("/settings/apps/manifest", data={"ticket": ticket})
    query = parse_qs(urlsplit(went.headers["location"]).query)
    assert query["state"] == ["s"]
    path = f"/app-manifests/{query['code'][0]}/conversions"
    made = await hub.client.post(path)
    assert made.status_code == 201, made.text
    assert made.json()["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert (await hub.client.post(path)).status_code == 404


async def user_token(hub: Hub) -> str:
    """What a browser and an App get by signing in."""
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    query = {
        "client_id": hub.app.client_id,
        "redirect_uri": "http://127.0.0.1:99/auth/callback",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    went = await hub.client.get("/login/oauth/authorize", params=query)
    assert went.status_code == 302, went.text
    code = parse_qs(urlsplit(went.headers["location"]).query)["code"][0]
    form = {
        "client_id": hub.app.client_id,
        "client_secret": hub.app.client_secret,
        "code": code,
        "code_verifier": verifier,
    }
    made = await hub.client.post(
        "/login/oauth/access_token", data=form, headers={"accept": "application/json"}
    )
    return str(made.json()["access_token"])


async def test_every_route_speaks_as_github_documents(hub: Hub, watch: Watch) -> None:
    await read_everything(hub)
    await work_on_registration(hub)
    await work_on_issues(hub)
    await work_on_comments(hub)
    await work_on_checks(hub)
    await work_on_code(hub)
    await work_on_runs(hub)
    await work_on_hooks(hub)
    await work_on_plain_hooks(hub)
    await work_on_tokens(hub)
    await work_on_people(hub)
    missed = {f"{e.method} {e.path}" for e in set(ENDPOINTS) - watch.covered}
    assert missed == set()


async def test_refusals_speak_as_github_documents(hub: Hub) -> None:
    answers = [
        await hub.repo("GET", "/issues/999"),
        await hub.repo("GET", "", token="ghs_wrong"),
        await hub.repo("POST", "/issues", {"body": "no title"}),
        await hub.repo("POST", "/issues/1/comments", {"body": "x" * 65_536}),
        await hub.repo("POST", "/issues/1/reactions", {"content": "clap"}),
        await hub.repo("POST", "/check-runs", {"name": "x", "head_sha": "0" * 40}),
        await hub.as_app(
            "POST",
            f"/app/installations/{hub.installation.id}/access_tokens",
            {"repositories": ["nothing"]},
        ),
        await hub.as_app("GET", "/app/hook/deliveries?status=maybe"),
    ]
    hub.sandbox.suspend(hub.installation.id)
    answers.append(await hub.repo("GET", ""))
    assert [a.status_code for a in answers] == [404, 401, 422, 422, 422, 422, 422, 422, 403]


def test_a_null_in_a_nullable_enum_is_accepted(github_judge: Judge) -> None:
    schema = {"type": "string", "enum": ["a"], "nullable": True}
    assert github_judge.errors(schema, None) == []
    assert github_judge.errors(schema, "b") != []


def test_the_list_of_installations_still_needs_its_correction(github_judge: Judge) -> None:
    operation = github_judge.operation("GET", "/app/installations")
    path = ("responses", "200", "content", "application/json", "schema")
    example = dig(github_judge.example("installation-paginated"), "installations")
    assert github_judge.errors(dig(operation, *path), example) != []
    assert github_judge.errors(LISTED_INSTALLATIONS, example) == []


def test_the_judge_finds_fault(github_judge: Judge) -> None:
    route = "/repos/{owner}/{repo}/check-runs"
    assert github_judge.request_errors("POST", route, {"name": "x"}) != []
    assert github_judge.response_errors("POST", route, 201, {"id": 1}) != []
    assert github_judge.response_errors("POST", route, 299, {}) != []


def test_missing_packages_skip_here_and_fail_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="npm ci"):
        require_npm(tmp_path / "nothing.json")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="npm ci"):
        require_npm(tmp_path / "nothing.json")
