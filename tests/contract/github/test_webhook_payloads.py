"""The webhooks the simulated GitHub sends, judged by GitHub's own document."""

import msgspec
import pytest

from hookyard.kit.json import JsonObject
from hookyard_sandbox.github.model import HookDelivery
from tests.support.openapi import Judge
from tests.support.sandbox import REPOSITORY, Hub, make_hub

pytestmark = pytest.mark.npm

SUBSCRIBED = ["issues", "issue_comment", "push", "pull_request", "check_run", "status"]
SUBSCRIBED += ["membership", "team", "organization", "workflow_run"]


def everything(hub: Hub) -> None:
    """Something of every kind happens."""
    people = hub.sandbox
    people.register_app("Second")
    people.choose_repositories(hub.installation.id, remove=(REPOSITORY,))
    people.choose_repositories(hub.installation.id, add=(REPOSITORY,))
    people.create_issue(REPOSITORY, "Title", "Body", labels=("bug",))
    people.edit_issue(REPOSITORY, 2, title="Other", body="Other")
    comment = people.create_comment(REPOSITORY, 2, "hello")
    people.edit_comment(REPOSITORY, comment.id, "hello again")
    people.close_issue(REPOSITORY, 2)
    people.push(REPOSITORY, {"a.txt": "a"}, branch="fix")
    people.create_pull(REPOSITORY, "fix", "Fix it")
    run = people.run_workflow(REPOSITORY, files={"r.xml": "<testsuite/>"}, branch="fix")
    people.rerun(REPOSITORY, run.id)
    people.push(REPOSITORY, {"a.txt": "b"}, branch="fix")
    people.join_org("acme", "alice")
    people.create_team("acme", "Platform")
    people.create_team("acme", "Deep", parent="platform")
    people.join_team("acme", "deep", "alice")
    people.leave_team("acme", "deep", "alice")
    people.delete_team("acme", "platform")
    people.leave_org("acme", "alice")
    people.suspend(hub.installation.id)
    people.unsuspend(hub.installation.id)
    people.uninstall(hub.installation.id)


@pytest.fixture
def sent() -> list[HookDelivery]:
    return []


async def runs(hub: Hub) -> None:
    tip = hub.sandbox.repository(REPOSITORY).branches["main"]
    made = await hub.repo("POST", "/check-runs", {"name": "x", "head_sha": tip})
    path = f"/check-runs/{made.json()['id']}"
    done = {"conclusion": "success"}
    assert (await hub.repo("PATCH", path, done)).status_code == 200
    hub.sandbox.rerequest_check(REPOSITORY, made.json()["id"])


async def test_payloads_are_as_github_documents(
    github_judge: Judge, sent: list[HookDelivery]
) -> None:
    hub = make_hub()
    hub.installation.events[:] = SUBSCRIBED
    hub.sandbox.hooks.deliver = sent.append
    await runs(hub)
    everything(hub)
    await hub.client.aclose()
    seen = {(one.event, one.action) for one in sent}
    assert {("membership", "added"), ("team", "deleted"), ("organization", "member_removed")} < seen
    assert {"ping", "push", "issues", "pull_request", "check_run"} <= {event for event, _ in seen}
    said = [
        f"{one.event} {one.action}: {line}"
        for one in sent
        for line in github_judge.webhook_errors(one.event, one.action, payload(one))
    ]
    assert not said, "\n".join(dict.fromkeys(said))


def payload(one: HookDelivery) -> JsonObject:
    decoded: JsonObject = msgspec.json.decode(one.body)
    return decoded
