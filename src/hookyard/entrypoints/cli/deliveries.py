"""`hookyard deliveries`: what came in, what it led to, and routing it again."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.recover import recover
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import STATES, Column, text_of, time_of
from hookyard.kit.json import JsonObject, as_list, as_object, as_text


def described(row: JsonObject) -> str:
    """`issues.opened`, `slash_command /fix`, or the bare name of an event without an action."""
    action = as_text(row.get("action"))
    joined = f" {action}" if action.startswith("/") else f".{action}"
    return as_text(row.get("event")) + (joined if action else "")


def about(row: JsonObject) -> str:
    """The reason where there is one, else what it is about and how many jobs it led to."""
    reason = as_text(row.get("reason"))
    if reason:
        return reason
    subject = as_text(row.get("subject")) or as_text(row.get("repository"))
    jobs = len(as_list(row.get("jobs")))
    return f"{subject} ({jobs} job{'' if jobs == 1 else 's'})".strip()


COLUMNS = (
    Column("id", text_of("id")),
    Column("received", time_of("received_at")),
    Column("source", text_of("source"), elastic=True),
    Column("event", described, elastic=True),
    Column("status", text_of("status"), colours=STATES),
    Column("about", about, elastic=True),
)
JOBS = (
    Column("job", text_of("id")),
    Column("kind", text_of("kind"), elastic=True),
    Column("state", text_of("state"), colours=STATES),
)
EFFECTS = (
    Column("effect", text_of("id")),
    Column("kind", text_of("kind"), elastic=True),
    Column("state", text_of("state"), colours=STATES),
    Column("url", text_of("url"), elastic=True),
)
REJECTIONS = (
    Column("hour", time_of("hour")),
    Column("source", text_of("source"), elastic=True),
    Column("code", text_of("code")),
    Column("count", text_of("count")),
    Column("last", text_of("last_detail"), elastic=True),
)
FACTS = (
    "id", "source", "provider", "provider_delivery_id", "event", "action", "repository", "subject",
    "received_at", "status", "reason", "redeliveries", "content_type", "payload_size",
)  # fmt: skip


@click.group()
def deliveries() -> None:
    """What came in, what it led to, and routing it again.

    \b
    Examples:
      hookyard deliveries list --status ignored
      hookyard deliveries list --repository acme/shop --all --json
      hookyard deliveries show 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard deliveries replay 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard deliveries recover --since 6h
    """


deliveries.add_command(recover)


@deliveries.command("list")
@click.option("--source", help="Only of this source.")
@click.option("--provider", help="Only of this provider.")
@click.option("--event", help="Only this event, as `issues`.")
@click.option("--action", help="Only this action, as `opened`.")
@click.option("--repository", help="Only about OWNER/NAME.")
@click.option(
    "--status",
    type=click.Choice(["accepted", "routed", "ignored", "dead"]),
    help="Only with this status.",
)
@paged
@with_server
def list_deliveries(
    remote: Remote, /, *, limit: int, every: bool, as_json: bool, **filters: str | None
) -> None:
    """Deliveries, newest first. Times are UTC.

    \b
    Example:
      hookyard deliveries list --provider github --event issues --limit 10
    """
    show_list(
        remote, "/api/deliveries", filters, COLUMNS, limit=limit, every=every, as_json=as_json
    )


@deliveries.command("rejections")
@paged
@with_server
def list_rejections(remote: Remote, *, limit: int, every: bool, as_json: bool) -> None:
    """Requests that were refused, counted by source, code and hour.

    \b
    Example:
      hookyard deliveries rejections --json
    """
    show_list(
        remote,
        "/api/deliveries/rejections",
        {},
        REJECTIONS,
        limit=limit,
        every=every,
        as_json=as_json,
    )


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@with_server
def show(remote: Remote, delivery_id: str, *, as_json: bool) -> None:
    """One delivery with its jobs and effects.

    \b
    Example:
      hookyard deliveries show 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    found = remote.get(path_of(delivery_id))
    if as_json:
        screen.as_json(found)
        return
    screen.record((name, screen.plain(found.get(name))) for name in FACTS)
    for columns, name in ((JOBS, "jobs"), (EFFECTS, "effects")):
        rows = [as_object(item) for item in as_list(found.get(name))]
        if rows:
            click.echo()
            screen.table(columns, rows)


@deliveries.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@with_server
def replay(remote: Remote, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Route deliveries again, as if they had just come.

    \b
    Example:
      hookyard deliveries replay 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    for delivery_id in ids:
        found = remote.post(f"{path_of(delivery_id)}/replay")
        if as_json:
            screen.as_json(found)
        else:
            click.echo(f"{delivery_id} is routed again by job {as_text(found.get('job_id'))}")


def path_of(delivery_id: str) -> str:
    """The API's path of a delivery; a usage error for text that is no id."""
    return f"/api/deliveries/{checked_id(delivery_id)}"


def checked_id(text: str) -> str:
    """The id, once it has the shape of one."""
    from hookyard.kit.ids import is_id

    if not is_id(text):
        raise click.UsageError(f"{text!r} is no id; an id has 26 letters and digits")
    return text
