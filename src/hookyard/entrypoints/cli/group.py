"""The root of the command: loads a group's module only when it is used, and turns the failures
we expect into one line and an exit code."""

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TypeVar

import click

from hookyard.kit.errors import ConfigurationError, HookyardError

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Entry:
    """A command by name: `module:attribute` where it is, its line of help, its section."""

    name: str
    target: str
    help: str
    section: str


class Failed(click.ClickException):
    """Refused or failed, for a reason that was to be expected: one line, exit code 1."""

    exit_code = 1

    def show(self, file: IO[str] | None = None) -> None:
        """The line, on standard error."""
        click.echo(f"hookyard: {self.message}", file=file, err=file is None)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    # why: `hookyard --help` and shell completion must not wait for the server's imports.
    """

    entries: Sequence[Entry] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [entry.name for entry in self.entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        entry = next((entry for entry in self.entries if entry.name == cmd_name), None)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)  # noqa: S101
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name when there is none."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table by sections; nothing is imported for it."""
        sections = list(dict.fromkeys(entry.section for entry in self.entries))
        for section in sections:
            with formatter.section(section):
                formatter.write_dl(
                    [(e.name, e.help) for e in self.entries if e.section == section], col_max=14
                )

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what we expected to go wrong ends as one line."""
        try:
            return super().invoke(ctx)
        except (ConfigurationError, HookyardError) as error:
            raise Failed(str(error)) from None
