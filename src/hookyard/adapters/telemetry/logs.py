"""Structured logs: one JSON object (or one readable line) an event, on standard error."""

import logging
import sys
from contextlib import suppress

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from hookyard.adapters.telemetry.redact import Redactor
from hookyard.kit.json import Json

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _Masked:
    """Renders an event and takes the secrets out of the whole line at once.

    # why: one look at a line costs a tenth of one look at each of its values.
    """

    def __init__(self, redactor: Redactor, renderer: Processor, *, is_text: bool) -> None:
        self._redactor = redactor
        self._is_text = is_text
        self._renderer = renderer

    def __call__(self, logger: object, method: str, event: EventDict) -> str:
        plain = {key: self._fit(key, _plain(value)) for key, value in event.items()}
        masked = self._redactor.names(plain)
        return self._redactor.text(str(self._renderer(logger, method, dict(masked))))

    def _fit(self, key: str, value: Json) -> Json:
        """# why: JSON escapes what would end a line or steer a terminal; readable lines do not,
        so that a stranger's text could write a line of its own."""
        if not self._is_text or not isinstance(value, str):
            return value
        if key == "exception":
            return "\n    ".join(_on_one_line(line) for line in value.split("\n"))
        return _on_one_line(value)


def _on_one_line(text: str) -> str:
    """The text with everything a terminal or a reader of lines would obey spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _plain(value: object) -> Json:
    """A value as JSON can carry it; anything unknown as its text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value)


class _Lines(structlog.PrintLogger):
    """Writes lines; one that cannot be written is dropped.

    # why: a log on a full disk or a closed pipe must not fail the work it tells of.
    """

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = exception = log = msg


class _ToStructlog(logging.Handler):
    """Lines of libraries that use the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        error = record.exc_info[1] if record.exc_info else None
        logger.log(
            record.levelno,
            record.getMessage(),
            **({"error": f"{type(error).__name__}: {error}"} if error else {}),
        )


def _to_json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event).decode()


def configure(level: str, form: str, redactor: Redactor) -> None:
    """Set up logging for the process. `form` is json or text."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(_to_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Masked(redactor, renderer, is_text=form != "json"),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(max(LEVELS[level], logging.WARNING))
