"""`hookyard keys`: API keys for people and programs; a token is shown once."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of, time_of
from hookyard.kit.json import Json, JsonObject, as_text


def life(row: JsonObject) -> str:
    """`revoked …`, `until …` or nothing."""
    for name, word in (("revoked_at", "revoked"), ("expires_at", "until")):
        if row.get(name):
            return f"{word} {screen.moment(row.get(name))}"
    return ""


COLUMNS = (
    Column("id", text_of("id")),
    Column("name", text_of("name"), elastic=True),
    Column("role", text_of("role")),
    Column("scope", text_of("scope"), elastic=True),
    Column("last used", time_of("last_used_at")),
    Column("", life, elastic=True),
)


@click.group()
def keys() -> None:
    """API keys for people and programs.

    \b
    Examples:
      hookyard keys create ci --role operator --scope repo:acme/shop
      hookyard keys list
      hookyard keys revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
    """


@keys.command("list")
@paged
@with_server
def list_keys(remote: Remote, *, limit: int, every: bool, as_json: bool) -> None:
    """Keys, newest first, revoked ones included; no token is shown.

    \b
    Example:
      hookyard keys list --json
    """
    show_list(remote, "/api/admin/keys", {}, COLUMNS, limit=limit, every=every, as_json=as_json)


@keys.command()
@click.argument("name")
@click.option("--role", required=True, help="What it may do, as viewer or operator.")
@click.option(
    "--scope", default="tenant", show_default=True, help="tenant, org:OWNER or repo:OWNER/NAME."
)
@click.option("--expires", help="When it ends, RFC 3339, as 2027-01-31T12:00:00Z.")
@click.option("--kinds", help="Kinds of jobs it may start and lease, comma-separated.")
@click.option("--lanes", help="Lanes it may start jobs in and lease from, comma-separated.")
@click.option("--max-leases", type=click.IntRange(1, 10_000), help="Leases it may hold at once.")
@click.option(
    "--calls-per-second",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    help="Calls of the API a second; as the settings say where it is left out.",
)
@click.option(
    "--calls-at-once",
    type=click.IntRange(1, 1_000_000),
    help="Calls it may make at once after a rest; what ten seconds give where it is left out.",
)
@json_option
@with_server
def create(
    remote: Remote,
    name: str,
    *,
    role: str,
    scope: str,
    expires: str | None,
    kinds: str | None,
    lanes: str | None,
    max_leases: int | None,
    calls_per_second: float | None,
    calls_at_once: int | None,
    as_json: bool,
) -> None:
    """Make a key. Its token goes to standard output, this once.

    \b
    Example:
      hookyard keys create ci --role viewer --scope repo:acme/shop > ci.key
      hookyard keys create fixer --role worker --kinds agent.task > agent.key
    """
    wanted: dict[str, Json] = {"name": name, "role": role, "scope": scope}
    if expires is not None:
        wanted["expires_at"] = expires
    for field, given in (("kinds", kinds), ("lanes", lanes)):
        if given is not None:
            wanted[field] = [part.strip() for part in given.split(",") if part.strip()]
    limits = {
        "max_leases": max_leases,
        "calls_per_second": calls_per_second,
        "calls_at_once": calls_at_once,
    }
    wanted |= {limit: given for limit, given in limits.items() if given is not None}
    made = remote.post("/api/admin/keys", wanted)
    if as_json:
        screen.as_json(made)
        return
    click.echo(
        f"Key {as_text(made.get('id'))}, {as_text(made.get('role'))} over "
        f"{as_text(made.get('scope'))}. Its token cannot be shown again:",
        err=True,
    )
    click.echo(as_text(made.get("token")))


@keys.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@with_server
def revoke(remote: Remote, ids: tuple[str, ...], *, as_json: bool) -> None:
    """End keys for good.

    \b
    Example:
      hookyard keys revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    for key_id in ids:
        ended = remote.delete(f"/api/admin/keys/{checked_id(key_id)}")
        if as_json:
            screen.as_json(ended)
        else:
            click.echo(f"{key_id} ({as_text(ended.get('name'))}) is revoked")
