"""What an error of the driver means for the unit it struck: run again, give up for now, or ours."""

from enum import Enum

import asyncpg
from sqlalchemy.exc import DBAPIError

from hookyard.kit.errors import Unavailable

# spec: PostgreSQL error codes, appendix A.
_RUN_AGAIN = frozenset({"40001", "40P01"})
_SESSION_ENDED = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
_READ_ONLY = "25006"
_LOCK_TIMEOUT = "55P03"
# why: between the server's last word and the end of the connection the driver answers with its
# internal error, before anything is sent.
_CUT_OFF = (ConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
DRIVER_TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, *_CUT_OFF)


class Fault(Enum):
    """What to do about it."""

    AGAIN = "the transaction may simply run again"
    LOST = "the session is gone; another may do"
    BUSY = "the database cannot do it now"
    OURS = "the statement or the unit is wrong"


def fault_of(error: BaseException, *, writing: bool) -> Fault:
    """Which of these an error is. `writing`: a server that refuses writes was the wrong one.

    # why: after a fail-over old sessions may still reach the former primary, now read-only.
    """
    original = original_of(error)
    state = state_of(error) or ""
    if state in _RUN_AGAIN or is_stale(error):
        return Fault.AGAIN
    if state[:2] == "08" or state in _SESSION_ENDED or (state == _READ_ONLY and writing):
        return Fault.LOST
    if state[:2] in {"53", "57", "58"} or state == _LOCK_TIMEOUT:
        return Fault.BUSY
    if isinstance(original, _CUT_OFF):
        return Fault.LOST
    return Fault.BUSY if isinstance(original, OSError | TimeoutError) else Fault.OURS


def is_stale(error: BaseException) -> bool:
    """Whether the session prepared its statements for a schema that has changed since."""
    return isinstance(original_of(error), asyncpg.InvalidCachedStatementError)


def original_of(error: BaseException) -> BaseException:
    """asyncpg's error under SQLAlchemy's wrapping."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def state_of(error: BaseException) -> str | None:
    """The five letters of SQLSTATE, where the server gave them."""
    state = getattr(original_of(error), "sqlstate", None)
    return state if isinstance(state, str) else None


def unavailable(error: BaseException) -> Unavailable:
    """The same for people: no word of it holds a password."""
    original = original_of(error)
    said = f"Postgres could not be used: {type(original).__name__}"
    if isinstance(original, asyncpg.ClientConfigurationError):
        said = f"{said}: {original}"
    if isinstance(original, asyncpg.ProtocolViolationError) and "startup" in str(original):
        said = f"{said}; set HOOKYARD_DATABASE_POOLED=true where a pooler stands between"
    return Unavailable(said)
