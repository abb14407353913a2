"""`hookyard access`: why somebody may or may not do something."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.grants import SCOPES
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.kit.json import as_text


@click.group()
def access() -> None:
    """Why somebody may or may not do something.

    \b
    Examples:
      hookyard access explain jobs.cancel --scope repo:acme/shop
      hookyard access explain tokens.mint --subject service:deployer --scope org:acme
    """


@access.command()
@click.argument("action")
@click.option("--subject", help="user:ID, service:ID, workload:ID or api_key:ID; else yourself.")
@click.option("--scope", default="tenant", show_default=True, help=SCOPES)
@json_option
@with_server
def explain(remote: Remote, action: str, *, subject: str | None, scope: str, as_json: bool) -> None:
    """The grant that lets somebody do ACTION there, or what is missing and who can give it.

    Exit code 0 when they may, 1 when they may not.

    \b
    Example:
      hookyard access explain config.write --subject user:github:583231 --scope repo:acme/shop
    """
    if subject is None:
        found = remote.get("/api/me/explain", action=action, scope=scope)
    else:
        asked = {"subject": subject, "action": action, "scope": scope}
        found = remote.post("/api/admin/explain", asked)
    sentence = screen.harmless(as_text(found.get("sentence")))
    if as_json:
        screen.as_json(found)
    else:
        click.echo(sentence)
    if found.get("allowed") is not True:
        raise Failed("denied")
