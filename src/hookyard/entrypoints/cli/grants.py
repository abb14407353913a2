"""`hookyard grants`: roles of people, services and workloads over scopes."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.json import Json, JsonObject, as_text

SCOPES = "tenant, org:OWNER, repo:OWNER/NAME, campaign:ID or project:ID."


def origin(row: JsonObject) -> str:
    """`manual`, or `team acme/platform`."""
    return f"{as_text(row.get('source'))} {as_text(row.get('via'))}".strip()


def life(row: JsonObject) -> str:
    """`until …` or nothing."""
    return f"until {screen.moment(row.get('expires_at'))}" if row.get("expires_at") else ""


COLUMNS = (
    Column("id", text_of("id")),
    Column("subject", text_of("subject"), elastic=True),
    Column("role", text_of("role")),
    Column("scope", text_of("scope"), elastic=True),
    Column("from", origin, elastic=True),
    Column("", life, elastic=True),
)


@click.group()
def grants() -> None:
    """Roles of people, services and workloads over scopes.

    \b
    Examples:
      hookyard grants create user:github:583231 operator --scope repo:acme/shop
      hookyard grants list --subject user:github:583231
      hookyard grants revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
    """


@grants.command("list")
@click.option("--subject", help="Of one subject, as user:ID, service:ID or workload:ID.")
@click.option("--role", help="Of one role.")
@click.option("--scope", help=f"Over one scope: {SCOPES}")
@paged
@with_server
def list_grants(
    remote: Remote,
    *,
    subject: str | None,
    role: str | None,
    scope: str | None,
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """Grants, newest first, ended ones included.

    \b
    Example:
      hookyard grants list --scope org:acme
    """
    wanted = {"subject": subject, "role": role, "scope": scope}
    show_list(
        remote, "/api/admin/grants", wanted, COLUMNS, limit=limit, every=every, as_json=as_json
    )


@grants.command()
@click.argument("subject")
@click.argument("role")
@click.option("--scope", default="tenant", show_default=True, help=SCOPES)
@click.option("--expires", help="When it ends, RFC 3339, as 2027-01-31T12:00:00Z.")
@json_option
@with_server
def create(
    remote: Remote, subject: str, role: str, *, scope: str, expires: str | None, as_json: bool
) -> None:
    """Give SUBJECT a ROLE. You can give what you hold.

    \b
    Example:
      hookyard grants create service:deployer mint --scope org:acme
    """
    wanted: dict[str, Json] = {"subject": subject, "role": role, "scope": scope}
    if expires is not None:
        wanted["expires_at"] = expires
    made = remote.post("/api/admin/grants", wanted)
    if as_json:
        screen.as_json(made)
        return
    told = [screen.harmless(as_text(made.get(name))) for name in ("subject", "role", "scope", "id")]
    click.echo(f"{told[0]} is {told[1]} over {told[2]} (grant {told[3]})")


@grants.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@with_server
def revoke(remote: Remote, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Take grants away.

    \b
    Example:
      hookyard grants revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    for grant_id in ids:
        ended = remote.delete(f"/api/admin/grants/{checked_id(grant_id)}")
        if as_json:
            screen.as_json(ended)
        else:
            told = [screen.harmless(as_text(ended.get(n))) for n in ("subject", "role", "scope")]
            click.echo(f"{grant_id}: {told[0]} is no longer {told[1]} over {told[2]}")
