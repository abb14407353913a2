"""`hookyard jobs pause|resume|pauses`: nothing of a kind, lane, repository or installation starts
until it is resumed."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of, time_of
from hookyard.kit.clock import SystemClock, to_rfc3339
from hookyard.kit.json import Json, as_int, as_text

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MOST = 100_000
COLUMNS = (
    Column("id", text_of("id")),
    Column("of", text_of("what")),
    Column("name", text_of("name"), elastic=True),
    Column("held", text_of("held")),
    Column("since", time_of("created_at")),
    Column("until", time_of("until")),
    Column("by", text_of("created_by"), elastic=True),
    Column("reason", text_of("reason"), elastic=True),
)


def end_of(length: str | None, until: str | None) -> str | None:
    """When a pause ends, RFC 3339, from `--for` or `--until`; usage errors for what is wrong."""
    if length is None:
        return until
    if until is not None:
        raise click.UsageError("give --for or --until, not both")
    text = length.strip().lower()
    if not (text[:-1].isdigit() and text[-1] in UNITS and 0 < int(text[:-1]) <= MOST):
        raise click.UsageError(f"--for must be like 30m, 2h or 1d, not {length!r}")
    seconds = int(text[:-1]) * UNITS[text[-1]]
    return to_rfc3339(SystemClock().now_ms() + seconds * 1_000)


@click.command()
@click.option("--kind", help="Jobs of this kind, as agent.task.")
@click.option(
    "--lane", type=click.Choice(["critical", "high", "default", "bulk"]), help="Jobs of this lane."
)
@click.option("--repository", help="Jobs about OWNER/NAME.")
@click.option("--installation", metavar="OWNER", help="Jobs about any repository of OWNER.")
@click.option("--reason", required=True, help="Why; whoever asks why nothing happens reads it.")
@click.option("--for", "length", metavar="TIME", help="Resume by itself after 30m, 2h, 1d.")
@click.option("--until", help="Resume by itself then, RFC 3339, as 2027-01-31T12:00:00Z.")
@json_option
@with_server
def pause(
    remote: Remote,
    /,
    *,
    reason: str,
    length: str | None,
    until: str | None,
    as_json: bool,
    **targets: str | None,
) -> None:
    """Start no more jobs of one kind, lane, repository or installation. What runs, ends.

    \b
    Examples:
      hookyard jobs pause --repository acme/shop --reason "CI is broken"
      hookyard jobs pause --kind agent.task --for 2h --reason "model is down"
    """
    named = {name: value for name, value in targets.items() if value is not None}
    if len(named) != 1:
        raise click.UsageError("give exactly one of --kind, --lane, --repository, --installation")
    end = end_of(length, until)
    wanted: dict[str, Json] = {**named, "reason": reason}
    if end is not None:
        wanted["until"] = end
    made = remote.post("/api/pauses", wanted)
    if as_json:
        screen.as_json(made)
        return
    name = screen.harmless(f"{as_text(made.get('what'))} {as_text(made.get('name'))}")
    ends = screen.moment(made.get("until")) or "it is resumed"
    click.echo(f"{name} is paused until {ends}; {_jobs(made.get('held'))} held by it")
    click.echo(f"Resume with: hookyard jobs resume {as_text(made.get('id'))}", err=True)


@click.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@with_server
def resume(remote: Remote, ids: tuple[str, ...], *, as_json: bool) -> None:
    """End pauses; what they held is ready again.

    \b
    Example:
      hookyard jobs resume 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    for pause_id in ids:
        ended = remote.delete(f"/api/pauses/{checked_id(pause_id)}")
        if as_json:
            screen.as_json(ended)
            continue
        name = screen.harmless(f"{as_text(ended.get('what'))} {as_text(ended.get('name'))}")
        click.echo(f"{name} is resumed; {_jobs(ended.get('released'))} let go")


@click.command()
@paged
@with_server
def pauses(remote: Remote, *, limit: int, every: bool, as_json: bool) -> None:
    """Pauses in force, newest first, and how many jobs each holds. Times are UTC.

    \b
    Example:
      hookyard jobs pauses --json
    """
    show_list(remote, "/api/pauses", {}, COLUMNS, limit=limit, every=every, as_json=as_json)


def _jobs(value: Json) -> str:
    count = as_int(value) or 0
    return "1 job" if count == 1 else f"{count:,} jobs"
