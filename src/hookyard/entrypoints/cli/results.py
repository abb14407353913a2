"""`hookyard results`: what test reports say, offline."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.json import Json, JsonObject

if TYPE_CHECKING:
    from hookyard.features.testruns.model import Case
    from hookyard.features.testruns.parse import Parsed

BLOCK = 64 * 1024
SPOOLED = 8 * 1024 * 1024

COLUMNS = (
    Column("outcome", text_of("outcome")),
    Column("ids", text_of("ids")),
    Column("class", text_of("classname"), elastic=True),
    Column("name", text_of("name"), elastic=True),
    Column("message", text_of("message"), elastic=True),
)


@click.group()
def results() -> None:
    """Test reports as CI leaves them; offline, nothing is stored.

    \b
    Examples:
      hookyard results parse build/junit.xml
      pytest --junitxml=/dev/stdout -q | hookyard results parse - --json
    """


@results.command()
@click.argument("files", nargs=-1, required=True)
@json_option
def parse(files: tuple[str, ...], as_json: bool) -> None:
    """What each of FILES (`-`: standard input) says: counts, and cases with their criterion ids.

    The dialect is found by what is in the file. Ends with 1 when a file is no report we read, and
    with 0 also when cases failed. Without --json only cases that did not simply pass, or that name
    a criterion, are listed. With several files --json is an array.

    \b
    Example:
      hookyard results parse build/junit.xml --json
    """
    read = [_read(name) for name in files]
    if as_json:
        shapes: list[Json] = [_shape(one) for one in read]
        screen.as_json(shapes if len(files) > 1 else shapes[0])
    else:
        for one in read:
            _show(one)
    bad = [one for one in read if one.parsed.problem is not None and not one.parsed.truncated]
    if bad:
        raise Failed("; ".join(f"{one.name}: {one.parsed.detail}" for one in bad))


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    parsed: "Parsed"
    cases: "list[Case]"


def _read(name: str) -> _Read:
    from hookyard.features.testruns.parse import Keep
    from hookyard.features.testruns.parse import parse as parse_report

    with _opened(name) as file:

        def source() -> Iterable[bytes]:
            file.seek(0)
            return iter(lambda: file.read(BLOCK), b"")

        parsed, sink = parse_report(source, Keep)
    return _Read(name, parsed, sink.cases if isinstance(sink, Keep) else [])


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """The file; standard input goes to a spool first, since it may be read twice."""
    try:
        if name != "-":
            with Path(name).open("rb") as file:
                yield file
            return
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as spool:
            for block in iter(lambda: sys.stdin.buffer.read(BLOCK), b""):
                spool.write(block)
            yield spool
    except OSError as error:
        raise Failed(f"{name} cannot be read: {os.strerror(error.errno or 0)}") from None


def _shape(one: _Read) -> JsonObject:
    parsed, totals = one.parsed, one.parsed.totals
    cases: list[Json] = [_case(case) for case in one.cases]
    shape: dict[str, Json] = {
        "file": one.name,
        "dialect": parsed.dialect,
        "tests": totals.tests,
        "passed": totals.passed,
        "failed": totals.failed,
        "errors": totals.errors,
        "skipped": totals.skipped,
        "flaky": totals.flaky,
        "duration_s": totals.duration_s,
        "truncated": parsed.truncated,
        "problem": None if parsed.problem is None else parsed.problem.value,
        "detail": parsed.detail,
        "warnings": list(parsed.warnings),
        "cases": cases,
    }
    return shape


def _case(case: "Case") -> JsonObject:
    return {
        "name": case.name,
        "classname": case.classname,
        "suite": case.suite,
        "file": case.file,
        "line": case.line,
        "outcome": case.outcome.value,
        "flaky": case.flaky,
        "reruns": case.reruns,
        "time_s": case.time_s,
        "occurrence": case.occurrence,
        "message": case.message,
        "ids": list(case.ids),
    }


def _show(one: _Read) -> None:
    totals, parsed = one.parsed.totals, one.parsed
    if parsed.problem is not None and not parsed.truncated:
        return
    ending = ", truncated" if parsed.truncated else ""
    name = screen.harmless(one.name)
    click.echo(
        f"{name}: {parsed.dialect}, {totals.tests} tests: {totals.passed} passed,"
        f" {totals.failed} failed, {totals.errors} errors, {totals.skipped} skipped,"
        f" {totals.flaky} flaky, {totals.duration_s:.1f} s{ending}"
    )
    for warning in parsed.warnings:
        click.echo(f"  {screen.harmless(warning)}")
    rows: list[JsonObject] = []
    for case in one.cases:
        if case.ids or case.flaky or case.outcome.value != "passed":
            flaky = " (flaky)" if case.flaky else ""
            rows.append(
                {**_case(case), "outcome": case.outcome.value + flaky, "ids": " ".join(case.ids)}
            )
    if rows:
        screen.table(COLUMNS, rows)
