"""What can happen to workflow runs: started, given artifacts, finished, tried again."""

import hashlib

from hookyard.kit.json import Json
from hookyard_sandbox.github.changes import about
from hookyard_sandbox.github.model import Actor, Artifact, Repository, WorkflowRun
from hookyard_sandbox.github.shapes import actions
from hookyard_sandbox.github.state import World


def head_of(world: World, it: Repository, run: WorkflowRun) -> Repository:
    """The repository the run's commit lives in."""
    return world.repositories.get(run.head_repository.lower(), it)


def pulls_of(it: Repository, run_head: Repository, branch: str, sha: str) -> tuple[int, ...]:
    """Open pull requests of this head.

    # why: GitHub names none where the head lies in a fork.
    """
    if run_head is not it:
        return ()
    return tuple(
        number
        for number, one in sorted(it.issues.items())
        if one.pull is not None
        and one.state == "open"
        and one.pull.head_repository == it.full_name
        and (one.pull.head_ref, one.pull.head_sha) == (branch, sha)
    )


def add(world: World, it: Repository, by: Actor, run: WorkflowRun) -> None:
    """A run begins."""
    it.runs[run.id] = run
    _changed(world, it, by, run, "requested")


def upload(
    world: World, it: Repository, by: Actor, run: WorkflowRun, name: str, data: bytes
) -> Artifact:
    """Add an artifact, as `actions/upload-artifact` does."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    made = Artifact(world.new_id(), name, data, digest, world.now_ms())
    run.artifacts.append(made)
    world.record("artifact", "created", by, repository=it.full_name, id=made.id, name=name)
    return made


def finish(world: World, it: Repository, by: Actor, run: WorkflowRun, conclusion: str) -> None:
    """A run ends."""
    run.status, run.conclusion = "completed", conclusion
    run.updated_at_ms = world.now_ms()
    _changed(world, it, by, run, "completed")


def again(world: World, it: Repository, by: Actor, run: WorkflowRun) -> None:
    """Somebody presses "Re-run"."""
    run.attempt += 1
    run.status, run.conclusion = "in_progress", None
    run.started_at_ms = run.updated_at_ms = world.now_ms()
    _changed(world, it, by, run, "requested")


def _changed(world: World, it: Repository, by: Actor, run: WorkflowRun, action: str) -> None:
    world.record(
        "workflow_run",
        action,
        by,
        repository=it.full_name,
        id=run.id,
        attempt=run.attempt,
        head_sha=run.head_sha,
        conclusion=run.conclusion,
    )
    api = world.api_url
    payload: dict[str, Json] = {"action": action}
    payload["workflow_run"] = actions.workflow_run(api, it, head_of(world, it, run), run)
    payload["workflow"] = actions.workflow(api, it, run)
    world.announce("workflow_run", it, payload | about(world, it, by.user))
