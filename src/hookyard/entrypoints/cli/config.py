"""`hookyard config`: a repository's configuration file, checked and explained offline."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.kit.json import Json

if TYPE_CHECKING:
    from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig


@click.group()
def config() -> None:
    """A repository's `.hookyard.yml`, checked and explained; offline.

    \b
    Examples:
      hookyard config validate .hookyard.yml
      hookyard config explain .hookyard.yml
      hookyard config schema > hookyard.schema.json
    """


@config.command()
@click.argument("file", default=".hookyard.yml")
@json_option
def validate(file: str, as_json: bool) -> None:
    """Check FILE (`-`: standard input); 1 with line and reason when it cannot be used.

    \b
    Example:
      hookyard config validate .hookyard.yml
    """
    from hookyard.core.repositories.config import ConfigInvalid

    found = _parsed(file, read_file(file))
    wrong = found if isinstance(found, ConfigInvalid) else None
    if as_json:
        screen.as_json(
            {
                "file": file,
                "valid": wrong is None,
                "line": wrong.line if wrong else None,
                "reason": wrong.reason if wrong else None,
            }
        )
    if wrong is not None:
        raise Failed(str(wrong))
    if not as_json:
        click.echo(f"{file} is valid")


@config.command()
@click.argument("file", required=False)
@json_option
def explain(file: str | None, as_json: bool) -> None:
    """What holds with FILE (`-`: standard input), and for each value where it comes from.

    Without FILE it shows the defaults.

    \b
    Example:
      hookyard config explain .hookyard.yml --json
    """
    from hookyard.core.repositories.config import ConfigInvalid

    raw = b"" if file is None else read_file(file)
    found = _parsed(file or "defaults", raw)
    if isinstance(found, ConfigInvalid):
        raise Failed(str(found))
    said = set(_said(raw))
    rows = [
        (name, value, (file or "") if name in said else "default")
        for name, value in _leaves(asdict(found))
    ]
    if as_json:
        screen.as_json({"config": asdict(found), "from": {name: where for name, _, where in rows}})
        return
    for name, value, where in rows:
        click.echo(f"{name} = {screen.harmless(screen.plain(value))}  ({where})")


@config.command()
def schema() -> None:
    """Print the file's JSON Schema, for editors.

    \b
    Example:
      hookyard config schema > hookyard.schema.json
    """
    from hookyard.core.repositories.config import config_schema

    screen.as_json(config_schema())


def _parsed(file: str, raw: bytes) -> "RepositoryConfig | ConfigInvalid":
    from hookyard.core.repositories.config import RepositoryConfig, parse_config

    return parse_config(raw, "standard input" if file == "-" else file, RepositoryConfig())


def _leaves(tree: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Dotted names and values; an empty object counts as a value."""
    if isinstance(tree, dict) and tree:
        for name, value in tree.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path, tree


def _said(raw: bytes) -> Iterator[str]:
    """Dotted names a valid file sets."""
    from hookyard.core.repositories.yamltree import Located, read_yaml

    def walk(node: Located, path: str) -> Iterator[str]:
        if isinstance(node.value, dict):
            for name, (_, inner) in node.value.items():
                # why: commands and lanes are kept by their lower-case name.
                yield from walk(inner, f"{path}.{name.lower()}" if path else name.lower())
        else:
            yield path

    yield from walk(read_yaml(raw), "")
