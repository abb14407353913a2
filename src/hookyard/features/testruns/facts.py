"""What GitHub says of a workflow run, as a value, and as the payload of a job. Pure."""

from collections.abc import Iterable

import msgspec

from hookyard.features.testruns.model import MAX_RUN_ID, RunFacts
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text, dig
from hookyard.kit.names import is_sha
from hookyard.kit.text import storable

_MAX_TEXT = 300
_MAX_PULLS = 100


def facts_of_run(repository: str, run: JsonObject) -> RunFacts | None:
    """The facts of GitHub's `workflow_run` object; None when it names no run of a commit.

    # why: the repository of a head that was deleted is null; then it is nobody's, so a fork's.
    """
    run_id, attempt = as_int(run.get("id")), as_int(run.get("run_attempt")) or 1
    head_sha = as_text(run.get("head_sha"))
    if not _is_sound(repository, run_id, attempt, head_sha) or run_id is None:
        return None
    pulls = (as_int(as_object(one).get("number")) for one in as_list(run.get("pull_requests")))
    return RunFacts(
        repository=repository,
        run_id=run_id,
        attempt=attempt,
        name=_text(run, "name"),
        path=_text(run, "path").partition("@")[0],
        event=_text(run, "event"),
        conclusion=_text(run, "conclusion"),
        head_sha=head_sha,
        head_branch=_text(run, "head_branch"),
        head_repository=as_text(dig(run, "head_repository", "full_name")),
        url=_text(run, "html_url"),
        pull_requests=_pulls(pulls),
    )


def to_payload(facts: RunFacts) -> JsonObject:
    """The facts as JSON."""
    found: JsonObject = msgspec.to_builtins(facts)
    return found


def from_payload(payload: JsonObject) -> RunFacts | None:
    """The facts of a job's payload; None when they are not whole."""
    run_id, attempt = as_int(payload.get("run_id")), as_int(payload.get("attempt"))
    repository, head_sha = as_text(payload.get("repository")), as_text(payload.get("head_sha"))
    if not _is_sound(repository, run_id, attempt, head_sha) or run_id is None or attempt is None:
        return None
    pulls = (as_int(one) for one in as_list(payload.get("pull_requests")))
    return RunFacts(
        repository=repository,
        run_id=run_id,
        attempt=attempt,
        name=_text(payload, "name"),
        path=_text(payload, "path"),
        event=_text(payload, "event"),
        conclusion=_text(payload, "conclusion"),
        head_sha=head_sha,
        head_branch=_text(payload, "head_branch"),
        head_repository=_text(payload, "head_repository"),
        url=_text(payload, "url"),
        pull_requests=_pulls(pulls),
    )


def _is_sound(repository: str, run_id: int | None, attempt: int | None, sha: str) -> bool:
    if run_id is None or attempt is None or repository.count("/") != 1:
        return False
    return 0 < run_id <= MAX_RUN_ID and 0 < attempt < 2**31 and is_sha(sha)


def _pulls(numbers: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(n for n in numbers if n is not None and 0 < n < 2**31)[:_MAX_PULLS]


def _text(run: JsonObject, name: str) -> str:
    return storable(as_text(run.get(name))[:_MAX_TEXT])
