"""`hookyard manifest`: what a diff changes and which tests it asks for, offline."""

from pathlib import Path

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.json import JsonObject, as_list, as_object, as_text


def _reasons(row: JsonObject) -> str:
    return "; ".join(as_text(as_object(r).get("detail")) for r in as_list(row.get("reasons")))


def _kinds(row: JsonObject) -> str:
    return ", ".join(as_text(kind) for kind in as_list(row.get("boundaries")))


GAPS = (
    Column("rank", text_of("rank")),
    Column("score", text_of("score")),
    Column("file", text_of("file"), elastic=True),
    Column("symbol", text_of("name"), elastic=True),
    Column("lacks", _reasons, elastic=True),
    Column("boundaries", _kinds),
)
SUGGESTIONS = (
    Column("gap", text_of("gap")),
    Column("write", text_of("name"), elastic=True),
    Column("in", text_of("target"), elastic=True),
    Column("with", text_of("framework")),
)
UNMEASURED = (
    Column("not measured", text_of("path"), elastic=True),
    Column("reason", text_of("reason"), elastic=True),
)


@click.command()
@click.argument("file")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with the files as the diff leaves them: symbols come from their syntax.",
)
@click.option("--coverage", help="A JSON report of coverage.py; with contexts, it names tests.")
@json_option
def manifest(file: str, root: Path | None, coverage: str | None, as_json: bool) -> None:
    """What the diff FILE (`-`: standard input) changes, and which tests are missing.

    Offline, nothing is stored. Without --root, symbols of changed files are those that the
    headers of their hunks name.

    \b
    Examples:
      git diff main... | hookyard manifest - --root . --json
      hookyard manifest change.diff --root . --coverage coverage.json
    """
    from hookyard.features.manifests import coverage_json, encode
    from hookyard.features.manifests.build import build
    from hookyard.features.manifests.local import inputs_of

    report = None if coverage is None else coverage_json.read(read_file(coverage))
    inputs = inputs_of(read_file(file), root, report)
    if not inputs.files:
        raise Failed(f"{file} holds no diff")
    document = encode.to_json(build(inputs))
    if as_json:
        screen.as_json(document)
        return
    _show(document)


def _show(document: JsonObject) -> None:
    measured = as_object(document.get("measured"))
    screen.record(
        [
            ("measured", as_text(measured.get("says"))),
            ("lines", f"+{measured.get('lines_added')} -{measured.get('lines_deleted')}"),
            ("tests known", str(measured.get("tests_known"))),
        ]
    )
    for key, columns in (("unmeasured", UNMEASURED), ("gaps", GAPS), ("suggestions", SUGGESTIONS)):
        rows = [as_object(row) for row in as_list(document.get(key))]
        if rows:
            click.echo()
            screen.table(columns, rows)
