"""`hookyard jobs`: work as the ledger has it: list, look, read the log, retry, cancel, pause."""

import threading

import click

from hookyard.entrypoints.cli import pauses, screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import STATES, Column, text_of, time_of
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text

LANES = click.Choice(["critical", "high", "default", "bulk"])
ALL_STATES = ("queued", "running", "waiting", "succeeded", "dead", "cancelled")
ENDED = ("succeeded", "dead", "cancelled")
FOLLOW_EVERY_S = 1.0


def about(row: JsonObject) -> str:
    """Why it does not run, why it ended badly, or what it is about."""
    error = as_object(row.get("error"))
    if row.get("state") in ("dead", "cancelled") and error:
        return f"{as_text(error.get('code'))}: {as_text(error.get('reason'))}"
    if row.get("state") == "waiting":
        return as_text(row.get("why"))
    return as_text(row.get("repository")) or as_text(row.get("key"))


def tries(row: JsonObject) -> str:
    """`1/5`."""
    return f"{screen.plain(row.get('attempt'))}/{screen.plain(row.get('max_attempts'))}"


COLUMNS = (
    Column("id", text_of("id")),
    Column("kind", text_of("kind"), elastic=True),
    Column("lane", text_of("lane")),
    Column("state", text_of("state"), colours=STATES),
    Column("try", tries),
    Column("created", time_of("created_at")),
    Column("about", about, elastic=True),
)
ATTEMPTS = (
    Column("try", text_of("attempt")),
    Column("outcome", text_of("outcome")),
    Column("started", time_of("started_at")),
    Column("finished", time_of("finished_at")),
    Column("error", lambda row: screen.plain(row.get("error")), elastic=True),
)
FACTS = (
    "id", "kind", "lane", "priority", "key", "state", "why", "created_at", "run_at",
    "started_at", "finished_at", "delivery_id", "repository", "progress", "payload", "result",
    "error",
)  # fmt: skip


@click.group()
def jobs() -> None:
    """Work as the ledger has it.

    \b
    Examples:
      hookyard jobs list --state dead
      hookyard jobs log 01kf3v0q8zj4w2m6x5t7r9s1ab --follow
      hookyard jobs retry 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard jobs retry --state dead --kind agent.task
      hookyard jobs cancel 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard jobs pause --repository acme/shop --reason "CI is broken"
    """


for _command in (pauses.pause, pauses.resume, pauses.pauses):
    jobs.add_command(_command)


