"""What the command line shows: tables, records and JSON. Everything from strangers is made
harmless for a terminal first."""

import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import click

from hookyard.kit.json import Json, JsonObject, as_text

GAP = 2
LEAST = 8
STATES: Mapping[str, str] = {
    "accepted": "cyan",
    "cancelled": "yellow",
    "dead": "red",
    "ignored": "bright_black",
    "landed": "green",
    "pending": "cyan",
    "queued": "cyan",
    "routed": "green",
    "running": "blue",
    "succeeded": "green",
    "waiting": "yellow",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: heading, how a row's text is found, whether it gives way, its colours."""

    title: str
    cell: Callable[[JsonObject], str]
    elastic: bool = False
    colours: Mapping[str, str] = field(default_factory=dict)


def harmless(text: str) -> str:
    """The text on one line and without anything a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_shown(c))


def _is_shown(character: str) -> bool:
    # why: Cc are controls (escape sequences), Cf reorder or hide text, Cs cannot be encoded.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def width_of(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(1 for c in text if unicodedata.east_asian_width(c) in "WF")
    return len(text) + wide - sum(1 for c in text if unicodedata.combining(c))


def clip(text: str, width: int) -> str:
    """The text in at most `width` cells; what is cut shows as an ellipsis."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return text + "…"


def widths_for(columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """The width of each column; the widest elastic ones give way until all fit `room`."""
    heads = [column.title for column in columns]
    widths = [max(width_of(row[n]) for row in (heads, *cells)) for n in range(len(columns))]
    elastic = [n for n, column in enumerate(columns) if column.elastic]
    spare = sum(widths) + GAP * (len(columns) - 1) - room
    while spare > 0 and elastic:
        widest = max(elastic, key=lambda n: widths[n])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
        spare -= 1
    return widths


def lines_of(
    columns: Sequence[Column], rows: Iterable[JsonObject], room: int | None
) -> list[list[str]]:
    """Heading and rows as padded cells. `room` None cuts nothing."""
    cells = [[harmless(column.cell(row)) for column in columns] for row in rows]
    widths = widths_for(columns, cells, room if room is not None else 1_000_000)
    found: list[list[str]] = []
    for row in ([column.title for column in columns], *cells):
        cut = [clip(cell, width) for cell, width in zip(row, widths, strict=True)]
        found.append(
            [c + " " * (width - width_of(c)) for c, width in zip(cut, widths, strict=True)]
        )
    return found


def room() -> int | None:
    """The terminal's width; None where the output is no terminal, so that nothing is cut."""
    return shutil.get_terminal_size((100, 40)).columns if sys.stdout.isatty() else None


def table(columns: Sequence[Column], rows: Sequence[JsonObject], empty: str = "Nothing.") -> None:
    """Rows under a heading, aligned; colour only on a terminal."""
    if not rows:
        click.echo(empty)
        return
    head, *body = lines_of(columns, rows, room())
    click.secho((" " * GAP).join(head).rstrip(), bold=True)
    for cells in body:
        painted = [
            click.style(cell, fg=column.colours.get(cell.strip()))
            if cell.strip() in column.colours
            else cell
            for column, cell in zip(columns, cells, strict=True)
        ]
        click.echo((" " * GAP).join(painted).rstrip())


def record(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line; empty values are left out."""
    shown = [(name, harmless(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        text = click.style(value, fg=STATES.get(value)) if value in STATES else value
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {text}")


def as_json(value: Json) -> None:
    """A value as JSON that both people and programs can read."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _can_show_utf8()))


def _can_show_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def plain(value: Json) -> str:
    """A JSON value in one line: text as it is, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(value: Json) -> str:
    """`2026-01-31T12:00:00.123Z` as `2026-01-31 12:00:00`."""
    return as_text(value)[:19].replace("T", " ")


def short_moment(value: Json) -> str:
    """The same without the year, for tables."""
    return moment(value)[5:]


def text_of(name: str) -> Callable[[JsonObject], str]:
    """The text of a field."""
    return lambda row: plain(row.get(name))


def time_of(name: str) -> Callable[[JsonObject], str]:
    """The short moment of a field."""
    return lambda row: short_moment(row.get(name))
