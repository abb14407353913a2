"""Log lines: written as they should, and never in the way of the work they tell of."""

import io
import json
import sys

import pytest
import structlog

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.StringIO()
    before = structlog.get_config()
    try:
        for stream in (Full(), kept):
            monkeypatch.setattr(sys, "stderr", stream)
            configure("info", "json", Redactor([]))
            log = structlog.get_logger("hookyard")
            for say in (log.debug, log.info, log.warning, log.error, log.critical):
                say("told", number=1)
    finally:
        structlog.configure(**before)
    lines = [json.loads(line) for line in kept.getvalue().splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "critical"]
