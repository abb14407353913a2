"""`hookyard openapi`: the API's OpenAPI document, without a server."""

import asyncio
import tempfile
from pathlib import Path

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.logs import keep_output_clean
from hookyard.kit.json import Json


@click.command()
def openapi() -> None:
    """Print the API's OpenAPI document; offline.

    \b
    Example:
      hookyard openapi > openapi.json
    """
    keep_output_clean()
    with tempfile.TemporaryDirectory(prefix="hookyard-openapi-") as folder:
        screen.as_json(asyncio.run(_document(Path(folder))))


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
