"""Workflow runs and artifacts as JSON."""

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import Artifact, Repository, WorkflowRun
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.repositories import api_of, page_of, repository

# spec: artifacts are kept for 90 days unless the workflow asks for less.
KEPT_MS = 90 * 86_400_000


def run_url(api: str, it: Repository, run: WorkflowRun) -> str:
    """The API address of a run."""
    return f"{api_of(api, it)}/actions/runs/{run.id}"


def workflow_id(it: Repository, run: WorkflowRun) -> int:
    """A number that all runs of one workflow file share."""
    return it.id * 1000 + sum(run.path.encode()) % 1000


def _head_commit(it: Repository, head: Repository, run: WorkflowRun) -> JsonObject:
    commit = head.commits.get(run.head_sha) or it.commits[run.head_sha]
    email = f"{commit.author}@users.noreply.example"
    who: dict[str, Json] = {"name": commit.author, "email": email}
    shape: dict[str, Json] = {"id": commit.sha, "tree_id": commit.tree_sha}
    shape |= {"message": commit.message, "timestamp": stamp(commit.at_ms)}
    return shape | {"author": who, "committer": who}


def pull_in_run(api: str, it: Repository, number: int) -> JsonObject:
    """A pull request as runs and checks name it."""
    one = it.issues[number]
    pull = one.pull
    if pull is None:
        raise ValueError("not a pull request")
    place: Json = {"id": it.id, "url": api_of(api, it), "name": it.name}
    return {
        "id": pull.id,
        "number": number,
        "url": f"{api_of(api, it)}/pulls/{number}",
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": place},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": place},
    }


def workflow_run(api: str, it: Repository, head: Repository, run: WorkflowRun) -> JsonObject:
    """A run; `head` is the repository its commit lives in."""
    url, workflow = run_url(api, it, run), workflow_id(it, run)
    earlier = f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None
    pulls: list[Json] = [pull_in_run(api, it, number) for number in run.pulls]
    shape: dict[str, Json] = {
        "id": run.id,
        "name": run.name,
        "node_id": accounts.node_id("WorkflowRun", run.id),
        "check_suite_id": run.suite_id,
        "check_suite_node_id": accounts.node_id("CheckSuite", run.suite_id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": run.path,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "event": run.event,
        "display_title": run.name,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": workflow,
        "url": url,
        "html_url": f"{page_of(api, it)}/actions/runs/{run.id}",
        "pull_requests": pulls,
        "created_at": stamp(run.created_at_ms),
        "updated_at": stamp(run.updated_at_ms),
        "run_started_at": stamp(run.started_at_ms),
        "actor": accounts.user(api, run.actor),
        "triggering_actor": accounts.user(api, run.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api_of(api, it)}/check-suites/{run.suite_id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": earlier,
        "workflow_url": f"{api_of(api, it)}/actions/workflows/{workflow}",
        "head_commit": _head_commit(it, head, run),
        "repository": repository(api, it),
        "head_repository": repository(api, head),
    }
    return shape


def workflow(api: str, it: Repository, run: WorkflowRun) -> JsonObject:
    """The workflow a run is of."""
    number, page = workflow_id(it, run), page_of(api, it)
    branch = it.default_branch
    return {
        "id": number,
        "node_id": accounts.node_id("Workflow", number),
        "name": run.name,
        "path": run.path,
        "state": "active",
        "created_at": stamp(it.created_at_ms),
        "updated_at": stamp(it.created_at_ms),
        "url": f"{api_of(api, it)}/actions/workflows/{number}",
        "html_url": f"{page}/blob/{branch}/{run.path}",
        "badge_url": f"{page}/workflows/{run.name.replace(' ', '%20')}/badge.svg",
    }


def artifact(api: str, it: Repository, run: WorkflowRun, one: Artifact) -> JsonObject:
    """An artifact; `digest` is of the zip."""
    url = f"{api_of(api, it)}/actions/artifacts/{one.id}"
    return {
        "id": one.id,
        "node_id": accounts.node_id("Artifact", one.id),
        "name": one.name,
        "size_in_bytes": len(one.data),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": one.expired,
        "digest": one.digest,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.created_at_ms),
        "expires_at": stamp(one.created_at_ms + KEPT_MS),
        "workflow_run": {
            "id": run.id,
            "repository_id": it.id,
            "head_repository_id": it.id,
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
        },
    }
