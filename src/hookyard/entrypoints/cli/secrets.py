"""`hookyard secrets`: where secrets come from, and the keys of sealed values exchanged.

It works on the database itself, as `hookyard migrate` does: with SQLite the server has to be
stopped meanwhile, with Postgres it goes on. Each step is one transaction, and a command that was
killed goes on where it stopped when it is called again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.logs import keep_output_clean
from hookyard.kit.json import Json, JsonObject

if TYPE_CHECKING:
    from hookyard.core.sealing.rotation import Rotation
    from hookyard.core.sealing.service import Sealer
    from hookyard.settings import Settings

Work = Callable[["Rotation", "Sealer"], Awaitable[JsonObject]]


@click.group()
def secrets() -> None:
    """Where secrets come from, and the keys of sealed values.

    \b
    Examples:
      hookyard secrets check
      hookyard secrets rotate && hookyard secrets reencrypt
      hookyard secrets rewrap --new-key
    """


@secrets.command()
@json_option
def check(as_json: bool) -> None:
    """Reach every source and every key, and say which secret came from where.

    Ends with 1 when something cannot be read.

    \b
    Example:
      hookyard secrets check --json
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.cli.secrets_check import checked, show

    keep_output_clean()
    settings = load_settings()
    found = asyncio.run(
        _opened(settings, lambda rotation, sealer: checked(settings, rotation, sealer))
    )
    if as_json:
        screen.as_json(found)
    else:
        show(found)
    if not found["healthy"]:
        raise Failed("some secrets or keys cannot be read")


@secrets.command()
@click.option("--tenant", help="One tenant only, instead of all.")
@json_option
def rotate(tenant: str | None, as_json: bool) -> None:
    """Give tenants new data keys; values sealed before stay readable under the old ones.

    `hookyard secrets reencrypt` then moves them, and disables old keys that nothing is under.

    \b
    Example:
      hookyard secrets rotate --tenant default
    """

    async def work(rotation: "Rotation", sealer: "Sealer") -> JsonObject:
        known = await rotation.tenants()
        if tenant is not None and tenant not in known:
            raise Failed(f"tenant {tenant} has no data keys: nothing was sealed for it yet")
        done: list[Json] = []
        for name in known if tenant is None else [tenant]:
            found = await rotation.rotate(name)
            done.append({"tenant": name, "primary": found.primary, "before": found.before})
            _progress(as_json, f"{name}: {found.primary} is the primary key")
        return {"rotated": done}

    _finish(work, as_json, lambda found: f"{len(_list(found, 'rotated'))} tenants have new keys")


@secrets.command()
@click.option("--new-key", is_flag=True, help="First add a wrapping key (local: only).")
@click.option("--all", "every", is_flag=True, help="Also keys whose wrapping looks up to date.")
@json_option
def rewrap(new_key: bool, every: bool, as_json: bool) -> None:
    """Wrap every data key by the newest version of the first of HOOKYARD_SEALING_KEYS.

    This is how to move to another key or another provider: put it first, rewrap, then unlist the
    old one. Nothing that was sealed is touched.

    \b
    Examples:
      hookyard secrets rewrap --new-key
      HOOKYARD_SEALING_KEYS=gcp-kms:…,local: hookyard secrets rewrap
    """

    async def work(rotation: "Rotation", sealer: "Sealer") -> JsonObject:
        if new_key:
            _progress(as_json, f"added wrapping key {_add_key(sealer)}")
        seen = changed = 0
        async for one in rotation.rewrap(every=every):
            seen, changed = seen + 1, changed + one.is_new
            _progress(as_json, f"{one.tenant}: {one.key_id} {'wrapped' if one.is_new else 'is so'}")
        return {"keys": seen, "rewrapped": changed}

    _finish(
        work, as_json, lambda found: f"{found['rewrapped']} of {found['keys']} keys wrapped again"
    )


@secrets.command()
@json_option
def reencrypt(as_json: bool) -> None:
    """Seal every value under its tenant's primary key, then disable keys that nothing is under.

    A key that was primary until 65 minutes ago is left: a process may still seal with it. Run the
    command again later. Ends with 1 when a value does not open.

    \b
    Example:
      hookyard secrets reencrypt --json
    """

    async def work(rotation: "Rotation", sealer: "Sealer") -> JsonObject:
        seen = moved = 0
        refused: list[Json] = []
        async for page in rotation.reencrypt():
            seen, moved = seen + page.seen, moved + page.moved
            refused += [f"{page.table}.{page.column}: {row}" for row in page.refused]
            _progress(as_json, f"{page.table}.{page.column}: {moved} of {seen} moved")
        disabled, waiting = await rotation.retire()
        return {
            "values": seen,
            "moved": moved,
            "refused": refused,
            "disabled": list(disabled),
            "waiting": [key.id for key in waiting],
        }

    def said(found: JsonObject) -> str:
        return (
            f"{found['moved']} of {found['values']} values moved, "
            f"{len(_list(found, 'disabled'))} old keys disabled, "
            f"{len(_list(found, 'waiting'))} still to wait for"
        )

    found = _finish(work, as_json, said)
    if found["refused"]:
        raise Failed(f"{len(_list(found, 'refused'))} values do not open; their keys are kept")


def _finish(work: Work, as_json: bool, said: Callable[[JsonObject], str]) -> JsonObject:
    from hookyard.bootstrap.keeping import load_settings

    keep_output_clean()
    found = asyncio.run(_opened(load_settings(), work))
    if as_json:
        screen.as_json(found)
    else:
        click.echo(said(found))
    return found


def _progress(as_json: bool, line: str) -> None:
    """A step, on standard error; JSON on standard output stays alone."""
    if not as_json:
        click.echo(screen.harmless(line), err=True)


def _list(found: JsonObject, name: str) -> list[Json]:
    value = found[name]
    return value if isinstance(value, list) else []


def _add_key(sealer: "Sealer") -> str:
    from hookyard.bootstrap.sealing import add_local_key

    return add_local_key(sealer)


async def _opened(settings: "Settings", work: Work) -> JsonObject:
    async with _rotation(settings) as (rotation, sealer):
        return await work(rotation, sealer)


@asynccontextmanager
async def _rotation(settings: "Settings") -> AsyncIterator[tuple["Rotation", "Sealer"]]:
    from hookyard import registry
    from hookyard.bootstrap import migrate_as_set, open_database
    from hookyard.bootstrap.sealing import open_sealer
    from hookyard.core.sealing.rotation import Rotation
    from hookyard.entrypoints.worker.process import readable_database
    from hookyard.kit.clock import SystemClock
    from hookyard.kit.ids import IdMaker
    from hookyard.settings import read_environment

    clock, environ = SystemClock(), read_environment(Path.cwd(), os.environ)
    with readable_database(settings):
        database = await open_database(settings)
        try:
            await migrate_as_set(settings, database)
            sealer = open_sealer(settings, database, environ, clock, IdMaker())
            try:
                yield Rotation(database, sealer, clock, registry.SEALED), sealer
            finally:
                await sealer.close()
        finally:
            await database.close()
