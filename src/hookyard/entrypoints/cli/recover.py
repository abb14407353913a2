"""`hookyard deliveries recover`: pull what never arrived, and show how it goes."""

import sys
import threading

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text

LOOK_EVERY_S = 0.5
ENDED = ("succeeded", "dead", "cancelled")
RESULTS = tuple(
    Column(name, text_of(name))
    for name in ("source", "listed", "filtered", "present", "missing", "recovered", "seconds")
)


@click.command("recover")
@click.option(
    "--since", default="6h", show_default=True, help="How far back: 30m, 6h, 3d, or an instant."
)
@click.option("--source", help="Only this source; else every one that can be recovered.")
@click.option("--dry-run", is_flag=True, help="Only count what is missing.")
@json_option
@with_server
def recover(
    remote: Remote, *, since: str, source: str | None, dry_run: bool, as_json: bool
) -> None:
    """Pull deliveries that never arrived from the provider's own record.

    GitHub keeps what it delivered for three days. What is here already is left alone, and what
    arrives late after all is recognised. Nothing is asked to be sent again.

    \b
    Examples:
      hookyard deliveries recover --since 6h
      hookyard deliveries recover --since 3d --source github --dry-run
    """
    wanted: dict[str, Json] = {"since": since, "dry_run": dry_run}
    if source is not None:
        wanted["source"] = source
    asked = remote.post("/api/deliveries/recover", wanted)
    done = [_follow(remote, as_object(job), quiet=as_json) for job in as_list(asked.get("jobs"))]
    results = [as_object(job.get("result")) for job in done if job.get("state") == "succeeded"]
    if as_json:
        screen.as_json({"jobs": done})
    elif results:
        screen.table(RESULTS, results)
        for result in results:
            for problem in as_list(result.get("problems")):
                click.echo(screen.harmless(as_text(problem)), err=True)
    failed = [job for job in done if job.get("state") != "succeeded"]
    if failed:
        raise Failed("; ".join(map(_why, failed)))


def _why(job: JsonObject) -> str:
    reason = as_text(as_object(job.get("error")).get("reason"))
    return f"job {as_text(job.get('id'))} is {as_text(job.get('state'))}: {reason}"


def _follow(remote: Remote, asked: JsonObject, *, quiet: bool) -> JsonObject:
    """The job once it has ended; on the way, a line on standard error whenever it changes."""
    path = f"/api/jobs/{as_text(asked.get('job_id'))}"
    pause = threading.Event()
    shown = ""
    while True:
        job = remote.get(path)
        line = "" if quiet else _line(as_text(asked.get("source")), job)
        if line and line != shown:
            _show(line)
            shown = line
        if job.get("state") in ENDED:
            if shown and sys.stderr.isatty():
                click.echo(err=True)
            return job
        pause.wait(LOOK_EVERY_S)


def _show(line: str) -> None:
    """One line that is written over on a terminal, one after the other elsewhere."""
    is_terminal = sys.stderr.isatty()
    text = screen.harmless(line)
    click.echo(f"\r\x1b[2K{text}" if is_terminal else text, err=True, nl=not is_terminal)


def _line(source: str, job: JsonObject) -> str:
    """How far it is, in words."""
    if job.get("state") == "waiting":
        return f"{source}: waits: {as_text(job.get('why'))}"
    progress = as_object(job.get("progress"))
    if not progress:
        return f"{source}: {as_text(job.get('state'))}"
    if progress.get("phase") == "listing":
        listed, missing = (as_int(progress.get(name)) or 0 for name in ("listed", "missing"))
        return f"{source}: {listed} listed, {missing} missing"
    taken, left = (as_int(progress.get(name)) or 0 for name in ("taken", "left"))
    return f"{source}: {taken} recovered, {left} to go"
