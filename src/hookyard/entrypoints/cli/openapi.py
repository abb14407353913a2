"""`hookyard openapi`: the OpenAPI documents of the API and of records, without a server."""

import asyncio
import tempfile
from pathlib import Path

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.logs import keep_output_clean
from hookyard.kit.json import Json


@click.command()
@click.option("--records", is_flag=True, help="The document of records, /v1.")
@click.option("--typescript", is_flag=True, help="Types of records for TypeScript; with --records.")
@click.option("--entities", "file", metavar="FILE", help="Declared entities beside the built-in.")
@click.option(
    "--role", "roles", multiple=True, metavar="ROLE", help="For holders of this role (admin)."
)
def openapi(records: bool, typescript: bool, file: str | None, roles: tuple[str, ...]) -> None:
    """Print the API's OpenAPI document, or that of records; offline.

    \b
    Examples:
      hookyard openapi > openapi.json
      hookyard openapi --records --entities entities.yml --role operator
      hookyard openapi --records --typescript > records.ts
    """
    keep_output_clean()
    if records:
        _of_records(file, roles or ("admin",), typescript=typescript)
        return
    if typescript or file or roles:
        raise click.UsageError("--typescript, --entities and --role go with --records")
    with tempfile.TemporaryDirectory(prefix="hookyard-openapi-") as folder:
        screen.as_json(asyncio.run(_document(Path(folder))))


def _of_records(file: str | None, roles: tuple[str, ...], *, typescript: bool) -> None:
    from hookyard.core.identity.model import Role
    from hookyard.features.records.documents.service import document
    from hookyard.features.records.documents.typescript import types_of
    from hookyard.features.records.rules import bits
    from hookyard.features.records.schema.builtin import BUILT_IN
    from hookyard.features.records.schema.declare import BadDeclaration, read_entities
    from hookyard.features.records.shape import Shape

    known = {role.value: role for role in Role}
    for name in roles:
        if name not in known:
            raise click.UsageError(f"there is no role {name}; there is {', '.join(known)}")
    try:
        declared = () if file is None else read_entities(read_file(file))
    except BadDeclaration as error:
        raise Failed(f"{file} cannot be used: {error}") from None
    shapes = {one.name: Shape(one, "sqlite", pgvector=False) for one in (*BUILT_IN, *declared)}
    found = document(shapes, bits(known[name] for name in roles), 1)
    if typescript:
        click.echo(types_of(found), nl=False)
    else:
        screen.as_json(found)


async def _document(folder: Path) -> Json:
    """The document of a server on an empty folder: routes need the parts they stand on."""
    from hookyard.bootstrap import open_yard
    from hookyard.entrypoints.http.app import Front
    from hookyard.settings import load_settings

    settings = load_settings({"HOOKYARD_DATA_DIR": str(folder)}, folder=folder)
    yard = await open_yard(settings, {})
    try:
        found: Json = Front(yard).openapi
        return found
    finally:
        await yard.close()
