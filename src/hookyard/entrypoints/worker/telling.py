"""What a child process tells its parent about the one attempt it made, and how that is read.

One JSON object over a socket, then the end of the stream. It is never unpickled: the parent takes
in values, not code.
"""

from typing import Literal

import msgspec

from hookyard.core.jobs.model import Done, Fail, Hold, Job, Outcome, Retry, WaitingFor
from hookyard.core.jobs.redact import code_of, describe
from hookyard.core.jobs.rules import Recorded, finish, life_of
from hookyard.kit.errors import StaleLease, Unavailable
from hookyard.kit.json import Json

MAX_TOLD = 64 * 1024 * 1024
_encode = msgspec.json.Encoder().encode

How = Literal["done", "fail", "retry", "hold", "unavailable", "stale"]


class Told(msgspec.Struct, omit_defaults=True):
    """How an attempt ended. `recorded` says that the child wrote it down under the lease."""

    how: How
    reason: str = ""
    code: str = "failed"
    after_s: float | None = None
    what: str = ""
    holder: str | None = None
    until_ms: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    recorded: bool = False


_decoder = msgspec.json.Decoder(Told)


def of_outcome(outcome: Outcome, *, recorded: bool = False) -> Told:
    """An outcome without its `apply`, which cannot leave its process."""
    match outcome:
        case Done():
            return Told("done", result=msgspec.Raw(_encode(outcome.result)), recorded=recorded)
        case Fail():
            return Told("fail", outcome.reason, outcome.code, recorded=recorded)
        case Retry():
            return Told("retry", outcome.reason, outcome.code, outcome.after_s)
        case Hold():
            held = outcome.waiting_for
            return Told("hold", what=held.what, holder=held.holder, until_ms=held.until_ms)


def of_error(error: Exception) -> Told:
    """What an attempt that raised comes to; the parent's runner treats it as its own."""
    if isinstance(error, Unavailable):
        return Told("unavailable", error.detail)
    return Told("retry", describe(error), code_of(error))


def write(told: Told) -> bytes:
    """The bytes that travel."""
    return _encode(told)


def read(raw: bytes) -> Told | None:
    """What was told; None when the child died before it had said it all."""
    try:
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def outcome_of(told: Told, job: Job, now_ms: int) -> Outcome:
    """What the runner is to record. Unavailable and StaleLease are raised, as a handler would."""
    match told.how:
        case "done":
            result: Json = msgspec.json.decode(told.result)
            done = Done(result)
            return _recorded(done, job, now_ms) if told.recorded else done
        case "fail":
            fail = Fail(told.reason, told.code)
            return _recorded(fail, job, now_ms) if told.recorded else fail
        case "retry":
            return Retry(told.reason, told.after_s, told.code)
        case "hold":
            return Hold(WaitingFor(told.what, told.holder, told.until_ms))
        case "unavailable":
            raise Unavailable(told.reason)
        case "stale":
            raise StaleLease


def _recorded(ending: Done | Fail, job: Job, now_ms: int) -> Recorded:
    step = finish(life_of(job), job.lease, ending, now_ms)
    if step is None:
        raise StaleLease
    return Recorded(ending.result if isinstance(ending, Done) else None, step=step)
