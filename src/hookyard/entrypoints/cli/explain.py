"""`hookyard explain`: why something on GitHub is as it is."""

import re

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.kit.json import as_list, as_text

_PULL = re.compile(r"([A-Za-z0-9_-]{1,64})/([A-Za-z0-9._-]{1,100})#([1-9][0-9]{0,9})")


@click.group()
def explain() -> None:
    """Why something on GitHub is as it is.

    \b
    Examples:
      hookyard explain pr acme/shop#7
      hookyard explain pr acme/shop#7 --criterion T2
    """


@explain.command()
@click.argument("pull_request", metavar="OWNER/REPO#N")
@click.option("--criterion", help="Only this criterion, as T2.")
@json_option
@with_server
def pr(remote: Remote, pull_request: str, *, criterion: str | None, as_json: bool) -> None:
    """Why the check hookyard/criteria of a pull request is as it is.

    Exit code 0 when it succeeds, 1 when it does not, or not yet.

    \b
    Examples:
      hookyard explain pr acme/shop#7
      hookyard explain pr acme/shop#7 --json
    """
    named = _PULL.fullmatch(pull_request)
    if named is None:
        raise click.UsageError("name the pull request as OWNER/REPO#N, such as acme/shop#7")
    path = f"/api/repos/{named[1]}/{named[2]}/prs/{named[3]}/explain"
    found = remote.get(path, criterion=criterion)
    if as_json:
        screen.as_json(found)
    else:
        for line in as_list(found.get("lines")):
            click.echo(screen.harmless(as_text(line)))
    if found.get("conclusion") != "success":
        title = screen.harmless(as_text(found.get("title")))
        raise Failed(f"the check does not succeed: {title}")
