"""`hookyard records`: lines of JSON into a running server and out of it, with progress."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text

PIECE = 64 * 1024
SHOWN = 20


@click.group()
def records() -> None:
    """Records in bulk: NDJSON, a line for each record.

    \b
    Examples:
      hookyard records export users users.ndjson
      hookyard records import users users.ndjson --mode upsert
    """


@records.command("import")
@click.argument("entity")
@click.argument("file")
@click.option(
    "--mode", type=click.Choice(["create", "upsert"]), default="create", show_default=True,
    help="New records only, or merged into those that are there.",
)  # fmt: skip
@click.option(
    "--import-id", help="To go on with an import that was cut off. `none` where keys are not taken."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
@with_server
def import_(
    remote: Remote,
    entity: str,
    file: str,
    mode: str,
    import_id: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send FILE (`-`: standard input) to ENTITY; 1 when a line is refused.

    What was written stays written when the import is cut off. The same FILE with the same
    --import-id then goes on, and nothing is written twice.

    \b
    Example:
      hookyard records import users users.ndjson
    """
    name = import_id or f"import-{secrets.token_hex(8)}"
    headers = {"content-type": "application/x-ndjson"}
    if name != "none":
        headers["idempotency-key"] = name
    params = {"mode": mode, "dry_run": "true" if dry_run else None}
    try:
        with _opened(file) as source, _progress("import", _size(source), as_json) as advance:
            pieces = _read(source, advance)
            report = remote.upload(f"/v1/{entity}/_import", pieces, headers, params)
    except Failed as error:
        again = "" if file == "-" or dry_run else f"; to go on, add --import-id {name}"
        raise Failed(f"{error.message}{again}") from None
    _show(report, as_json=as_json)


@records.command()
@click.argument("entity")
@click.argument("file", default="-")
@click.option("--where", help='Only these: status:open, or \'{"size":{"gt":3}}\'.')
@click.option("--select", help="Only these fields: names with commas.")
@json_option
@with_server
def export(
    remote: Remote, entity: str, file: str, where: str | None, select: str | None, as_json: bool
) -> None:
    """Write every record of ENTITY into FILE, or to standard output.

    All of them are of one moment. FILE is there once it is complete.

    \b
    Example:
      hookyard records export users users.ndjson --where kind:agent
    """
    page = remote.get(f"/v1/{entity}", where=where, count="true", limit=1)
    count = 0
    with _target(file) as target, _progress("export", as_int(page.get("count")), as_json) as step:
        for piece in remote.pieces(f"/v1/{entity}/_export", where=where, select=select):
            target.write(piece)
            lines = piece.count(b"\n")
            count += lines
            step(lines)
    if as_json and file != "-":
        screen.as_json({"entity": entity, "file": file, "lines": count})
    else:
        click.echo(f"{count} records", err=file == "-")


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}") from None
    with source:
        yield source


@contextmanager
def _target(file: str) -> Iterator[BinaryIO]:
    """The file to write, under another name until all is in it."""
    if file == "-":
        yield sys.stdout.buffer
        return
    part = Path(f"{file}.part")
    try:
        target = part.open("wb")
    except OSError as error:
        raise Failed(f"{part} cannot be written: {error.strerror}") from None
    try:
        with target:
            yield target
        part.replace(file)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _size(source: BinaryIO) -> int | None:
    try:
        return os.fstat(source.fileno()).st_size or None
    except OSError:
        return None


def _read(source: BinaryIO, advance: Callable[[int], None]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece
        advance(len(piece))


@contextmanager
def _progress(label: str, total: int | None, as_json: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if as_json or not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def _show(report: JsonObject, *, as_json: bool) -> None:
    failed = as_int(report.get("failed")) or 0
    if as_json:
        screen.as_json(report)
    else:
        named = ("created", "updated", "unchanged", "failed", "replayed")
        counts = ", ".join(f"{as_int(report.get(n)) or 0} {n}" for n in named if report.get(n))
        would = " (dry run)" if report.get("dryRun") else ""
        click.echo(f"{as_int(report.get('lines')) or 0} lines: {counts or 'nothing'}{would}")
        problems = [as_object(one) for one in as_list(report.get("problems"))]
        for one in problems[:SHOWN]:
            place = f" {as_text(one.get('pointer'))}" if one.get("pointer") else ""
            said = f"line {as_int(one.get('line'))}{place}: {as_text(one.get('detail'))}"
            click.echo(f"  {screen.harmless(said)}", err=True)
    if failed:
        raise Failed(f"{failed} lines were refused")
