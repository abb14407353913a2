"""Waiting for real: the campaign disturbs real processes, whose time nobody can inject."""

import time


def pause(seconds: float) -> None:
    """Let real time pass."""
    time.sleep(seconds)  # why: the server under attack runs by the machine's clock.
