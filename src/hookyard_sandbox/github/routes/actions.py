"""Workflow runs, their artifacts, and the short-lived addresses artifacts are fetched from.

# spec: REST, actions/artifacts: the address in `Location` lives for a minute and lies on another
host, which knows nothing of GitHub's tokens.
"""

import secrets
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hookyard_sandbox.github.http import Answer, Call, Endpoint, Refusal, not_found
from hookyard_sandbox.github.model import Artifact, WorkflowRun
from hookyard_sandbox.github.runchanges import head_of
from hookyard_sandbox.github.shapes import actions
from hookyard_sandbox.github.state import World

LIFE_MS = 60_000
PLACE = "/_artifact-store"


def _run(call: Call) -> WorkflowRun:
    run = call.repository.runs.get(call.number("run_id"))
    if run is None:
        raise not_found()
    return run


def _artifact(call: Call) -> tuple[WorkflowRun, Artifact]:
    wanted = call.number("artifact_id")
    for run in call.repository.runs.values():
        for one in run.artifacts:
            if one.id == wanted:
                return run, one
    raise not_found()


def get_run(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/runs/{id}`"""
    it, run = call.repository, _run(call)
    return Answer(200, actions.workflow_run(call.api, it, head_of(call.world, it, run), run))


def get_attempt(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/runs/{id}/attempts/{n}`: the newest only, here."""
    if _run(call).attempt != call.number("attempt_number"):
        raise not_found()
    return get_run(call)


def list_runs(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/runs`: newest first."""
    it, query = call.repository, call.query
    runs = [
        run
        for run in sorted(it.runs.values(), key=lambda run: run.id, reverse=True)
        if query.get("head_sha", run.head_sha) == run.head_sha
        and query.get("event", run.event) == run.event
        and query.get("status", run.status) in (run.status, run.conclusion)
    ]
    return call.page(
        runs,
        lambda run: actions.workflow_run(call.api, it, head_of(call.world, it, run), run),
        "workflow_runs",
    )


def list_artifacts(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/runs/{id}/artifacts`: newest first."""
    it, run = call.repository, _run(call)
    found = [a for a in reversed(run.artifacts) if call.query.get("name", a.name) == a.name]
    return call.page(found, lambda a: actions.artifact(call.api, it, run, a), "artifacts")


def get_artifact(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/artifacts/{id}`"""
    run, one = _artifact(call)
    return Answer(200, actions.artifact(call.api, call.repository, run, one))


def download(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/actions/artifacts/{id}/zip`: 302 to a short-lived address."""
    _, one = _artifact(call)
    if call.params["archive_format"] != "zip":
        raise not_found()
    if one.expired:
        raise Refusal(410, "Artifact has expired")
    key = secrets.token_hex(16)
    call.world.downloads[key] = (call.world.now_ms() + LIFE_MS, one.data)
    return Answer(302, None, {"Location": f"{_elsewhere(call.api)}{PLACE}/{key}?sig={key[:8]}"})


def _elsewhere(api: str) -> str:
    """The same server under its other name, which makes it another origin."""
    url = urlsplit(api)
    host = "127.0.0.1" if url.hostname == "localhost" else "localhost"
    return urlunsplit((url.scheme, f"{host}:{url.port}" if url.port else host, "", "", ""))


def store_routes(world: World) -> list[Route]:
    """Where artifacts are fetched from: no token is wanted there, and none is forgiven."""

    async def fetch(request: Request) -> Response:
        if "authorization" in request.headers:
            return Response("InvalidAuthenticationInfo", 400, media_type="text/plain")
        with world.lock:
            until_ms, data = world.downloads.get(request.path_params["key"], (0, b""))
            if world.now_ms() >= until_ms:
                return Response("AuthenticationFailed: expired", 403, media_type="text/plain")
        return Response(data, 200, media_type="application/zip")

    return [Route(PLACE + "/{key}", fetch)]


_RUNS = "/repos/{owner}/{repo}/actions/runs"
_ARTIFACTS = "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}"
_READ = (("actions", "read"),)
ENDPOINTS = (
    Endpoint("GET", _RUNS, list_runs, needs=_READ),
    Endpoint("GET", _RUNS + "/{run_id}", get_run, needs=_READ),
    Endpoint("GET", _RUNS + "/{run_id}/attempts/{attempt_number}", get_attempt, needs=_READ),
    Endpoint("GET", _RUNS + "/{run_id}/artifacts", list_artifacts, needs=_READ),
    Endpoint("GET", _ARTIFACTS, get_artifact, needs=_READ),
    Endpoint("GET", _ARTIFACTS + "/{archive_format}", download, needs=_READ),
)
