"""What the demo shows: one line as each outcome lands, then a table."""

import shutil
import sys
from collections.abc import Sequence

import click

from hookyard.kit.clock import SystemClock

MARKS = {"ok": ("✓", "green"), "bad": ("✗", "red"), "info": ("·", "cyan")}


CLOCK = SystemClock()


class Screen:
    """Prints lines with the time since the start; colour only on a terminal."""

    def __init__(self) -> None:
        self._began = CLOCK.monotonic()
        self.failed: list[str] = []

    def act(self, title: str) -> None:
        """The heading of a part."""
        click.echo()
        click.secho(title, bold=True)

    def info(self, text: str) -> None:
        """Something that is going on."""
        self._line("info", text)

    def outcome(self, ok: bool, text: str, why: str = "") -> None:
        """An outcome that landed, or did not."""
        if not ok:
            self.failed.append(text)
        self._line("ok" if ok else "bad", f"{text}{f' ({why})' if why else ''}")

    def _line(self, kind: str, text: str) -> None:
        mark, colour = MARKS[kind]
        passed = CLOCK.monotonic() - self._began
        click.echo(f"{click.style(mark, fg=colour)} {passed:6.2f}s  {text}")
        sys.stdout.flush()

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under a heading; the last column gives way when the terminal is narrow."""
        widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
        room = max(shutil.get_terminal_size((160, 40)).columns, 100)
        spare = room - sum(widths[:-1]) - 2 * (len(head) - 1)
        widths[-1] = max(12, min(widths[-1], spare))
        click.echo()
        for index, row in enumerate((head, *rows)):
            cells = [cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True)]
            line = "  ".join(cells).rstrip()
            click.secho(line, bold=True) if index == 0 else click.echo(line)
