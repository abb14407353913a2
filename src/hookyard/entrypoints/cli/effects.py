"""`hookyard effects`: what should stand on GitHub, what stands there, what holds the rest."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import STATES, Column, text_of, time_of
from hookyard.kit.json import JsonObject, as_text


def outcome(row: JsonObject) -> str:
    """Where it landed, why it died, or what it waits for."""
    held = as_text(row.get("held_by"))
    until = screen.short_moment(row.get("held_until"))
    waits = f"held by {held}" + (f" until {until}" if until else "") if held else ""
    return as_text(row.get("error")) or waits or as_text(row.get("url"))


COLUMNS = (
    Column("id", text_of("id")),
    Column("kind", text_of("kind"), elastic=True),
    Column("repository", text_of("repository"), elastic=True),
    Column("state", text_of("state"), colours=STATES),
    Column("requested", time_of("requested_at")),
    Column("outcome", outcome, elastic=True),
)
FACTS = (
    "id", "key", "kind", "repository", "state", "urgency", "generation", "landed_generation",
    "external_id", "url", "error", "held_by", "held_until", "job_id", "delivery_id",
    "requested_at", "landed_at", "desired",
)  # fmt: skip


@click.group()
def effects() -> None:
    """What should stand on GitHub, what stands there, and what holds the rest.

    \b
    Examples:
      hookyard effects list --state pending
      hookyard effects list --delivery 01kf3v0q8zj4w2m6x5t7r9s1ab --json
    """


@effects.command("list")
@click.option("--delivery", "delivery_id", help="Only of this delivery.")
@click.option("--job", "job_id", help="Only of this job.")
@click.option("--repository", help="Only about OWNER/NAME.")
@click.option(
    "--state", type=click.Choice(["pending", "landed", "dead"]), help="Only in this state."
)
@paged
@with_server
def list_effects(
    remote: Remote, /, *, limit: int, every: bool, as_json: bool, **filters: str | None
) -> None:
    """Writes to GitHub, newest first. Times are UTC.

    \b
    Example:
      hookyard effects list --repository acme/shop --state dead
    """
    show_list(remote, "/api/effects", filters, COLUMNS, limit=limit, every=every, as_json=as_json)


@effects.command()
@click.argument("effect_id", metavar="ID")
@json_option
@with_server
def show(remote: Remote, effect_id: str, *, as_json: bool) -> None:
    """One write: what is wanted, what GitHub shows, why it waits.

    \b
    Example:
      hookyard effects show 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    found = remote.get(f"/api/effects/{checked_id(effect_id)}")
    if as_json:
        screen.as_json(found)
    else:
        screen.record((name, screen.plain(found.get(name))) for name in FACTS)
