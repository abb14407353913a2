"""Check runs, their annotations, and commit statuses."""

import re

import msgspec
from msgspec import UNSET, UnsetType

from hookyard.kit.clock import from_rfc3339
from hookyard_sandbox.github import checkchanges
from hookyard_sandbox.github.http import (
    MAX_TEXT,
    Answer,
    Call,
    Endpoint,
    Refusal,
    invalid,
    not_found,
    schema_error,
)
from hookyard_sandbox.github.model import Annotation, CheckRun, Status
from hookyard_sandbox.github.refs import resolve
from hookyard_sandbox.github.shapes import checks, repositories

MAX_ANNOTATIONS = 50
STATES = ("queued", "in_progress", "completed")
CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
)
LEVELS = ("notice", "warning", "failure")


class AnnotationBody(msgspec.Struct):
    """One annotation as sent."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str
    message: str
    title: str | None = None
    raw_details: str | None = None
    start_column: int | None = None
    end_column: int | None = None


class Output(msgspec.Struct):
    """The text of a check run. The title is needed when the run is made."""

    summary: str
    title: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    annotations: list[AnnotationBody] = []


class ActionBody(msgspec.Struct):
    """A button on a check run."""

    label: str
    description: str
    identifier: str


class CheckRunBody(msgspec.Struct):
    """Body of a new check run or of a change to one."""

    name: str | UnsetType = UNSET
    head_sha: str | UnsetType = UNSET
    details_url: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    started_at: str | UnsetType = UNSET
    conclusion: str | UnsetType = UNSET
    completed_at: str | UnsetType = UNSET
    output: Output | UnsetType = UNSET
    actions: list[ActionBody] | UnsetType = UNSET


class StatusBody(msgspec.Struct):
    """Body of a commit status."""

    state: str
    target_url: str | None = None
    description: str | None = None
    context: str = "default"


def _check(body: CheckRunBody) -> None:
    if body.status is not UNSET and body.status not in STATES:
        raise schema_error(f"{body.status} is not a member of {list(STATES)}.")
    if body.conclusion is not UNSET and body.conclusion not in CONCLUSIONS:
        raise schema_error(f"{body.conclusion} is not a member of {list(CONCLUSIONS)}.")
    finished = body.status == "completed" or body.completed_at is not UNSET
    if finished and body.conclusion is UNSET:
        raise schema_error("Missing conclusion: it is required when a check run is completed.")
    if body.output is not UNSET:
        _check_output(body.output)
    if body.actions is not UNSET:
        _check_actions(body.actions)


def _check_actions(found: list[ActionBody]) -> None:
    """# spec: REST, create a check run: three actions, 20, 40 and 20 characters."""
    if len(found) > 3:
        raise schema_error(f"No more than 3 items are allowed; {len(found)} were supplied.")
    for one in found:
        for text, limit in ((one.label, 20), (one.description, 40), (one.identifier, 20)):
            if not text or len(text) > limit:
                raise schema_error(f"{text!r} is not between 1 and {limit} characters long.")


def _check_output(output: Output) -> None:
    for name, text in (("summary", output.summary), ("text", output.text)):
        if isinstance(text, str) and len(text) > MAX_TEXT:
            raise schema_error(f"Only {MAX_TEXT} characters are allowed in {name}.")
    count = len(output.annotations)
    if count > MAX_ANNOTATIONS:
        raise schema_error(
            f"No more than {MAX_ANNOTATIONS} items are allowed; {count} were supplied."
        )
    for one in output.annotations:
        _check_annotation(one)


def _check_annotation(one: AnnotationBody) -> None:
    if one.annotation_level not in LEVELS:
        raise schema_error(f"{one.annotation_level} is not a member of {list(LEVELS)}.")
    if one.start_line < 1 or one.end_line < one.start_line:
        raise invalid("CheckRun", "annotations", "custom", "end_line must not precede start_line")
    columns = one.start_column is not None or one.end_column is not None
    if columns and one.start_line != one.end_line:
        text = "columns are only allowed when start_line and end_line are equal"
        raise invalid("CheckRun", "annotations", "custom", text)
    if len(one.message.encode()) > 65_536 or len((one.raw_details or "").encode()) > 65_536:
        raise invalid("CheckRun", "annotations", "custom", "message must be under 64 KB")
    if len(one.title or "") > 255:
        raise invalid("CheckRun", "annotations", "custom", "title must be under 255 characters")


def _instant(text: str | UnsetType, default: int) -> int:
    if text is UNSET:
        return default
    try:
        return from_rfc3339(text)
    except ValueError:
        raise schema_error(f"{text} is not a valid date-time.") from None


def _annotations(output: Output | UnsetType) -> list[Annotation]:
    if output is UNSET:
        return []
    return [Annotation(**msgspec.structs.asdict(one)) for one in output.annotations]


