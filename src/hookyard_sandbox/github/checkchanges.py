"""What can happen to check runs and commit statuses."""

from collections.abc import Sequence

from hookyard.kit.json import Json
from hookyard_sandbox.github.changes import about
from hookyard_sandbox.github.model import Actor, Annotation, App, CheckRun, Repository, Status
from hookyard_sandbox.github.shapes import checks, repositories
from hookyard_sandbox.github.state import World


def suite_of(world: World, it: Repository, app: App, sha: str) -> int:
    """The id of an App's check suite on a commit."""
    known = it.suites.get((app.id, sha))
    if known is None:
        known = it.suites[(app.id, sha)] = world.new_id()
    return known


def create(world: World, it: Repository, by: Actor, run: CheckRun) -> None:
    """Add a check run."""
    it.check_runs[run.id] = run
    _changed(world, it, by, run, "created")


def update(world: World, it: Repository, by: Actor, run: CheckRun, was: str | None) -> None:
    """Tell of a change to a check run whose conclusion was `was`."""
    completed = was is None and run.conclusion is not None
    _changed(world, it, by, run, "completed" if completed else "updated")


def _changed(world: World, it: Repository, by: Actor, run: CheckRun, action: str) -> None:
    world.record(
        "check_run",
        "created" if action == "created" else "updated",
        by,
        repository=it.full_name,
        id=run.id,
        name=run.name,
        head_sha=run.head_sha,
        external_id=run.external_id,
        status=run.status,
        conclusion=run.conclusion,
        annotations=len(run.annotations),
    )
    if action == "updated":
        return
    payload: dict[str, Json] = {"action": action}
    payload["check_run"] = checks.check_run(world.api_url, it, run)
    world.announce("check_run", it, payload | about(world, it, by.user))


def append_annotations(run: CheckRun, more: Sequence[Annotation]) -> None:
    """Annotations are only ever added. # spec: REST, update a check run."""
    run.annotations.extend(more)


def rerequest(world: World, it: Repository, by: Actor, run: CheckRun) -> None:
    """Somebody presses "Re-run" on a check."""
    world.record("check_run", "rerequested", by, repository=it.full_name, id=run.id)
    payload: dict[str, Json] = {"action": "rerequested"}
    payload["check_run"] = checks.check_run(world.api_url, it, run)
    world.announce("check_run", it, payload | about(world, it, by.user))


def set_status(world: World, it: Repository, by: Actor, status: Status) -> None:
    """Add a commit status."""
    it.statuses.append(status)
    world.record(
        "status",
        "created",
        by,
        repository=it.full_name,
        id=status.id,
        sha=status.sha,
        context=status.context,
        state=status.state,
    )
    shape = repositories.status(world.api_url, it, status)
    payload: dict[str, Json] = {"sha": status.sha, "context": status.context, **shape}
    world.announce("status", it, payload | about(world, it, by.user))
