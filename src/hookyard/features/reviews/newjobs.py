"""The jobs of this room as others ask for them: kinds, keys and payloads (version 1)."""

from hookyard.core.jobs.model import JobKind, KeyPolicy, Lane, NewJob
from hookyard.features.reviews.model import Group, RunState
from hookyard.kit.json import Json, JsonObject

PULL = JobKind("review.pull_request", lane=Lane.HIGH, timeout_s=60.0)
VALIDATE = JobKind("review.validate", lane=Lane.HIGH, policy=KeyPolicy.DEBOUNCE, timeout_s=60.0)
RUN = JobKind("review.run", lane=Lane.HIGH, timeout_s=60.0)
GROUP = JobKind("review.merge_group", lane=Lane.HIGH, timeout_s=60.0)
COMMAND = JobKind("review.command", lane=Lane.HIGH, timeout_s=60.0)
KINDS = (PULL, VALIDATE, RUN, GROUP, COMMAND)

DEBOUNCE_S = 0.1
DEBOUNCE_MAX_S = 1.0
"""Results that arrive together are looked at once; none waits longer than this."""


def key_of(repository: str, number: int) -> str:
    """What jobs about one pull request must not overlap on."""
    return f"review:{repository.lower()}#{number}"


def pull_job(
    repository: str,
    number: int,
    *,
    cause: str,
    pull: JsonObject | None = None,
    policy: JsonObject | None = None,
    installation_id: int | None = None,
    again: bool = False,
) -> NewJob:
    """Take in a pull request, as carried or else as GitHub shows it, and judge it."""
    payload: dict[str, Json] = {
        "repository": repository,
        "number": number,
        "cause": cause,
        "again": again,
        "installation_id": installation_id,
    }
    if pull is not None:
        payload["pull"] = pull
    if policy is not None:
        payload["policy"] = policy
    return NewJob(PULL.name, payload, key=key_of(repository, number), repository=repository)


def validate_job(repository: str, number: int, cause: str) -> NewJob:
    """Judge a pull request's head again; a burst of these is one."""
    payload: JsonObject = {"repository": repository, "number": number, "cause": cause}
    return NewJob(
        VALIDATE.name,
        payload,
        key=key_of(repository, number),
        policy=KeyPolicy.DEBOUNCE,
        debounce_s=DEBOUNCE_S,
        debounce_max_s=DEBOUNCE_MAX_S,
        repository=repository,
    )


def run_job(
    repository: str,
    run: RunState,
    *,
    pull_requests: tuple[int, ...] = (),
) -> NewJob:
    """Note how far a run is, and look again at the pull requests of its commit."""
    payload: JsonObject = {
        "repository": repository,
        "run_id": run.run_id,
        "attempt": run.attempt,
        "head_sha": run.head_sha,
        "state": run.state,
        "pull_requests": list(pull_requests),
    }
    key = f"review-runs:{repository.lower()}@{run.head_sha}"
    return NewJob(RUN.name, payload, key=key, repository=repository)


def group_job(group: Group, cause: str) -> NewJob:
    """Judge a merge group, or note that it is gone."""
    payload: JsonObject = {
        "repository": group.repository,
        "head_sha": group.head_sha,
        "head_ref": group.head_ref,
        "state": group.state,
        "cause": cause,
    }
    key = f"review-group:{group.repository.lower()}@{group.head_sha}"
    return NewJob(GROUP.name, payload, key=key, repository=group.repository)