def create_run(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/check-runs`"""
    body, it, world = call.read(CheckRunBody), call.repository, call.world
    if body.name is UNSET or not body.name:
        raise schema_error('"name" wasn\'t supplied.')
    if body.head_sha is UNSET:
        raise schema_error('"head_sha" wasn\'t supplied.')
    _check(body)
    if body.output is not UNSET and body.output.title is UNSET:
        raise schema_error('"title" wasn\'t supplied.')
    if body.head_sha not in it.commits:
        raise Refusal(422, f"No commit found for SHA: {body.head_sha}", errors=[])
    run = CheckRun(
        id=world.new_id(),
        suite_id=checkchanges.suite_of(world, it, call.caller, body.head_sha),
        app=call.caller,
        head_sha=body.head_sha,
        name=body.name,
        external_id="",
        details_url=f"{call.api.removesuffix('/api/v3')}/apps/{call.caller.slug}",
        status="queued",
        conclusion=None,
        started_at_ms=world.now_ms(),
        completed_at_ms=None,
    )
    _apply(call, run, body)
    checkchanges.create(world, it, call.actor, run)
    return Answer(201, checks.check_run(call.api, it, run))


def _apply(call: Call, run: CheckRun, body: CheckRunBody) -> None:
    now = call.world.now_ms()
    run.started_at_ms = _instant(body.started_at, run.started_at_ms)
    if body.conclusion is not UNSET:
        run.completed_at_ms = _instant(body.completed_at, now)
        run.status, run.conclusion = "completed", body.conclusion
    elif body.status is not UNSET:
        run.status, run.conclusion, run.completed_at_ms = body.status, None, None
    if body.name is not UNSET:
        run.name = body.name
    if body.external_id is not UNSET:
        run.external_id = body.external_id
    if body.details_url is not UNSET:
        run.details_url = body.details_url
    if body.output is not UNSET:
        run.summary = body.output.summary
        run.title = run.title if body.output.title is UNSET else body.output.title
        run.text = run.text if body.output.text is UNSET else body.output.text
    if body.actions is not UNSET:
        run.actions = [msgspec.structs.asdict(one) for one in body.actions]
    checkchanges.append_annotations(run, _annotations(body.output))


def _find(call: Call) -> CheckRun:
    run = call.repository.check_runs.get(call.number("check_run_id"))
    if run is None:
        raise not_found()
    return run


def update_run(call: Call) -> Answer:
    """`PATCH /repos/{o}/{r}/check-runs/{id}`: only by the App that made it."""
    run, body = _find(call), call.read(CheckRunBody)
    if run.app is not call.caller:
        text = f"Invalid app_id `{call.caller.id}` - check run can only be modified by its App."
        raise Refusal(403, text)
    _check(body)
    was = run.conclusion
    _apply(call, run, body)
    checkchanges.update(call.world, call.repository, call.actor, run, was)
    return Answer(200, checks.check_run(call.api, call.repository, run))


def get_run(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/check-runs/{id}`"""
    return Answer(200, checks.check_run(call.api, call.repository, _find(call)))


def list_annotations(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/check-runs/{id}/annotations`"""
    run, it = _find(call), call.repository
    return call.page(run.annotations, lambda a: checks.annotation(call.api, it, run, a))


def list_runs(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/commits/{ref}/check-runs`"""
    it = call.repository
    commit = resolve(it, call.params["ref"])
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {call.params['ref']}", errors=[])
    runs = [r for r in it.check_runs.values() if r.head_sha == commit.sha and _asked(call, r)]
    if call.query.get("filter", "latest") != "all":
        newest = {(r.app.id, r.name): r for r in sorted(runs, key=lambda r: r.id)}
        runs = list(newest.values())
    runs.sort(key=lambda r: r.id, reverse=True)
    return call.page(runs, lambda r: checks.check_run(call.api, it, r), "check_runs")


def _asked(call: Call, run: CheckRun) -> bool:
    query = call.query
    return (
        query.get("app_id", str(run.app.id)) == str(run.app.id)
        and query.get("check_name", run.name) == run.name
        and query.get("status", run.status) == run.status
    )


def create_status(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/statuses/{sha}`"""
    body, it, sha = call.read(StatusBody), call.repository, call.params["sha"]
    if body.state not in ("error", "failure", "pending", "success"):
        raise schema_error(f"{body.state} is not a member of the states.")
    if not re.fullmatch(r"[0-9a-f]{40}", sha) or sha not in it.commits:
        raise Refusal(422, f"No commit found for SHA: {sha}", errors=[])
    status = Status(
        call.world.new_id(),
        sha,
        body.state,
        body.context,
        body.description,
        body.target_url,
        call.caller.bot,
        call.world.now_ms(),
    )
    checkchanges.set_status(call.world, it, call.actor, status)
    return Answer(201, repositories.status(call.api, it, status))


def list_statuses(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/commits/{ref}/statuses`: newest first."""
    it = call.repository
    commit = resolve(it, call.params["ref"])
    if commit is None:
        raise not_found()
    found = [s for s in reversed(it.statuses) if s.sha == commit.sha]
    return call.page(found, lambda s: repositories.status(call.api, it, s))


_REPO = "/repos/{owner}/{repo}"
_READ = (("checks", "read"),)
_WRITE = (("checks", "write"),)
ENDPOINTS = (
    Endpoint("POST", _REPO + "/check-runs", create_run, needs=_WRITE, content=True),
    Endpoint("GET", _REPO + "/check-runs/{check_run_id}", get_run, needs=_READ),
    Endpoint("PATCH", _REPO + "/check-runs/{check_run_id}", update_run, needs=_WRITE, content=True),
    Endpoint(
        "GET", _REPO + "/check-runs/{check_run_id}/annotations", list_annotations, needs=_READ
    ),
    Endpoint("GET", _REPO + "/commits/{ref:path}/check-runs", list_runs, needs=_READ),
    Endpoint("POST", _REPO + "/statuses/{sha}", create_status, needs=(("statuses", "write"),)),
    Endpoint(
        "GET", _REPO + "/commits/{ref:path}/statuses", list_statuses, needs=(("statuses", "read"),)
    ),
)
