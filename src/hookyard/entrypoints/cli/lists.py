"""What every list shares: --limit, --all, --json, and the line that says there is more."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.remote import Params, Remote
from hookyard.entrypoints.cli.screen import Column

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def paged(command: Callable[P, R]) -> Callable[P, R]:
    """Gives a list its options."""
    for option in (
        json_option,
        click.option("--all", "every", is_flag=True, help="Every one, page by page."),
        click.option(
            "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many."
        ),
    ):
        command = option(command)
    return command


def show_list(
    remote: Remote,
    path: str,
    params: Params,
    columns: Sequence[Column],
    *,
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """Fetch and show a list."""
    items, cursor = remote.pages(path, params, limit=limit, every=every)
    if as_json:
        screen.as_json({"items": items, "next_cursor": cursor})
        return
    screen.table(columns, items)
    if cursor is not None:
        click.echo(f"There are more than these {len(items)}: --limit N or --all.", err=True)