@jobs.command("list")
@click.option("--state", type=click.Choice(ALL_STATES), help="Only in this state.")
@click.option("--kind", help="Only of this kind, as agent.task.")
@click.option("--lane", type=LANES, help="Only in this lane.")
@click.option("--job-key", "key_of_job", metavar="KEY", help="Only with this key of order.")
@click.option("--repository", help="Only about OWNER/NAME.")
@click.option("--delivery", "delivery_id", help="Only of this delivery.")
@paged
@with_server
def list_jobs(
    remote: Remote,
    /,
    *,
    limit: int,
    every: bool,
    as_json: bool,
    key_of_job: str | None,
    **filters: str | None,
) -> None:
    """Jobs, newest first. Times are UTC.

    \b
    Example:
      hookyard jobs list --state waiting --lane high
    """
    wanted = {**filters, "key": key_of_job}
    show_list(remote, "/api/jobs", wanted, COLUMNS, limit=limit, every=every, as_json=as_json)


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_server
def show(remote: Remote, job_id: str, *, as_json: bool) -> None:
    """One job with its payload, its attempts and why it waits.

    \b
    Example:
      hookyard jobs show 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    found = remote.get(path_of(job_id))
    if as_json:
        screen.as_json(found)
        return
    facts = [(name, screen.plain(found.get(name))) for name in FACTS]
    screen.record([*facts, ("attempts", tries(found))])
    rows = [as_object(item) for item in as_list(found.get("attempts"))]
    if rows:
        click.echo()
        screen.table(ATTEMPTS, rows)


@jobs.command()
@click.argument("job_id", metavar="ID")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@json_option
@with_server
def log(remote: Remote, job_id: str, *, follow: bool, as_json: bool) -> None:
    """A job's log, oldest line first; with --json one object a line.

    With --follow it ends when the job does: 0 when it succeeded, 1 when not.

    \b
    Example:
      hookyard jobs log 01kf3v0q8zj4w2m6x5t7r9s1ab --follow
    """
    reader = LogReader(remote, path_of(job_id), as_json=as_json)
    if not follow:
        reader.show_new()
        return
    pause = threading.Event()
    while True:
        # why: the state first; what was logged before the end is then in the log read after it.
        state = as_text(remote.get(path_of(job_id)).get("state"))
        reader.show_new()
        if state in ENDED:
            break
        pause.wait(FOLLOW_EVERY_S)
    if state != "succeeded":
        raise Failed(f"job {job_id} is {state}; see `hookyard jobs show {job_id}`")


class LogReader:
    """Reads a log from where it stopped the last time."""

    def __init__(self, remote: Remote, path: str, *, as_json: bool) -> None:
        self._remote = remote
        self._path = path
        self._as_json = as_json
        self._cursor: str | None = None
        self._last = 0

    def show_new(self) -> None:
        """Print the lines that came since."""
        while True:
            page = self._remote.get(f"{self._path}/log", cursor=self._cursor, limit=200)
            for item in as_list(page.get("items")):
                self._show(as_object(item))
            following = as_text(page.get("next_cursor")) or None
            if following is None:
                return
            self._cursor = following

    def _show(self, line: JsonObject) -> None:
        number = as_int(line.get("seq")) or 0
        if number <= self._last:
            return
        self._last = number
        if self._as_json:
            click.echo(screen.plain(line))
            return
        level = as_text(line.get("level"))
        shown = level.upper().ljust(7)
        colour = {"error": "red", "warning": "yellow"}.get(level)
        fields = as_object(line.get("fields"))
        more = " ".join(f"{name}={screen.plain(value)}" for name, value in fields.items())
        text = f"{screen.moment(line.get('at'))} #{screen.plain(line.get('attempt'))} "
        text += click.style(shown, fg=colour) if colour else shown
        click.echo(text + " " + screen.harmless(f"{as_text(line.get('message'))} {more}".strip()))


@jobs.command()
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option("--state", type=click.Choice(ENDED), help="Instead of ids: all in this state.")
@click.option("--kind", help="… and of this kind.")
@click.option("--lane", type=LANES, help="… and in this lane.")
@click.option("--repository", help="… and about OWNER/NAME.")
@click.option("--delivery", "delivery_id", help="… and of this delivery.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@with_server
def retry(
    remote: Remote, /, ids: tuple[str, ...], *, limit: int, as_json: bool, **filters: str | None
) -> None:
    """Run ended jobs again: these ids, or all that match (the oldest first).

    \b
    Examples:
      hookyard jobs retry 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard jobs retry --state dead --kind agent.task --limit 20
    """
    wanted: dict[str, Json] = {name: value for name, value in filters.items() if value is not None}
    if bool(ids) == bool(wanted):
        raise click.UsageError("give ids, or a filter such as --state dead; not both")
    if wanted:
        made = remote.post("/api/jobs/replay", {"filter": wanted, "limit": limit})
        if as_json:
            screen.as_json(made)
        else:
            _say_many(as_list(made.get("ids")), limit)
        return
    _each(remote, ids, "replay", "queued again", "has not ended", ended=True, as_json=as_json)


@jobs.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@with_server
def cancel(remote: Remote, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Cancel at once what does not run; ask what runs to stop.

    \b
    Example:
      hookyard jobs cancel 01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    _each(remote, ids, "cancel", "cancelled", "has ended already", ended=False, as_json=as_json)


def _say_many(ids: object, limit: int) -> None:
    found = [str(item) for item in ids] if isinstance(ids, list | tuple) else []
    for job_id in found:
        click.echo(f"{job_id} is queued again")
    if not found:
        click.echo("No job matches.")
    elif len(found) == limit:
        click.echo(f"There may be more than these {limit}: do it again.", err=True)


def _each(
    remote: Remote,
    ids: tuple[str, ...],
    verb: str,
    done: str,
    refused: str,
    *,
    ended: bool,
    as_json: bool,
) -> None:
    """Change jobs one by one; those in no state for it are named, and the exit code is 1."""
    kept: list[str] = []
    for job_id in ids:
        path = path_of(job_id)
        state = as_text(remote.get(path).get("state"))
        if (state in ENDED) is not ended:
            kept.append(f"{job_id} {refused} ({state})")
            continue
        found = remote.post(f"{path}/{verb}")
        now = as_text(found.get("state"))
        if as_json:
            screen.as_json(found)
        elif verb == "cancel" and now == "running":
            click.echo(f"{job_id} runs and is asked to stop")
        else:
            click.echo(f"{job_id} is {done}")
    if kept:
        raise Failed("nothing was changed: " + "; ".join(kept))


def path_of(job_id: str) -> str:
    """The API's path of a job; a usage error for text that is no id."""
    return f"/api/jobs/{checked_id(job_id)}"
