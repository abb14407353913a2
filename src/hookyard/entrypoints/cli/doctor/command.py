"""The command: settings first, then each check with its fix."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.doctor.model import Finding, Level, bad
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.logs import keep_output_clean

if TYPE_CHECKING:
    from hookyard.entrypoints.cli.doctor.origins import Explained
    from hookyard.settings import Settings

MARKS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.BAD: ("✗", "red")}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show every setting and where it comes from, reach every dependency, name every fix.

    Ends with 1 when something is wrong; warnings alone end with 0.

    \b
    Examples:
      hookyard doctor
      hookyard doctor --json
    """
    keep_output_clean()
    settings, findings = examine(Path.cwd(), dict(os.environ))
    wrong = [finding for finding in findings if finding.level is Level.BAD]
    if as_json:
        screen.as_json(
            {
                "settings": [
                    {"name": s.name, "value": s.value, "from": s.origin} for s in settings
                ],
                "checks": [
                    {"name": f.name, "level": f.level.value, "detail": f.detail, "fix": f.fix}
                    for f in findings
                ],
            }
        )
    else:
        _show(settings, findings)
    if wrong:
        raise Failed(f"{len(wrong)} of {len(findings)} checks failed")


def examine(folder: Path, environ: dict[str, str]) -> tuple[list["Explained"], list[Finding]]:
    """Every setting and every finding of a process started in this folder."""
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.cli.doctor.origins import (
        explain_settings,
        file_trouble,
        with_sources,
    )
    from hookyard.kit.errors import ConfigurationError
    from hookyard.settings import read_environment

    trouble = file_trouble(folder, environ)
    if trouble is not None:
        return [], [bad("settings", trouble, "mend or remove that file")]
    explained = explain_settings(folder, environ)
    wrong = [s.wrong for s in explained if s.wrong is not None]
    if wrong:
        return explained, [bad("settings", reason, "set it right, or unset it") for reason in wrong]
    try:
        settings = load_settings(environ, folder=folder)
    except ConfigurationError as error:
        return explained, [bad("settings", str(error), "set it right, or unset it")]
    explained = with_sources(explained, settings)
    raw = read_environment(folder, environ)
    return explained, asyncio.run(_findings(settings, environ, raw))


async def _findings(
    settings: "Settings", environ: dict[str, str], raw: dict[str, str]
) -> list[Finding]:
    from hookyard.entrypoints.cli.doctor import (
        broker,
        issuers,
        kept,
        machine,
        outside,
        signin,
        storage,
        walls,
    )
    from hookyard.kit.clock import SystemClock

    return [
        *machine.data_folder(settings),
        *await kept.secrets(settings, raw, SystemClock()),
        *machine.sqlite_version(settings),
        await machine.database(settings),
        *await walls.walls(settings),
        *await broker.broker(settings, environ, SystemClock()),
        *await broker.sinks(settings, environ, SystemClock()),
        *await storage.blob_store(settings, environ, SystemClock()),
        *await outside.github(settings, raw, SystemClock()),
        *outside.sources(settings, environ),
        *await issuers.issuers(settings, environ, SystemClock()),
        *await signin.sign_in(settings, SystemClock()),
        outside.public_url(settings),
        machine.agent(settings),
    ]


def _show(settings: list["Explained"], findings: list[Finding]) -> None:
    width = max((len(s.name) for s in settings), default=0)
    for setting in settings:
        shade = None if setting.origin != "default" else "bright_black"
        text = f"{setting.name.ljust(width)}  {screen.harmless(setting.value)}"
        click.echo(f"{click.style(text, fg=shade)}  ({setting.origin})")
    if settings:
        click.echo()
    for finding in findings:
        mark, colour = MARKS[finding.level]
        click.echo(
            f"{click.style(mark, fg=colour)} {finding.name}: {screen.harmless(finding.detail)}"
        )
        if finding.fix:
            click.echo(f"    fix: {finding.fix}")
