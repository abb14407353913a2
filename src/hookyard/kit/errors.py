"""The tree of errors. Each class has a stable `code`, an HTTP status and a docstring that is
the default message; the edge translates it once to `application/problem+json` (RFC 9457).

HookyardError
├── Invalid             400  the input cannot be used as it stands
├── Unauthenticated     401  no valid credential
├── Forbidden           403  known caller, missing right
├── NotFound            404
├── MethodNotAllowed    405  not by this method
├── Conflict            409  the state moved on
│   ├── StaleLease      409
│   └── Busy            409  a twin is under way
├── Gone                410  it was here, and is kept no longer
├── PreconditionFailed  412  the record is not as `If-Match` says
├── Unprocessable       422  the key was used for another request
├── RequestTimeout      408  the body did not arrive in time
├── TooLarge            413
├── UnsupportedMedia    415
├── Limited             429  try again after `retry_after_s`
└── Unavailable         503  our own failure; try again after `retry_after_s`
ConfigurationError           stops the start; names the setting and the fix
"""

from typing import ClassVar

from hookyard.kit.json import JsonObject


class HookyardError(Exception):
    """Something went wrong inside Hookyard."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    facts: JsonObject = {}  # noqa: RUF012  never changed in place; shown beside the detail

    def __init__(self, detail: str | None = None, *, code: str | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.problem_code = code or self.code
        super().__init__(self.detail)


class Invalid(HookyardError):
    """The request cannot be used as it stands."""

    code = "invalid"
    status = 400


class Unauthenticated(HookyardError):
    """No valid credential was sent."""

    code = "unauthenticated"
    status = 401


class Forbidden(HookyardError):
    """The caller may not do this."""

    code = "forbidden"
    status = 403


class NotFound(HookyardError):
    """There is nothing here under this name."""

    code = "not_found"
    status = 404


class MethodNotAllowed(HookyardError):
    """There is something here, but not for this method."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, detail: str | None = None, *, allowed: str = "") -> None:
        super().__init__(detail or (f"this takes {allowed}" if allowed else None))
        self.allowed = allowed


class Conflict(HookyardError):
    """The state moved on; read it again before trying again."""

    code = "conflict"
    status = 409


class StaleLease(Conflict):
    """The lease was lost to another attempt; nothing was changed."""

    code = "stale_lease"


class Busy(Conflict):
    """The same request is under way; ask again for its answer."""

    code = "idempotency_in_progress"

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Gone(HookyardError):
    """It was here, and is kept no longer."""

    code = "gone"
    status = 410


class PreconditionFailed(HookyardError):
    """The record has changed since; read it again before trying again."""

    code = "precondition_failed"
    status = 412


class Unprocessable(HookyardError):
    """The request contradicts an earlier one."""

    code = "unprocessable"
    status = 422


class RequestTimeout(HookyardError):
    """The body did not arrive in time."""

    code = "too_slow"
    status = 408


class TooLarge(HookyardError):
    """The body is larger than the limit."""

    code = "too_large"
    status = 413


class UnsupportedMedia(HookyardError):
    """The content type or encoding is not accepted here."""

    code = "unsupported_media_type"
    status = 415


class Limited(HookyardError):
    """Too many requests; slow down."""

    code = "rate_limited"
    status = 429

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(HookyardError):
    """Hookyard could not do its part; nothing was accepted."""

    code = "unavailable"
    status = 503

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class ConfigurationError(Exception):
    """A setting is wrong or missing. The message names it and the fix."""
