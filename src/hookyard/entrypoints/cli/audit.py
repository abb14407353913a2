"""`hookyard audit`: who did what, the trail as a file, and whether it still holds."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of, time_of
from hookyard.kit.json import JsonObject

if TYPE_CHECKING:
    from hookyard.core.audit.chain import Trust
    from hookyard.core.audit.export import Report

EXPORT = "/api/admin/audit/export"


def number(row: JsonObject) -> str:
    """The entry's number in the chain."""
    return str(row.get("seq", ""))


COLUMNS = (
    Column("seq", number),
    Column("at", time_of("at")),
    Column("actor", text_of("actor"), elastic=True),
    Column("action", text_of("action")),
    Column("target", text_of("target"), elastic=True),
    Column("outcome", text_of("outcome")),
    Column("reason", text_of("reason"), elastic=True),
)


@click.group()
def audit() -> None:
    """Who did what, the trail as a file, and whether it still holds.

    \b
    Examples:
      hookyard audit list --actor user:github:583231
      hookyard audit export > trail.jsonl
      hookyard audit verify trail.jsonl
    """


@audit.command("list")
@click.option("--actor", help="Of one actor, as api_key:ID.")
@click.option("--action", help="One action, as grants.create.")
@click.option("--target", help="Of one target, as job:ID.")
@click.option("--outcome", type=click.Choice(["done", "refused", "failed"]), help="One outcome.")
@paged
@with_server
def list_entries(
    remote: Remote,
    *,
    actor: str | None,
    action: str | None,
    target: str | None,
    outcome: str | None,
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """Entries of the trail, newest first.

    \b
    Example:
      hookyard audit list --outcome refused
    """
    wanted = {"actor": actor, "action": action, "target": target, "outcome": outcome}
    show_list(
        remote, "/api/admin/audit", wanted, COLUMNS, limit=limit, every=every, as_json=as_json
    )


@audit.command("export")
@click.option("--out", type=click.File("w", lazy=False), default="-", help="A file; else output.")
@with_server
def export_trail(remote: Remote, *, out: IO[str]) -> None:
    """The whole trail with its chain, as JSON lines that `verify` reads.

    \b
    Example:
      hookyard audit export --out trail.jsonl
    """
    for line in remote.lines(EXPORT):
        out.write(line + "\n")


@audit.command()
@click.argument("file", type=click.File("r", errors="replace"), required=False)
@click.option("--local", is_flag=True, help="The database of the settings, with no server running.")
@click.option(
    "--signer", "signers", multiple=True, help="Public key whose checkpoints count; may repeat."
)
@json_option
@with_server
def verify(
    remote: Remote, file: IO[str] | None, *, local: bool, signers: Sequence[str], as_json: bool
) -> None:
    """Whether every entry is there as it was written, here and not by the server's word.

    Reads an export (- is standard input), the database itself, or else a running server. Names
    the first entry that does not hold, and then ends with exit code 1.

    \b
    Examples:
      hookyard audit verify
      hookyard audit verify trail.jsonl --signer 1f6c…
      hookyard audit verify --local
    """
    from hookyard.core.audit.chain import Checkpoint
    from hookyard.core.audit.signing import trust

    if file is not None and local:
        raise click.UsageError("name a file or --local, not both")
    pinned = tuple(signers) or _own_keys()
    seen: dict[str, None] = {}
    judge = trust(pinned)

    def noting(found: Checkpoint) -> str:
        seen[found.key] = None
        return judge(found)

    if local:
        report = asyncio.run(_verify_local(noting))
    else:
        report = _verify_lines(file if file is not None else remote.lines(EXPORT), noting)
    _show(report, list(seen), pinned, as_json=as_json)


def _verify_lines(lines: Iterable[str], judge: "Trust") -> "Report":
    from hookyard.core.audit.export import ExportReader

    reader = ExportReader(judge)
    for line in lines:
        reader.feed(line)
    return reader.end()


async def _verify_local(judge: "Trust") -> "Report":
    from hookyard.bootstrap import open_database
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.core.audit.export import verify as verify_there
    from hookyard.core.audit.model import DEFAULT_TENANT

    database = await open_database(load_settings())
    try:
        return await verify_there(database, DEFAULT_TENANT, judge)
    finally:
        await database.close()


def _own_keys() -> tuple[str, ...]:
    """The public keys of this machine's settings or data folder; none where there are none."""
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.core.audit.signing import existing_key
    from hookyard.kit.errors import ConfigurationError

    try:
        settings = load_settings()
        key = existing_key(settings.access.audit_key, settings.data_dir / "audit.key")
    except (ConfigurationError, OSError):
        return ()
    return () if key is None else key.trusted


def _show(
    report: "Report", signers: Sequence[str], pinned: Sequence[str], *, as_json: bool
) -> None:
    broken = report.broken
    if as_json:
        screen.as_json(
            {
                "tenant": report.tenant,
                "holds": broken is None,
                "entries": report.entries,
                "checkpoints": report.checkpoints,
                "head": report.head_seq,
                "head_hash": report.head_hash,
                "broken_at": None if broken is None else broken.seq,
                "reason": "" if broken is None else broken.what,
                "signers": list(signers),
                "signers_known": bool(pinned),
            }
        )
    if broken is not None:
        raise Failed(f"the audit trail does not hold: {screen.harmless(broken.what)}")
    if as_json:
        return
    click.echo(
        f"the audit trail holds: {report.entries} entries up to {report.head_seq}, "
        f"{report.checkpoints} checkpoints; head {report.head_hash}"
    )
    if signers and not pinned:
        click.echo(
            "The checkpoints were believed by the keys they name themselves: "
            + ", ".join(signers)
            + ". Give the keys you know with --signer.",
            err=True,
        )
