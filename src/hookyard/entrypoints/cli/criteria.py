"""`hookyard criteria`: the acceptance criteria of a text, offline."""

from dataclasses import asdict

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.json import Json, JsonObject, as_text


def box(row: JsonObject) -> str:
    """`[x]`, `[ ]`, or nothing where the form has no box."""
    checked = row.get("checked")
    return "" if checked is None else ("[x]" if checked else "[ ]")


def form(row: JsonObject) -> str:
    """The form of the item; `waived` where its author struck it out."""
    kind = as_text(row.get("kind"))
    return f"{kind}, waived" if row.get("waived") is True else kind


COLUMNS = (
    Column("id", text_of("id")),
    Column("", box),
    Column("line", text_of("line")),
    Column("kind", form),
    Column("group", text_of("group"), elastic=True),
    Column("text", text_of("text"), elastic=True),
)


@click.group()
def criteria() -> None:
    """Acceptance criteria as an issue's text has them; offline, nothing is stored.

    \b
    Examples:
      hookyard criteria extract issue.md
      gh issue view 12 --json body --jq .body | hookyard criteria extract - --json
    """


@criteria.command()
@click.argument("file")
@json_option
def extract(file: str, as_json: bool) -> None:
    """What FILE (`-`: standard input) says must hold, how sure that is, and why.

    Ends with 0 also when there is nothing: the confidence is then `none`.

    \b
    Example:
      hookyard criteria extract issue.md --json
    """
    from hookyard.features.checklists.extract import extract as extract_text

    found = extract_text(read_file(file).decode("utf-8", "replace"))
    items: list[JsonObject] = [_plain(asdict(item)) for item in found.items]
    if as_json:
        screen.as_json(
            {
                "confidence": found.confidence.value,
                "reason": found.reason,
                "cut": found.cut,
                "items": items,
            }
        )
        return
    screen.record([("confidence", found.confidence.value), ("reason", found.reason)])
    if items:
        click.echo()
        screen.table(COLUMNS, items)


def _plain(item: dict[str, Json]) -> JsonObject:
    plain = {name: str(value) if isinstance(value, str) else value for name, value in item.items()}
    return plain | {"waived": plain.pop("struck")}
