"""`hookyard usage`: what billing projects used, by day or month."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import paged
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.ids import is_id
from hookyard.kit.json import Json, JsonObject, as_object, as_text

PATH = "/api/admin/usage"


def amount_of(row: JsonObject) -> str:
    """`1,234` or `1,234.5`."""
    return shown(row.get("amount"))


COLUMNS = (
    Column("start", text_of("start")),
    Column("project", text_of("project"), elastic=True),
    Column("meter", text_of("meter")),
    Column("work", text_of("work")),
    Column("amount", amount_of),
)


@click.command()
@click.option("--project", help="Of one project, by id or name.")
@click.option("--from", "first", help="From this day on, as 2026-11-01; else this month.")
@click.option("--to", "last", help="Up to this day.")
@click.option("--by", type=click.Choice(("day", "month")), default="day", show_default=True)
@click.option(
    "--meter", type=click.Choice(("jobs", "minutes", "api_calls", "mints", "storage")),
    help="Of one meter.",
)  # fmt: skip
@paged
@with_server
def usage(
    remote: Remote,
    *,
    project: str | None,
    first: str | None,
    last: str | None,
    by: str,
    meter: str | None,
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """What billing projects used, and what it comes to in all.

    Days and months are in UTC; storage is in bytes, and its total the highest of a day or month.

    \b
    Examples:
      hookyard usage --by month --from 2026-01-01
      hookyard usage --project Shop --meter minutes --json
    """
    project_id = None if project is None else id_of(remote, project)
    wanted = {"project": project_id, "from": first, "to": last, "by": by, "meter": meter}
    items, cursor = remote.pages(PATH, wanted, limit=limit, every=every)
    head = remote.get(PATH, **wanted, limit=1)
    totals = as_object(head.get("totals"))
    if as_json:
        span: dict[str, Json] = {name: head.get(name) for name in ("first", "last", "by")}
        screen.as_json({"items": items, "next_cursor": cursor, "totals": totals, **span})
        return
    screen.table(COLUMNS, items)
    if cursor is not None:
        click.echo(f"There are more than these {len(items)}: --limit N or --all.", err=True)
    said = ", ".join(f"{shown(amount)} {meter}" for meter, amount in totals.items())
    where = f"{as_text(head.get('first'))} to {as_text(head.get('last'))}"
    click.echo(screen.harmless(f"{where}: {said or 'nothing'}"))


def id_of(remote: Remote, project: str) -> str:
    """The id of a project that is named by id or name; Failed when there is none."""
    if is_id(project):
        return project
    items, _ = remote.pages("/api/admin/projects", {"archived": "true"}, limit=200, every=True)
    for found in items:
        if as_text(found.get("name")).casefold() == project.casefold():
            return as_text(found.get("id"))
    raise Failed("there is no such project among those you may read")


def shown(amount: Json) -> str:
    """A number for people."""
    if not isinstance(amount, int | float):
        return ""
    return f"{amount:,}" if isinstance(amount, int) or amount % 1 else f"{amount:,.0f}"
