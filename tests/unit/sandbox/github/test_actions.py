"""Workflow runs leave artifacts, which are fetched from elsewhere for a minute."""

import hashlib
import io
import json
import zipfile

from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.runacts import zip_of
from tests.support.sandbox import REPOSITORY, Hub, make_hub


async def test_a_finished_run_and_its_artifacts_are_listed(hub: Hub) -> None:
    run = hub.sandbox.run_workflow(REPOSITORY, files={"a.xml": "<testsuite/>"})
    shown = (await hub.repo("GET", f"/actions/runs/{run.id}")).json()
    assert (shown["status"], shown["conclusion"], shown["run_attempt"]) == (
        "completed",
        "success",
        1,
    )
    listed = (await hub.repo("GET", f"/actions/runs/{run.id}/artifacts")).json()
    assert listed["total_count"] == 1
    one = listed["artifacts"][0]
    assert one["name"] == "autoqa-test-report"
    assert one["digest"] == "sha256:" + hashlib.sha256(run.artifacts[0].data).hexdigest()


async def test_artifacts_come_in_pages(hub: Hub) -> None:
    run = hub.sandbox.start_run(REPOSITORY)
    for n in range(5):
        hub.sandbox.upload_artifact(REPOSITORY, run.id, f"part-{n}", files={"a": "b"})
    first = await hub.repo("GET", f"/actions/runs/{run.id}/artifacts?per_page=3")
    assert [a["name"] for a in first.json()["artifacts"]] == ["part-4", "part-3", "part-2"]
    assert 'rel="next"' in first.headers["link"]


async def test_a_download_leads_elsewhere_for_a_minute_and_wants_no_token(hub: Hub) -> None:
    files = {"report.xml": "<testsuite/>"}
    run = hub.sandbox.run_workflow(REPOSITORY, files=files)
    path = f"/actions/artifacts/{run.artifacts[0].id}/zip"
    answer = await hub.repo("GET", path)
    assert answer.status_code == 302
    place = answer.headers["location"]
    refused = await hub.client.get(place, headers={"authorization": "Bearer x"})
    assert refused.status_code == 400
    given = await hub.client.get(place)
    assert zipfile.ZipFile(io.BytesIO(given.content)).read("report.xml") == b"<testsuite/>"
    hub.clock.advance(61)
    assert (await hub.client.get(place)).status_code == 403


async def test_an_expired_artifact_is_gone(hub: Hub) -> None:
    run = hub.sandbox.run_workflow(REPOSITORY, files={"a": "b"})
    hub.sandbox.expire_artifact(REPOSITORY, run.artifacts[0].id)
    listed = (await hub.repo("GET", f"/actions/runs/{run.id}/artifacts")).json()
    assert listed["artifacts"][0]["expired"] is True
    gone = await hub.repo("GET", f"/actions/artifacts/{run.artifacts[0].id}/zip")
    assert gone.status_code == 410


async def test_a_rerun_is_another_attempt_of_the_same_run(hub: Hub) -> None:
    run = hub.sandbox.run_workflow(REPOSITORY, files={"a": "b"}, conclusion="failure")
    hub.sandbox.rerun(REPOSITORY, run.id)
    hub.sandbox.finish_run(REPOSITORY, run.id)
    shown = (await hub.repo("GET", f"/actions/runs/{run.id}/attempts/2")).json()
    assert (shown["run_attempt"], shown["conclusion"]) == (2, "success")
    assert (await hub.repo("GET", f"/actions/runs/{run.id}/attempts/1")).status_code == 404


async def test_apps_are_told_of_runs_and_forks_name_no_pull_request() -> None:
    sent: list[HookDelivery] = []
    hub = make_hub()
    sandbox = hub.sandbox
    sandbox.hooks.deliver = sent.append
    sandbox.create_repository("stranger/shop", private=False)
    sandbox.push(REPOSITORY, {"a.py": "1"}, branch="topic")
    pull = sandbox.create_pull(REPOSITORY, "topic", "Add a")
    sandbox.run_workflow(REPOSITORY, branch="topic")
    sandbox.run_workflow(REPOSITORY, branch="main", head_repository="stranger/shop")
    told = [json.loads(d.body) for d in sent if d.event == "workflow_run"]
    ended = [t["workflow_run"] for t in told if t["action"] == "completed"]
    assert [p["number"] for p in ended[0]["pull_requests"]] == [pull.number]
    assert ended[1]["pull_requests"] == []
    assert ended[1]["head_repository"]["full_name"] == "stranger/shop"
    await hub.client.aclose()


async def test_trees_are_listed_whole_and_say_when_they_are_cut(hub: Hub) -> None:
    sha = hub.sandbox.push(REPOSITORY, {"src/a/b.py": "1", "top.py": "2"}).sha
    whole = (await hub.repo("GET", f"/git/trees/{sha}?recursive=1")).json()
    kinds = {entry["path"]: entry["type"] for entry in whole["tree"]}
    assert kinds["src/a"] == "tree"
    assert kinds["src/a/b.py"] == "blob"
    assert whole["truncated"] is False
    hub.sandbox.world.tree_limit = 2
    cut = (await hub.repo("GET", f"/git/trees/{sha}?recursive=1")).json()
    assert (len(cut["tree"]), cut["truncated"]) == (2, True)


def test_a_zip_has_the_files_given() -> None:
    assert zipfile.ZipFile(io.BytesIO(zip_of({"a/b": b"c"}))).namelist() == ["a/b"]
