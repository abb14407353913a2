"""`hookyard entities`: declarations of entities checked, planned and applied.

It works on the database itself, as `hookyard migrate` does: with SQLite the server has to be
stopped meanwhile, with Postgres it goes on, and every process notices what was applied.
"""

import asyncio
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.logs import keep_output_clean
from hookyard.kit.json import JsonObject

if TYPE_CHECKING:
    from hookyard.features.records.schema.model import Entity
    from hookyard.features.records.schema.service import Plan
    from hookyard.settings import Settings


@click.group()
def entities() -> None:
    """What records there are: declarations in YAML, made into tables.

    \b
    Examples:
      hookyard entities validate entities.yml
      hookyard entities apply entities.yml --dry-run
      hookyard entities apply entities.yml
    """


@entities.command()
@click.argument("file")
@json_option
def validate(file: str, as_json: bool) -> None:
    """Check FILE (`-`: standard input), offline; 1 with mistakes, their lines and places.

    \b
    Example:
      hookyard entities validate entities.yml
    """
    found, mistakes = _read(file)
    if as_json:
        screen.as_json({"file": file, "valid": not mistakes, "mistakes": mistakes})
    if mistakes:
        said = "\n  ".join(str(mistake["text"]) for mistake in mistakes)
        raise Failed(f"{file} cannot be used:\n  {said}")
    if not as_json:
        names = ", ".join(entity.name for entity in found)
        click.echo(f"{file} is valid: {names}")


@entities.command()
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--allow-destructive", is_flag=True, help="Also do what loses data.")
@json_option
def apply(file: str, dry_run: bool, allow_destructive: bool, as_json: bool) -> None:
    """Make the tables as FILE (`-`: standard input) says, and print what is done.

    Entities of an earlier file that FILE does not name are dropped, those built in stay. What
    loses data is refused, and nothing done at all, unless it is allowed.

    \b
    Example:
      hookyard entities apply entities.yml
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.worker.process import readable_database

    keep_output_clean()
    found, mistakes = _read(file)
    if mistakes:
        said = "\n  ".join(str(mistake["text"]) for mistake in mistakes)
        raise Failed(f"{file} cannot be used:\n  {said}")
    settings = load_settings()
    with readable_database(settings):
        plan = asyncio.run(_apply(settings, found, dry_run=dry_run, allowed=allow_destructive))
    refused = plan.destructive and not allow_destructive
    _show(plan, applied=not dry_run and not refused, as_json=as_json)
    if refused:
        steps = "; ".join(screen.harmless(step.name) for step in plan.destructive)
        raise Failed(f"this loses data, and needs --allow-destructive: {steps}")


def _read(file: str) -> "tuple[tuple[Entity, ...], list[dict[str, str | int]]]":
    from hookyard.features.records.schema.declare import BadDeclaration, read_entities

    try:
        return read_entities(read_file(file)), []
    except BadDeclaration as error:
        return (), [
            {"line": one.line, "path": one.path, "reason": one.reason, "text": str(one)}
            for one in error.mistakes
        ]


async def _apply(
    settings: "Settings", declared: "tuple[Entity, ...]", *, dry_run: bool, allowed: bool
) -> "Plan":
    from hookyard.adapters.database.port import Unit
    from hookyard.bootstrap import migrate_as_set, open_database
    from hookyard.core.audit.service import Audit
    from hookyard.features.records.schema.applying import Applying
    from hookyard.features.records.schema.service import CHANGED, Plan, Refused, Schemas
    from hookyard.kit.clock import SystemClock
    from hookyard.kit.ids import IdMaker

    database = await open_database(settings)
    clock, ids = SystemClock(), IdMaker()
    schemas = Schemas(Audit(ids))
    applying = Applying(database, schemas, clock, _tell)

    def planned(unit: Unit) -> Plan:
        return schemas.plan_file(unit, declared)

    try:
        await migrate_as_set(settings, database)
        # why: what is wrong with indexes is a part of the plan that is shown.
        await applying.apply_built_in(mend=False)
        plan = await database.write(planned)
        if dry_run or (plan.destructive and not allowed):
            return plan
        plan = await applying.apply(planned, "cli:entities", allow_destructive=allowed)
        if plan.changes:
            database.announce(CHANGED)
    except Refused as error:
        raise Failed(str(error)) from None
    finally:
        await database.close()
    return plan


def _tell(said: str) -> None:
    click.echo(screen.harmless(said), err=True)


def _show(plan: "Plan", *, applied: bool, as_json: bool) -> None:
    if as_json:
        steps: list[JsonObject] = [
            {
                "kind": step.kind.value,
                "entity": step.entity.name,
                "what": step.what.strip(" .:"),
                "destructive": step.destructive,
                "loses": step.loses,
            }
            for step in plan.steps
        ]
        screen.as_json({"applied": applied, "steps": steps})
        return
    for step in plan.steps:
        click.echo(f"{'' if applied else 'would '}{screen.harmless(str(step))}")
    if not plan.steps:
        click.echo("nothing to do: the tables are as the file says")
