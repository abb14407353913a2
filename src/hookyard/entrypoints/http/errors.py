"""Every error leaves as a problem: the one place where exceptions become answers."""

from collections.abc import Callable, Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hookyard.entrypoints.http.problems import MEDIA_TYPE, headers_of, problem
from hookyard.entrypoints.http.refusals import RefusalTrail
from hookyard.kit.errors import Forbidden, HookyardError, Unauthenticated

log = structlog.get_logger("hookyard.http")

_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def install(app: FastAPI, trail: RefusalTrail, methods_of: Callable[[str], Sequence[str]]) -> None:
    """Register the handlers. Refusals of known callers are told to the trail; `methods_of` says
    what a path takes, for the `allow` header of a 405."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, HookyardError)  # noqa: S101
        if isinstance(error, Forbidden):
            await trail.record(request, error.detail)
        elif isinstance(error, Unauthenticated):
            trail.count_stranger(request, error.detail)
        return answer(error)

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        response = _plain(error)
        methods = methods_of(request.url.path)
        if error.status_code == 405 and methods:
            response.headers["allow"] = ", ".join(methods)
        return response

    app.add_exception_handler(HookyardError, ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, _unexpected)


def answer(error: HookyardError) -> Response:
    """An error of ours as the answer it is."""
    return _answer(error.status, error.problem_code, error.detail, headers_of(error), **error.facts)


def _answer(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: object
) -> Response:
    body = problem(status, code, detail, **more)
    return Response(body, status, headers=headers, media_type=MEDIA_TYPE)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [
        {"path": ".".join(str(part) for part in item["loc"])[:200], "reason": item["msg"][:500]}
        for item in error.errors()[:20]
    ]
    where = found[0] if found else {"path": "", "reason": "the request is malformed"}
    return _answer(400, "invalid", f"{where['path']}: {where['reason']}", errors=found)


def _plain(error: HTTPException) -> Response:
    code = _CODES.get(error.status_code, "invalid")
    headers = dict(error.headers) if error.headers else None
    return _answer(error.status_code, code, str(error.detail), headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
    return _answer(500, "internal", "Something went wrong here; the log says what.")
