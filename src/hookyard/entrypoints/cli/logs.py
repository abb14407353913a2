"""Where log lines of a command go that opens parts of the server: never into its output."""

import sys


def keep_output_clean() -> None:
    """Send log lines to standard error, so that `--json` stays JSON."""
    import structlog

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
